import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { eventually } from './eventually.ts';
import { type RedisServer, startRedis, type StartRedisOptions } from './redis-server.ts';
import { startRedisCluster } from './redis-cluster.ts';
import { temporaryDirectory } from './temporary-directory.ts';

describe('startRedis', () => {
  const started: RedisServer[] = [];
  const start = async (options?: StartRedisOptions) => {
    const server = await startRedis(options);
    started.push(server);
    return server;
  };
  afterEach(async () => {
    for (const server of started.splice(0)) await server.stop();
  });

  it('answers on its port until stop(), which removes its directory', async () => {
    const server = await start();
    expect(await server.command('PING')).toEqual('PONG');
    expect(existsSync(server.directory)).toEqual(true);
    await server.stop();
    await expect(server.command('PING')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(existsSync(server.directory)).toEqual(false);
    expect(() => server.pid).toThrow(`redis-server on port ${server.port} is not running`);
  });

  it('takes directives of redis.conf', async () => {
    const server = await start({ config: { maxmemory: '64mb', 'stream-node-max-bytes': 65_536, save: '60 1000' } });
    expect(await server.command('CONFIG', 'GET', 'maxmemory')).toEqual(['maxmemory', '67108864']);
    expect(await server.command('CONFIG', 'GET', 'stream-node-max-bytes')).toEqual(['stream-node-max-bytes', '65536']);
    expect(await server.command('CONFIG', 'GET', 'save')).toEqual(['save', '60 1000']);
  });

  it('says what Redis said when it does not start', async () => {
    await expect(startRedis({ config: { maxmemory: 'much' } })).rejects.toThrow(/ended \(1\)/);
  });

  it.each([
    [true, 'kept'],
    [false, null],
  ])('after kill9() and restart() with appendonly %p, a key is %p', async (appendonly, expected) => {
    const server = await start({ appendonly, config: { appendfsync: 'always' } });
    await server.command('SET', 'key', 'kept');
    const { pid, port } = server;
    await server.kill9();
    await expect(server.command('PING')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await server.restart();
    expect(server.port).toEqual(port);
    expect(server.pid).not.toEqual(pid);
    expect(await server.command('GET', 'key')).toEqual(expected);
  });

  it('keeps a directory that it was given', async () => {
    const directory = await temporaryDirectory();
    const server = await start({ appendonly: true, dir: directory.path });
    await server.command('SET', 'key', 'value');
    await server.stop();
    const next = await start({ appendonly: true, dir: directory.path });
    expect(await next.command('GET', 'key')).toEqual('value');
    await next.stop();
    await directory.remove();
  });

  it('answers nothing between pause() and resume()', async () => {
    const server = await start();
    const client = new Redis(server.port);
    await client.ping();
    server.pause();
    const ping = client.ping();
    const first = await Promise.race([ping, sleep(200, 'silence')]);
    expect(first).toEqual('silence');
    server.resume();
    expect(await ping).toEqual('PONG');
    client.disconnect();
  });

  it('stops a paused server', async () => {
    const server = await start();
    server.pause();
    await server.stop();
    await expect(server.command('PING')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('starts a primary with replicas in step, and stops them with it', async () => {
    const primary = await start({ replicas: 2 });
    await primary.command('SET', 'key', 'value');
    expect(await primary.command('WAIT', 2, 5_000)).toEqual(2);
    for (const replica of primary.replicas) expect(await replica.command('GET', 'key')).toEqual('value');

    await primary.replicas[0]?.kill9();
    await eventually(async () => String(await primary.command('INFO', 'replication')).includes('connected_slaves:1'));
    await primary.replicas[0]?.restart();
    await eventually(async () => (await primary.command('WAIT', 2, 100)) === 2);

    await primary.stop();
    for (const replica of primary.replicas) {
      await expect(replica.command('PING')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    }
  });
});

describe('startRedisCluster', () => {
  it('serves every slot over three masters', async () => {
    const cluster = await startRedisCluster({ masters: 3 });
    const replies = await Promise.all(
      cluster.nodes.flatMap((node) =>
        ['{a}', '{b}', '{c}', '{d}'].map((key) => node.command('SET', key, 'value').catch(String)),
      ),
    );
    // Each key is taken by exactly one node and redirected by the two others.
    expect(replies.filter((reply) => reply === 'OK')).toHaveLength(4);
    expect(replies.filter((reply) => String(reply).includes('MOVED'))).toHaveLength(8);
    await cluster.stop();
  });
});
