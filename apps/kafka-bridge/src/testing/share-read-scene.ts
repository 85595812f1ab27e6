import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Isolation,
  type Log,
  NO_ABORTED_TRANSACTIONS,
  type ReadLimits,
  type ShardBounds,
  shardKey,
  type Stream,
} from '@tailrace/shard-core';
import { createLogger } from '@tailrace/telemetry';
import type { Bridge } from '../bridge.ts';
import { UnsentAnswers } from '../fetch/unsent-answers.ts';
import { partitionSets } from '../groups/topic-partitions.ts';
import type { SharePartition } from '../share-groups/share-partition.ts';
import { SharePartitions } from '../share-groups/share-partitions.ts';
import { ShareSession } from '../share-groups/share-session.ts';
import { FakeTimers } from './fake-timers.ts';
import { MemoryDocuments } from './memory-documents.ts';
import { batchOf } from './records.ts';

/** The partition of a scene, and the group in it. */
export const SHARED = { groupId: 'g', topicId: 't', partition: 0 } as const;
const SHARD = { number: 0, shardId: 'shardId-000000000000', key: shardKey('s', 0), startOffset: 0n };
/** Where a batch says so (KIP-98). */
const LAST_OFFSET_DELTA_AT = 23;
const RECORD_COUNT_AT = 57;

/** Inclusive. */
export type OffsetRange = readonly [first: number, last: number];

/** A batch of as many records as there are offsets. */
export function batchAt(first: number, last: number): Buffer {
  const batch = batchOf(Array.from({ length: last - first + 1 }, (_, i) => `${first + i}`));
  batch.writeBigInt64BE(BigInt(first));
  return batch;
}

function lastOffsetOf(batch: Buffer): bigint {
  return batch.readBigInt64BE() + BigInt(batch.readInt32BE(LAST_OFFSET_DELTA_AT));
}

/** What compaction leaves of a batch when it needs nothing but its offsets. */
export function emptied(batch: Buffer): Buffer {
  const empty = Buffer.from(batch);
  empty.writeInt32BE(0, RECORD_COUNT_AT);
  return empty;
}

/** One partition whose log holds these batches, and a share group in it, which begins at its start: without a door. For specs. */
export function shareReadScene(...ranges: readonly OffsetRange[]) {
  const log = {
    batches: ranges.map(([first, last]) => batchAt(first, last)),
    startOffset: BigInt(ranges[0]?.[0] ?? 0),
    endOffset: BigInt((ranges.at(-1)?.[1] ?? -1) + 1),
    /** From where it was read. */
    reads: [] as bigint[],
    /** Runs while a read is under way. */
    meanwhile: () => undefined as void,
    /** How often somebody has begun to wait for an append. */
    waits: 0,
  };
  let appended = Promise.withResolvers<void>();
  const append = (first: number, last: number) => {
    log.batches.push(batchAt(first, last));
    log.endOffset = BigInt(last + 1);
    appended.resolve();
    appended = Promise.withResolvers();
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
  const awaitAppend: Log['awaitAppend'] = (_positions, { timeoutMs, signal }) => {
    log.waits += 1;
    const over = sleep(timeoutMs, false, { signal, ref: false }).catch(() => false);
    return Promise.race([over, appended.promise.then(() => true)]);
  };
  const bridge = {
    store: { log: { read, awaitAppend, bounds: async () => ({ ok: true, value: bounds() }) } },
    options: { fetchBytesMax: 1_000_000 },
    unsentAnswers: new UnsentAnswers(),
    catalog,
    leaderEpochs: { observe: () => undefined },
    shareGroups: { partitions, settings: { of: () => settings } },
  } as unknown as Bridge;

  /** A session of a member that has the partition. */
  function sessionOf(memberId: string): ShareSession {
    const session = new ShareSession(SHARED.groupId, memberId, () => undefined);
    session.add(partitionSets([{ topicId: SHARED.topicId, partitions: [SHARED.partition] }]));
    return session;
  }

  return {
    log,
    append,
    bridge,
    partitions,
    settings,
    sessionOf,
    held: () => partitions.held(SHARED) as SharePartition,
  };
}
