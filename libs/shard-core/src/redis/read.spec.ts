import { describe, expect, it } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { newShardKey } from '../testing/index.ts';
import { Keys } from './keys.ts';
import type { LogContext } from './log-context.ts';
import { LeaderEpoch } from './leader-epoch.ts';
import { LogReader } from './read.ts';
import type { RedisNode } from './redis-node.ts';
import type { Topology } from './topology.ts';
import { ShardViews } from './shard-views.ts';

describe('equal reads', () => {
  const asked: (() => void)[] = [];
  /** A Redis that answers when it is told to, with an empty log. */
  const node = {
    reads: {
      send: (name: string) =>
        new Promise((resolve) => {
          asked.push(() => resolve(name === 'hmget' ? ['0', '0', '0', null, '0', '1', null, null, null, null] : []));
        }),
    },
  } as unknown as RedisNode;
  const keys = new Keys('t:');
  const topology = { at: (_: string, work: (at: RedisNode) => unknown) => work(node) } as unknown as Topology;
  const context = {
    keys,
    views: new ShardViews(),
    topology,
    leaderEpoch: new LeaderEpoch(keys, () => topology),
    hearsMessages: () => true,
  } as unknown as LogContext;

  it('share a trip that has not left yet, and no other: it might answer from before what was acknowledged since', async () => {
    const reader = new LogReader(context);
    const shard = newShardKey();
    const read = () => reader.read(shard, 0n, { maxBytes: 1_000 });
    const first = [read(), read(), Promise.resolve().then(read)];
    await nextTurn();
    expect(asked).toHaveLength(2);
    const second = [read(), read()];
    await nextTurn();
    expect(asked).toHaveLength(4);
    for (const answer of asked) answer();
    for (const outcome of await Promise.all([...first, ...second])) expect(outcome).toMatchObject({ ok: true });
  });
});
