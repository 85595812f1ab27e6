import { eventually, freePort, guardProcess, type RedisServer, temporaryDirectory } from '@tailrace/testkit';
import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openRedisStore } from './index.ts';
import { redisUnderTest } from './testing/redis-under-test.ts';
import { append, leaderEpochOf, openShard, readAll } from './testing/shard-under-test.ts';

describe('Redis under Sentinel', () => {
  const { start, endWithTest } = redisUnderTest();

  /** One sentinel that decides alone; answers its port. */
  async function startSentinel(primary: RedisServer): Promise<number> {
    const directory = await temporaryDirectory();
    const port = await freePort();
    const file = join(directory.path, 'sentinel.conf');
    await writeFile(
      file,
      [
        `port ${port}`,
        'bind 127.0.0.1',
        `dir ${directory.path}`,
        `sentinel monitor main 127.0.0.1 ${primary.port} 1`,
        'sentinel down-after-milliseconds main 500',
        'sentinel failover-timeout main 3000',
      ].join('\n'),
    );
    const child = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
    const release = guardProcess(child.pid as number);
    endWithTest(async () => {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
      release();
      await directory.remove();
    });
    return port;
  }

  it('follows the primary that the sentinel names, with nothing acknowledged lost', async () => {
    const primary = await start({ replicas: 1 });
    const [replica] = primary.replicas as [RedisServer];
    const sentinelPort = await startSentinel(primary);
    const store = await eventually(() => openRedisStore({ url: `redis+sentinel://127.0.0.1:${sentinelPort}/main` }));
    endWithTest(() => store.close());
    const shard = await openShard(store);
    await append(store, shard, ['before'], { minInsyncReplicas: 2 });
    // The sentinel must know the replica before it can promote it.
    await eventually(async () => expect(String(await replica.command('INFO', 'replication'))).toContain('role:slave'));
    await eventually(
      async () => {
        const answer = spawnText(sentinelPort);
        expect(await answer).toContain(String(replica.port));
      },
      { timeoutMs: 15_000 },
    );

    await primary.kill9();
    await eventually(() => append(store, shard, ['after']), { timeoutMs: 20_000, intervalMs: 50 });
    const values = (await readAll(store, shard)).map(([, value]) => value);
    expect(values[0]).toBe('before');
    expect(values.at(-1)).toBe('after');
    expect(await leaderEpochOf(store, shard)).toBeGreaterThan(0);
  });
});

/** What the sentinel knows of replicas. */
async function spawnText(port: number): Promise<string> {
  const child = spawn('redis-cli', ['-p', String(port), 'SENTINEL', 'REPLICAS', 'main']);
  let text = '';
  child.stdout.on('data', (data: Buffer) => {
    text += data.toString();
  });
  await once(child, 'close');
  return text;
}
