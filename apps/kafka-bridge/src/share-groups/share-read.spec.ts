import { describe, expect, it } from '@jest/globals';
import { errorName } from '@tailrace/kafka-protocol';
import {
  type Isolation,
  NO_ABORTED_TRANSACTIONS,
  type ReadLimits,
  type ShardBounds,
  shardKey,
  type Stream,
} from '@tailrace/shard-core';
import { createLogger } from '@tailrace/telemetry';
import type { Bridge } from '../bridge.ts';
import type { Exchange } from '../connection/exchange.ts';
import { partitionSets } from '../groups/topic-partitions.ts';
import { FakeTimers } from '../testing/fake-timers.ts';
import { MemoryDocuments } from '../testing/memory-documents.ts';
import { batchOf } from '../testing/records.ts';
import type { SharePartition } from './share-partition.ts';
import { SharePartitions } from './share-partitions.ts';
import { SHARE_READS_MAX, type ShareLimits, ShareRead } from './share-read.ts';
import { ShareSession } from './share-session.ts';
import type { Waiter } from './waiting-line.ts';

const TARGET = { topicId: 't', partition: 0 };
const KEY = { groupId: 'g', ...TARGET };
const SHARD = { number: 0, shardId: 'shardId-000000000000', key: shardKey('s', 0), startOffset: 0n };
const LIMITS: ShareLimits = { recordsMax: 500, bytesMax: 1_000_000, strict: false, isEmpty: true };
const RELEASE = [2];
/** Where a batch says so (KIP-98). */
const LAST_OFFSET_DELTA_AT = 23;
const RECORD_COUNT_AT = 57;

/** A batch of as many records as there are offsets. */
function batchAt(first: number, last: number): Buffer {
  const batch = batchOf(Array.from({ length: last - first + 1 }, (_, i) => `${first + i}`));
  batch.writeBigInt64BE(BigInt(first));
  return batch;
}

function lastOffsetOf(batch: Buffer): bigint {
  return batch.readBigInt64BE() + BigInt(batch.readInt32BE(LAST_OFFSET_DELTA_AT));
}

/** What compaction leaves of a batch when it needs nothing but its offsets. */
function emptied(batch: Buffer): Buffer {
  const empty = Buffer.from(batch);
  empty.writeInt32BE(0, RECORD_COUNT_AT);
  return empty;
}

/** One partition with these batches, and the share group g in it, which begins at its start. */
function sceneOf(...ranges: readonly (readonly [first: number, last: number])[]) {
  const log = {
    batches: ranges.map(([first, last]) => batchAt(first, last)),
    startOffset: BigInt(ranges[0]?.[0] ?? 0),
    endOffset: BigInt((ranges.at(-1)?.[1] ?? -1) + 1),
    /** From where it was read. */
    reads: [] as bigint[],
    /** Runs while a read is under way. */
    meanwhile: () => undefined as void,
  };
  const bounds = (): ShardBounds => ({
    logStartOffset: log.startOffset,
    highWatermark: log.endOffset,
    logEndOffset: log.endOffset,
    lastStableOffset: log.endOffset,
    sealed: false,
    leaderEpoch: 0,
    sizeBytes: 0,
  });
  const read = async (_shard: string, from: bigint, { maxBytes }: ReadLimits) => {
    log.reads.push(from);
    log.meanwhile();
    if (from < log.startOffset) return { ok: false, refusal: { code: 'offsetOutOfRange' } };
    let byteCount = 0;
    const batches = log.batches
      .filter((batch) => lastOffsetOf(batch) >= from)
      .filter(({ length }, i) => (byteCount += length) <= maxBytes || i === 0);
    const last = batches.at(-1);
    const chunk = Buffer.concat(batches);
    const value = {
      chunks: last === undefined ? [] : [chunk],
      byteCount: chunk.length,
      batchCount: batches.length,
      appendTimesMs: batches.map(() => 0),
      nextOffset: last === undefined ? from : lastOffsetOf(last) + 1n,
      bounds: bounds(),
      abortedTransactions: NO_ABORTED_TRANSACTIONS,
      release() {},
    };
    return { ok: true, value };
  };
  const partition = { index: 0, chain: [SHARD], appendTo: SHARD };
  const catalog = { peekById: () => ({ name: 't', partitions: [partition] }) as unknown as Stream };
  const settings = {
    autoOffsetReset: 'earliest',
    deliveryCountMax: 5,
    heartbeatIntervalMs: 5_000,
    sessionTimeoutMs: 45_000,
    isolation: 'readUncommitted' as Isolation,
    recordLocksMax: 100,
    lockDurationMs: 1_000,
    mayRenew: true,
  };
  const partitions = new SharePartitions({
    documents: new MemoryDocuments(),
    timers: new FakeTimers(),
    brokers: { leads: () => true, onChange: () => undefined },
    catalog,
    settings: { of: () => settings },
    beginningOf: async () => log.startOffset,
    logger: createLogger({ level: 'silent' }),
  });
  const bridge = {
    store: { log: { read, bounds: async () => ({ ok: true, value: bounds() }) } },
    catalog,
    leaderEpochs: { observe: () => undefined },
    shareGroups: { partitions, settings: { of: () => settings } },
  } as unknown as Bridge;
  const exchange = {} as Exchange;

  /** A request of a member, in a session that has the partition. */
  function request(memberId: string) {
    const waiter: Waiter = { isWatching: false, wake: () => undefined };
    const session = new ShareSession('g', memberId, () => undefined);
    session.add(partitionSets([{ topicId: 't', partitions: [0] }]));
    const shareRead = new ShareRead(TARGET, session, waiter);
    const advance = (limits: Partial<ShareLimits> = {}) =>
      shareRead.advance({ ...LIMITS, ...limits }, exchange, bridge);
    return { session, waiter, read: shareRead, advance };
  }
  const held = () => partitions.held(KEY) as SharePartition;
  return { log, partitions, settings, request, held };
}

