import { afterEach, describe, expect, it } from '@jest/globals';
import type { Log } from '../contract/log.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import { CrashingStore } from '../testing/crashing-store.ts';
import { diskError } from '../testing/fault-file-system.ts';
import { accepted, append, appendRequest, makeBatch, newShardKey, openNewShard } from '../testing/index.ts';

const opened: CrashingStore[] = [];

async function open(): Promise<CrashingStore> {
  const crashing = await CrashingStore.open();
  opened.push(crashing);
  return crashing;
}

afterEach(async () => {
  for (const crashing of opened.splice(0)) await crashing.remove();
});

async function write(log: Log, shard: ShardKey, id: bigint, baseSequence: number, size = 10): Promise<void> {
  const options = { producer: { id, epoch: 0, baseSequence }, isTransactional: true };
  accepted(await log.append(appendRequest(shard, makeBatch(['x'.repeat(size)], options))));
}

async function end(log: Log, shard: ShardKey, producerId: bigint, commit: boolean): Promise<void> {
  const of = { shard, producerId, producerEpoch: 0, coordinatorEpoch: 3, commit };
  accepted(await log.endTransaction({ ...of, acks: 'all', minInsyncReplicas: 1, timeoutMs: 1_000 }));
}

/** What tells of a shard's transactions. */
async function picture(log: Log, shard: ShardKey) {
  const { logStartOffset, lastStableOffset, logEndOffset } = accepted(await log.bounds(shard));
  const producers = accepted(await log.producers(shard)).map(({ producerId, lastSequence, ...state }) => {
    return `${producerId}: ${lastSequence} ${state.coordinatorEpoch} ${state.currentTransactionStartOffset}`;
  });
  const aborted = new Set<string>();
  for (let offset = logStartOffset; offset < lastStableOffset;) {
    const slice = accepted(await log.read(shard, offset, { maxBytes: 4_000, isolation: 'readCommitted' }));
    for (const { producerId, firstOffset, lastOffset } of slice.abortedTransactions) {
      aborted.add(`${producerId}: ${firstOffset}-${lastOffset}`);
    }
    offset = slice.nextOffset;
    slice.release();
  }
  return { lastStableOffset, logEndOffset, producers: producers.sort(), aborted: [...aborted] };
}

