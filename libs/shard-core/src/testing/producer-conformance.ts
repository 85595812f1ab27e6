import { expect, it } from '@jest/globals';
import type { Log } from '../contract/log.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import { accepted, append, openNewShard, readValues } from './batches.ts';
import type { CurrentStore } from './store-conformance.ts';

const ID = 4_711n;
const SEQUENCE_MAX = 2 ** 31 - 1;

const send = (log: Log, shard: ShardKey, epoch: number, baseSequence: number, count = 1, id = ID) =>
  append(
    log,
    shard,
    Array.from({ length: count }, (_, i) => `${epoch}/${baseSequence + i}`),
    { producer: { id, epoch, baseSequence } },
  );

export function producerConformance(store: CurrentStore): void {
  it('appends sequences that follow each other', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    for (const sequence of [0, 3, 6]) accepted(await send(log, shard, 0, sequence, 3));
    expect(accepted(await log.bounds(shard)).logEndOffset).toEqual(9n);
  });

  it('lets batches that were sent one behind the other pass without waiting for each other', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    const outcomes = await Promise.all([0, 1, 2, 3, 4].map((sequence) => send(log, shard, 0, sequence)));
    expect(outcomes.map((outcome) => accepted(outcome).baseOffset)).toEqual([0n, 1n, 2n, 3n, 4n]);
  });

  it('answers each of the last five again as the first time, and writes nothing', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    const first = [];
    for (let i = 0; i < 5; i++) first.push(accepted(await send(log, shard, 0, 2 * i, 2)));
    for (let i = 0; i < 5; i++) {
      expect(accepted(await send(log, shard, 0, 2 * i, 2))).toEqual({ ...first[i], duplicate: true });
    }
    expect(await readValues(log, shard)).toHaveLength(10);
  });

  it('answers a repetition of an append that is still under way', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    const [first, again] = (await Promise.all([send(log, shard, 0, 0, 2), send(log, shard, 0, 0, 2)])).map(accepted);
    expect(again).toEqual({ ...first, duplicate: true });
    expect(await readValues(log, shard)).toHaveLength(2);
  });

  it('refuses: staleProducerEpoch, outOfOrderSequence, duplicateSequence', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    for (let i = 0; i < 7; i++) accepted(await send(log, shard, 3, i));
    expect(await send(log, shard, 2, 7)).toEqual({
      ok: false,
      refusal: { code: 'staleProducerEpoch', producerId: ID, epoch: 2, current: 3 },
    });
    expect(await send(log, shard, 3, 8)).toEqual({
      ok: false,
      refusal: { code: 'outOfOrderSequence', producerId: ID, expected: 7, got: 8 },
    });
    expect(await send(log, shard, 3, 1)).toEqual({
      ok: false,
      refusal: { code: 'duplicateSequence', producerId: ID, sequence: 1 },
    });
    // The first sequence of a remembered batch, but another batch.
    expect(await send(log, shard, 3, 4, 2)).toEqual({
      ok: false,
      refusal: { code: 'duplicateSequence', producerId: ID, sequence: 4 },
    });
    expect(accepted(await send(log, shard, 3, 7)).baseOffset).toEqual(7n);
  });

  it('has a new epoch begin at 0, and the old one end', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    accepted(await send(log, shard, 0, 0));
    expect(await send(log, shard, 1, 1)).toEqual({
      ok: false,
      refusal: { code: 'outOfOrderSequence', producerId: ID, expected: 0, got: 1 },
    });
    accepted(await send(log, shard, 1, 0));
    expect(await send(log, shard, 0, 1)).toMatchObject({ ok: false, refusal: { code: 'staleProducerEpoch' } });
    // Sequence 0 of the epoch before is not taken for a repetition in this one.
    expect(accepted(await send(log, shard, 2, 0)).duplicate).toBe(false);
  });

  it('begins anywhere with a producer of which it knows nothing (KIP-360: it may have been forgotten)', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    expect(accepted(await send(log, shard, 5, 100)).baseOffset).toEqual(0n);
    expect(accepted(await send(log, shard, 5, 101)).baseOffset).toEqual(1n);
    expect(await send(log, shard, 5, 103)).toMatchObject({ ok: false, refusal: { code: 'outOfOrderSequence' } });
  });

  it('goes on at 0 behind the largest sequence', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    accepted(await send(log, shard, 0, SEQUENCE_MAX - 2, 2));
    accepted(await send(log, shard, 0, SEQUENCE_MAX, 1));
    const wrapped = accepted(await send(log, shard, 0, 0, 2));
    expect(wrapped.baseOffset).toEqual(3n);
    expect(accepted(await send(log, shard, 0, SEQUENCE_MAX, 1))).toMatchObject({ baseOffset: 2n, duplicate: true });
    expect(accepted(await send(log, shard, 0, 2, 1)).baseOffset).toEqual(5n);
  });

  it('goes on within a batch that passes the largest sequence', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    accepted(await send(log, shard, 0, SEQUENCE_MAX - 1, 4));
    expect(accepted(await send(log, shard, 0, 2)).baseOffset).toEqual(4n);
  });

  it('knows a producer by shard', async () => {
    const { log } = store();
    const [one, other] = [await openNewShard(log), await openNewShard(log)];
    accepted(await send(log, one, 0, 0));
    accepted(await send(log, one, 0, 1));
    expect(accepted(await send(log, other, 0, 0)).baseOffset).toEqual(0n);
  });

  it('knows many producers in one shard', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    const ids = Array.from({ length: 50 }, (_, i) => BigInt(i) * 1_000_000_007n);
    for (const sequence of [0, 1]) {
      await Promise.all(ids.map(async (id) => accepted(await send(log, shard, 0, sequence, 1, id))));
    }
    const again = await Promise.all(ids.map((id) => send(log, shard, 0, 1, 1, id)));
    expect(again.every((outcome) => accepted(outcome).duplicate)).toBe(true);
  });

  it('remembers a producer whose records were trimmed', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    accepted(await send(log, shard, 0, 0));
    accepted(await log.trim(shard, 1n));
    expect(accepted(await send(log, shard, 0, 0))).toMatchObject({
      duplicate: true,
      baseOffset: 0n,
      logStartOffset: 1n,
    });
  });
}
