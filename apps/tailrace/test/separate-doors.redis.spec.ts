import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, freePort, guardProcess, type RedisServer, startRedis } from '@tailrace/testkit';
import { tailrace } from './program.ts';

const APPS = join(import.meta.dirname, '..', '..');

let redis: RedisServer;
let httpPort: number;
let kafkaPort: number;
const doors: ChildProcess[] = [];

function open(app: string, env: Record<string, string>): void {
  const door = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(APPS, app, 'src/main.ts')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env.PATH,
      TAILRACE_STORE: 'redis',
      TAILRACE_REDIS_URL: redis.url,
      TAILRACE_METRICS_PORT: '0',
      TAILRACE_LOG_LEVEL: 'warn',
      ...env,
    },
  });
  guardProcess(door.pid as number);
  doors.push(door);
}

beforeAll(async () => {
  redis = await startRedis({ appendonly: true });
  [httpPort, kafkaPort] = [await freePort(), await freePort()];
  open('rest-api', { TAILRACE_HTTP_PORT: String(httpPort) });
  open('kafka-bridge', { TAILRACE_KAFKA_PORT: String(kafkaPort) });
  await eventually(async () => (await fetch(`http://127.0.0.1:${httpPort}/health/ready`)).status === 200, {
    timeoutMs: 20_000,
  });
});

afterAll(async () => {
  await Promise.all(
    doors.map(async (door) => {
      door.kill('SIGTERM');
      await once(door, 'exit');
    }),
  );
  await redis.stop();
});

describe('the two doors as processes of their own over one Redis', () => {
  it('show each other streams and records', async () => {
    const client = ['--http', `http://127.0.0.1:${httpPort}`, '--kafka', `127.0.0.1:${kafkaPort}`];
    expect((await tailrace(['streams', 'create', 'shared', '--shards', '3', ...client])).stdout).toEqual(
      'Made stream shared with 3 shards.\n',
    );
    await eventually(
      async () => (await tailrace(['produce', 'shared', '--key', 'k', ...client], {}, 'by kafka\n')).code === 0,
      {
        timeoutMs: 20_000,
      },
    );
    const put = await fetch(`http://127.0.0.1:${httpPort}/v1/streams/shared/records`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"partitionKey":"k","data":"by http"}',
    });
    expect(put.status).toBe(201);
    const read = await tailrace(['consume', 'shared', '--from', 'beginning', '--max', '2', '--json', ...client]);
    expect(
      read.stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { value: string }).value)
        .sort(),
    ).toEqual(['by http', 'by kafka']);
    const { shardId } = (await put.json()) as { shardId: string };
    const page = await fetch(
      `http://127.0.0.1:${httpPort}/v1/streams/shared/shards/${shardId}/records?from=earliest&as=text`,
    );
    expect(await page.text()).toContain('by http');
  });
});
