import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '@tailrace/testkit';
import { StoreUnavailable } from '../contract/refusal.ts';
import { newShardKey } from '../testing/index.ts';
import { Keys } from './keys.ts';
import type { RedisNode } from './redis-node.ts';
import { WatermarkKeeper } from './watermark-keeper.ts';

/** A primary whose WAIT is answered when it is told to. */
function primary() {
  const connection = () => ({ redis: new EventEmitter(), send: async (_name: string): Promise<unknown> => INFO });
  const [waits, writes] = [connection(), connection()];
  const wait = Promise.withResolvers<unknown>();
  let asked = false;
  waits.send = async (name) => {
    if (name !== 'wait') return INFO;
    asked = true;
    return wait.promise;
  };
  const scripts: string[] = [];
  const node = {
    waits,
    writes,
    run: async (name: string) => {
      scripts.push(name);
      return ['ok', '5', '5', '-1'];
    },
  } as unknown as RedisNode;
  return { node, waits, writes, wait, scripts, isAsked: () => asked };
}

const INFO = 'role:master\r\nmaster_replid:abc\r\n';

describe('the keeper of watermarks', () => {
  const shard = newShardKey();

  function keeperOf(node: RedisNode) {
    const heard: string[] = [];
    const keeper = new WatermarkKeeper({
      node,
      keys: new Keys('t:'),
      advanced: () => heard.push('advanced'),
      stuck: () => heard.push('stuck'),
    });
    return { keeper, heard };
  }

  it('moves the watermark once enough copies have the log', async () => {
    const { node, wait, scripts } = primary();
    const { keeper, heard } = keeperOf(node);
    keeper.track(shard, 5, 2);
    const waiting = keeper.waitForCopies(2, 1_000);
    wait.resolve('1');
    expect(await waiting).toEqual({ enough: true, copies: 2 });
    expect([scripts, heard]).toEqual([['advance-watermark'], ['advanced']]);
  });

  it.each(['waits', 'writes'] as const)('moves none by the answer of a primary that was lost (%s)', async (lost) => {
    const at = primary();
    const { keeper, heard } = keeperOf(at.node);
    keeper.track(shard, 5, 2);
    const waiting = keeper.waitForCopies(2, 1_000);
    waiting.catch(() => {});
    await eventually(() => expect(at.isAsked()).toBe(true));
    // The answer is here already when the connection goes: what comes now would go to whoever is the primary then.
    at.wait.resolve('1');
    at[lost].redis.emit('close');
    await expect(waiting).rejects.toThrow(StoreUnavailable);
    expect([at.scripts, heard]).toEqual([[], ['stuck']]);
  });
});