describe('transactions after a crash', () => {
  it.each([
    ['of the process', undefined],
    ['with the machine', () => 0],
  ])('%s are as they were, over many segments', async (_, power) => {
    const crashing = await open();
    const { log } = crashing.store;
    const [busy, quiet] = [await openNewShard(log), await openNewShard(log)];
    await write(log, quiet, 1n, 0);
    // Several segments, each of which makes a checkpoint.
    for (let i = 0; i < 120; i++) {
      await write(log, busy, 2n, i, 700);
      await write(log, busy, 3n, i, 20);
      if (i % 4 === 3) await end(log, busy, 2n, i % 8 === 3);
      await end(log, busy, 3n, i % 3 !== 0);
    }
    await write(log, busy, 2n, 120);
    const before = [await picture(log, busy), await picture(log, quiet)];
    expect(before[0]?.aborted).toHaveLength(15 + 40);
    expect(before[1]).toMatchObject({ lastStableOffset: 0n, logEndOffset: 1n });
    const next = await crashing.opened(power);
    expect([await picture(next.store.log, busy), await picture(next.store.log, quiet)]).toEqual(before);
    await end(next.store.log, quiet, 1n, true);
    accepted(await next.store.log.trim(busy, 300n));
    const trimmed = await picture(next.store.log, busy);
    const again = await next.opened(power);
    expect(await picture(again.store.log, busy)).toEqual(trimmed);
    expect(accepted(await again.store.log.bounds(quiet)).lastStableOffset).toBe(2n);
    await again.end();
    await next.end();
  });

  it('are handed on as they were: what a closed shard was told, and what an open one gave away', async () => {
    const crashing = await open();
    const { log } = crashing.store;
    const [parent, other] = [await openNewShard(log), await openNewShard(log)];
    await write(log, parent, 1n, 0);
    await write(log, parent, 2n, 0);
    accepted(
      await log.append(appendRequest(other, makeBatch(['y'], { producer: { id: 9n, epoch: 0, baseSequence: 0 } }))),
    );
    accepted(await log.seal(parent));
    const child = newShardKey();
    const producersOf = [
      { shard: parent, partition: 0 },
      { shard: other, partition: 4 },
    ];
    await log.openShard(child, { startOffset: 2n, producersOf });
    await end(log, child, 1n, false);

    const next = await crashing.opened(() => 0);
    const { log: after } = next.store;
    expect(await picture(after, parent)).toEqual(await picture(log, parent));
    expect(accepted(await after.bounds(parent)).lastStableOffset).toBe(1n);
    const departed = appendRequest(other, makeBatch(['z'], { producer: { id: 9n, epoch: 0, baseSequence: 0 } }), {
      partition: 4,
    });
    expect(await after.append(departed)).toMatchObject({ ok: false, refusal: { code: 'shardSealed' } });
    // The reshard is carried on by whoever comes next, and changes nothing.
    await after.openShard(child, { startOffset: 2n, producersOf });
    await end(after, child, 2n, true);
    expect(await picture(after, parent)).toMatchObject({ lastStableOffset: 2n, aborted: ['1: 0-1'] });
    const last = await next.opened(() => 0);
    expect(await picture(last.store.log, parent)).toEqual(await picture(after, parent));
    await last.end();
    await next.end();
  });

  it('that were under way are open, or were never there', async () => {
    const crashing = await open();
    const { log } = crashing.store;
    const shard = await openNewShard(log);
    await write(log, shard, 1n, 0);
    crashing.files.syncGate = new Promise(() => {});
    void end(log, shard, 1n, true).catch(() => {});
    void write(log, shard, 2n, 0).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 5));
    // Not told before it is durable.
    expect(accepted(await log.bounds(shard))).toMatchObject({ lastStableOffset: 0n, logEndOffset: 1n });
    const lost = await crashing.opened(() => 0);
    expect(await picture(lost.store.log, shard)).toEqual({
      lastStableOffset: 0n,
      logEndOffset: 1n,
      producers: ['1: 0 -1 0'],
      aborted: [],
    });
    await lost.end();
  });

  it('of shards that are deleted go with them', async () => {
    const crashing = await open();
    const { log } = crashing.store;
    const shard = await openNewShard(log);
    for (let i = 0; i < 40; i++) {
      await write(log, shard, 1n, i, 900);
      await end(log, shard, 1n, false);
    }
    await log.deleteShards([shard]);
    await log.openShard(shard, { startOffset: 0n });
    accepted(await append(log, shard, ['a']));
    const next = await crashing.opened();
    expect(await picture(next.store.log, shard)).toEqual({
      lastStableOffset: 1n,
      logEndOffset: 1n,
      producers: [],
      aborted: [],
    });
    await next.end();
  });
});

describe('a transaction whose append fails', () => {
  it.each([
    ['with an append there on its way', true],
    ['without', false],
  ])('is as it was before, and so is what its marker had fenced in another partition, %s', async (_, appends) => {
    const crashing = await open();
    const { log } = crashing.store;
    const shard = await openNewShard(log);
    const send = (id: bigint, baseSequence: number, isTransactional: boolean, partition = 0) => {
      const batch = makeBatch(['x'], { producer: { id, epoch: 0, baseSequence }, isTransactional });
      return log.append(appendRequest(shard, batch, { partition }));
    };
    const marker = { shard, producerId: 1n, producerEpoch: 1, coordinatorEpoch: 3, commit: true };
    for (const partition of [0, 1]) accepted(await send(1n, 0, true, partition));
    crashing.files.writeFailure = { error: diskError('ENOSPC'), bytesBefore: 0 };
    const failed = [
      ...(appends ? [send(1n, 1, true, 1)] : []),
      log.endTransaction({ ...marker, acks: 'all', minInsyncReplicas: 1, timeoutMs: 1_000 }),
      send(2n, 0, true),
    ];
    for (const appending of failed) await expect(appending).rejects.toMatchObject({ name: 'StoreUnavailable' });
    crashing.files.writeFailure = undefined;
    // Never opened, still open, not fenced.
    accepted(await send(2n, 0, false));
    expect(await send(1n, 1, false)).toMatchObject({ ok: false, refusal: { code: 'transactionOpen' } });
    accepted(await send(1n, 1, true, 1));
    accepted(await log.endTransaction({ ...marker, acks: 'all', minInsyncReplicas: 1, timeoutMs: 1_000 }));
    expect(await send(1n, 2, true, 1)).toMatchObject({ ok: false, refusal: { code: 'staleProducerEpoch' } });
    expect(accepted(await log.bounds(shard))).toMatchObject({ logEndOffset: 5n, lastStableOffset: 5n });
  });
});
