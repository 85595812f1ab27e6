import { expect, it } from '@jest/globals';
import type { Appended, Log } from '../contract/log.ts';
import type { Outcome } from '../contract/refusal.ts';
import { parseShardKey, type ShardKey, shardKey } from '../contract/shard-key.ts';
import { accepted, appendRequest, makeBatch, newShardKey, openNewShard, readValues } from './batches.ts';
import type { CurrentStore } from './store-conformance.ts';

const ID = 815n;

interface Sent {
  readonly epoch?: number;
  readonly sequence: number;
  readonly count?: number;
  readonly partition?: number;
  readonly id?: bigint;
}

function send(log: Log, shard: ShardKey, { epoch = 0, sequence, count = 1, partition = 0, id = ID }: Sent) {
  const values = Array.from({ length: count }, (_, i) => `${partition}:${epoch}/${sequence + i}`);
  const batch = makeBatch(values, { producer: { id, epoch, baseSequence: sequence } });
  return log.append(appendRequest(shard, batch, { partition }));
}

const codeOf = (outcome: Outcome<Appended>) => (outcome.ok ? 'appended' : outcome.refusal.code);

/** Producers whose Kafka partition goes on in another shard. */
export function handOverConformance(store: CurrentStore): void {
  it('counts the sequences of each Kafka partition by themselves', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    // Equal in everything but the partition: neither is a repetition of the other.
    const first = accepted(await send(log, shard, { sequence: 0, partition: 1 }));
    const second = accepted(await send(log, shard, { sequence: 0, partition: 4 }));
    expect([first, second]).toMatchObject([
      { baseOffset: 0n, duplicate: false },
      { baseOffset: 1n, duplicate: false },
    ]);
    accepted(await send(log, shard, { sequence: 1, partition: 1 }));
    expect(accepted(await send(log, shard, { sequence: 0, partition: 4 }))).toEqual({ ...second, duplicate: true });
    expect(codeOf(await send(log, shard, { sequence: 2, partition: 4 }))).toBe('outOfOrderSequence');
  });

  it('answers a child’s repetition of what the parent took, and goes on behind it', async () => {
    const { log } = store();
    const parent = await openNewShard(log);
    accepted(await send(log, parent, { sequence: 0, count: 3 }));
    const lost = accepted(await send(log, parent, { sequence: 3, count: 2 }));
    const { endOffset } = accepted(await log.seal(parent));
    const child = newShardKey();
    await log.openShard(child, { startOffset: endOffset, producersOf: [{ shard: parent, partition: 0 }] });

    expect(accepted(await send(log, child, { sequence: 3, count: 2 }))).toMatchObject({
      baseOffset: lost.baseOffset,
      nextOffset: lost.nextOffset,
      appendTimeMs: lost.appendTimeMs,
      duplicate: true,
    });
    expect(codeOf(await send(log, child, { sequence: 6 }))).toBe('outOfOrderSequence');
    expect(accepted(await send(log, child, { sequence: 5 }))).toMatchObject({ baseOffset: 5n, duplicate: false });
    expect(await readValues(log, child, endOffset)).toEqual(['0:0/5']);
  });

  it('takes no batch for a producer’s first whose first was refused by the closed parent', async () => {
    const { log } = store();
    const parent = await openNewShard(log);
    const { endOffset } = accepted(await log.seal(parent));
    expect(codeOf(await send(log, parent, { sequence: 0 }))).toBe('shardSealed');
    const child = shardKey(parseShardKey(parent).streamId, 1);
    await log.openShard(child, { startOffset: endOffset, producersOf: [{ shard: parent, partition: 0 }] });
    // The second one, that did not have to wait for the reshard.
    expect(codeOf(await send(log, child, { sequence: 1 }))).toBe('outOfOrderSequence');
    for (const sequence of [0, 1]) expect(codeOf(await send(log, child, { sequence }))).toBe('appended');
  });

  it('joins the partitions of two merged shards, each as it was', async () => {
    const { log } = store();
    const [lower, upper] = [await openNewShard(log), await openNewShard(log)];
    accepted(await send(log, lower, { sequence: 0, count: 4, partition: 0 }));
    accepted(await send(log, upper, { epoch: 0, sequence: 0, count: 2, partition: 1 }));
    const fenced = accepted(await send(log, upper, { epoch: 1, sequence: 0, count: 2, partition: 1 }));
    for (const shard of [lower, upper]) accepted(await log.seal(shard));
    const merged = newShardKey();
    await log.openShard(merged, {
      startOffset: 4n,
      producersOf: [
        { shard: lower, partition: 0 },
        { shard: upper, partition: 1 },
      ],
    });
    expect(accepted(await send(log, merged, { sequence: 0, count: 4, partition: 0 })).duplicate).toBe(true);
    expect(accepted(await send(log, merged, { epoch: 1, sequence: 0, count: 2, partition: 1 }))).toMatchObject({
      duplicate: true,
      baseOffset: fenced.baseOffset,
    });
    expect(codeOf(await send(log, merged, { epoch: 0, sequence: 2, partition: 1 }))).toBe('staleProducerEpoch');
    expect(accepted(await send(log, merged, { sequence: 4, partition: 0 })).baseOffset).toBe(4n);
    expect(accepted(await send(log, merged, { epoch: 1, sequence: 2, partition: 1 })).baseOffset).toBe(5n);
  });

  it('takes over only the partitions that it was told', async () => {
    const { log } = store();
    const parent = await openNewShard(log);
    accepted(await send(log, parent, { sequence: 0, partition: 0 }));
    accepted(await send(log, parent, { sequence: 0, partition: 2 }));
    accepted(await log.seal(parent));
    const child = newShardKey();
    await log.openShard(child, { startOffset: 2n, producersOf: [{ shard: parent, partition: 2 }] });
    expect(accepted(await log.producers(child)).map(({ partition }) => partition)).toEqual([2]);
    expect(accepted(await send(log, child, { sequence: 0, partition: 0 })).duplicate).toBe(false);
    expect(accepted(await send(log, child, { sequence: 0, partition: 2 })).duplicate).toBe(true);
  });

  it('takes a partition over from a shard that stays open, which takes nothing more for it', async () => {
    const { log } = store();
    const other = await openNewShard(log);
    accepted(await send(log, other, { sequence: 0, partition: 0 }));
    const lost = accepted(await send(log, other, { sequence: 0, partition: 7 }));
    const taker = newShardKey();
    const takesOver = () => log.openShard(taker, { startOffset: 40n, producersOf: [{ shard: other, partition: 7 }] });
    await Promise.all([takesOver(), takesOver()]);
    expect(await send(log, other, { sequence: 1, partition: 7 })).toEqual({
      ok: false,
      refusal: { code: 'shardSealed', shard: other },
    });
    // Everybody else goes on there.
    expect(accepted(await send(log, other, { sequence: 1, partition: 0 })).baseOffset).toBe(2n);
    expect(accepted(await send(log, taker, { sequence: 0, partition: 7 }))).toMatchObject({
      duplicate: true,
      baseOffset: lost.baseOffset,
    });
    expect(accepted(await send(log, taker, { sequence: 1, partition: 7 })).baseOffset).toBe(40n);
  });

  it('changes nothing when it is done again, behind appends of the child', async () => {
    const { log } = store();
    const parent = await openNewShard(log);
    accepted(await send(log, parent, { sequence: 0 }));
    accepted(await log.seal(parent));
    const child = newShardKey();
    const options = { startOffset: 1n, producersOf: [{ shard: parent, partition: 0 }] };
    await Promise.all([log.openShard(child, options), log.openShard(child, options)]);
    accepted(await send(log, child, { sequence: 1 }));
    await log.openShard(child, options);
    expect(accepted(await send(log, child, { sequence: 1 })).duplicate).toBe(true);
    expect(accepted(await send(log, child, { sequence: 2 })).baseOffset).toBe(2n);
  });

  it('hands on many producers, over several generations, and passes over shards that are gone', async () => {
    const { log } = store();
    const ids = Array.from({ length: 700 }, (_, i) => BigInt(i) * 1_000_003n);
    let shard = await openNewShard(log);
    await Promise.all(ids.map(async (id) => accepted(await send(log, shard, { id, sequence: 0 }))));
    for (let generation = 0; generation < 2; generation++) {
      const { endOffset } = accepted(await log.seal(shard));
      const child = newShardKey();
      const producersOf = [
        { shard: newShardKey(), partition: 0 },
        { shard, partition: 0 },
      ];
      await log.openShard(child, { startOffset: endOffset, producersOf });
      await log.deleteShards([shard]);
      shard = child;
    }
    expect(accepted(await log.producers(shard))).toHaveLength(ids.length);
    const again = await Promise.all(ids.map((id) => send(log, shard, { id, sequence: 0 })));
    expect(again.every((outcome) => accepted(outcome).duplicate)).toBe(true);
  });
}