describe('one partition of a share fetch', () => {
  it('has the batches in which something was locked, and says what', async () => {
    const { request, held } = sceneOf([0, 2], [3, 5], [6, 8]);
    const [one, other] = [request('m'), request('n')];
    await one.advance({ bytesMax: batchAt(0, 2).length * 2 });
    expect(one.read.acquired).toEqual([{ first: 0, last: 5, deliveryCount: 1 }]);
    expect(await held().acknowledge('m', [{ first: 1, last: 1, types: RELEASE }])).toBe(0);
    await other.advance();
    // Nothing of the second batch, which lies between those two.
    expect(other.read.acquired).toEqual([
      { first: 1, last: 1, deliveryCount: 2 },
      { first: 6, last: 8, deliveryCount: 1 },
    ]);
    expect(Buffer.concat(other.read.chunks)).toEqual(Buffer.concat([batchAt(0, 2), batchAt(6, 8)]));
    expect([other.read.byteCount, other.read.recordCount]).toEqual([batchAt(0, 2).length * 2, 4]);
    expect([other.read.isFull, other.read.isDue]).toEqual([false, false]);
  });

  it('passes over batches of which compaction has left nothing but the offsets', async () => {
    const { request, held, log } = sceneOf([0, 2], [3, 5]);
    log.batches[0] = emptied(batchAt(0, 2));
    const { read, advance } = request('m');
    await advance();
    expect([read.acquired, held().startOffset]).toEqual([[{ first: 3, last: 5, deliveryCount: 1 }], 3n]);
    expect(Buffer.concat(read.chunks)).toEqual(batchAt(3, 5));
  });

  it('gives others their turn after so many reads for nobody, and goes on then, whoever stands first', async () => {
    const { request, partitions, log } = sceneOf(
      ...Array.from({ length: SHARE_READS_MAX + 1 }, (_, i) => [i, i] as const),
    );
    log.batches.forEach((batch, i) => i < SHARE_READS_MAX && (log.batches[i] = emptied(batch)));
    ((await partitions.hold(KEY)) as SharePartition).line.join({ isWatching: false, wake: () => undefined });
    const { read, advance } = request('m');
    await advance({ bytesMax: 1 });
    expect([log.reads.length, read.recordCount, read.isDue]).toEqual([SHARE_READS_MAX, 0, true]);
    await advance({ bytesMax: 1 });
    expect(read.recordCount).toBe(1);
  });

  it('is over when the session forgets it, or ends, while the partition is being taken over', async () => {
    const { partitions, request, log } = sceneOf([0, 2]);
    const [forgets, ends] = [request('m'), request('n')];
    const advancing = [forgets.advance(), ends.advance()];
    forgets.session.forget(partitionSets([{ topicId: 't', partitions: [0] }]));
    ends.session.end();
    await Promise.all(advancing);
    for (const { read } of [forgets, ends]) {
      expect([errorName(read.errorCode), read.recordCount, read.isDue]).toEqual(['NONE', 0, false]);
    }
    // Nobody would ever let go of it.
    expect([partitions.size, log.reads]).toEqual([0, []]);
  });

  it('is read at once where whoever waited for the same take-over has let go of the partition', async () => {
    const { request } = sceneOf([0, 2]);
    const [ends, stays] = [request('m'), request('n')];
    const advancing = [ends.advance(), stays.advance()];
    ends.session.end();
    await Promise.all(advancing);
    expect(stays.read.recordCount).toBe(3);
  });

  it('is not read on once another bridge has the partition', async () => {
    const { request, held, log } = sceneOf([0, 2]);
    const { read, advance } = request('m');
    log.meanwhile = () => held().close();
    await advance();
    expect([read.recordCount, log.reads]).toEqual([0, [0n]]);
    log.meanwhile = () => undefined;
    await advance();
    expect(read.recordCount).toBe(3);
  });

  it('is due again as soon as another bridge has the partition for which it waits', async () => {
    const { request, held } = sceneOf([0, 2]);
    const { read, advance } = request('m');
    await advance();
    expect([read.isDue, read.tail?.offset]).toEqual([false, 3n]);
    held().close();
    expect(read.isDue).toBe(true);
  });

  it('stands behind the others once it has something, although it wants more', async () => {
    const { request, held } = sceneOf([0, 2], [3, 5]);
    const [one, other] = [request('m'), request('n')];
    for (const { advance } of [one, other]) await advance({ recordsMax: 0 });
    expect(held().line.first).toBe(one.waiter);
    await one.advance({ recordsMax: 1 });
    expect(held().line.first).toBe(other.waiter);
    await other.advance({ recordsMax: 0 });
    expect(held().line.first).toBe(other.waiter);
  });

  it('does not have a batch twice of which something came back, be it the last record', async () => {
    const { request, held } = sceneOf([0, 2], [3, 5]);
    const { read, advance } = request('m');
    await advance({ recordsMax: 1 });
    expect(await held().acknowledge('m', [{ first: 2, last: 2, types: RELEASE }])).toBe(0);
    await advance();
    expect([read.acquired, read.isFull]).toEqual([[{ first: 0, last: 2, deliveryCount: 1 }], true]);
  });

  it('moves the group along with the start of the log', async () => {
    const { request, held, log } = sceneOf([0, 2], [3, 5]);
    const { advance } = request('m');
    await advance({ recordsMax: 1 });
    log.startOffset = 2n;
    await advance();
    expect(held().startOffset).toBe(2n);
  });
});
