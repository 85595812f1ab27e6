import { decodeBatch, encodeBatch, COMPRESSIONS } from '@tailrace/kafka-protocol';
import { expect } from '@jest/globals';
import { type CompactionState, NOTHING_COMPACTED } from '../compaction/compaction-state.ts';
import { Pace } from '../compaction/pace.ts';
import { compactPartition, lookAt } from '../compaction/partition-compaction.ts';
import { batchesOf } from '../compaction/slice-batches.ts';
import { isAborted } from '../contract/aborted-transactions.ts';
import type { Log } from '../contract/log.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import type { Partition } from '../streams/stream.ts';
import { accepted, appendRequest, openNewShard } from './batches.ts';
import type { StoreUnderTest } from './store-conformance.ts';

const DELETE_RETENTION_MS = 1_000;
const SETTINGS = { minLagMs: 0, maxLagMs: Infinity, minDirtyRatio: 0, deleteRetentionMs: DELETE_RETENTION_MS };
const KEYS = 7;
const PRODUCERS = 3;
const LIMITS = { uncompressedBytesMax: 1 << 24 };

interface ModelRecord {
  readonly offset: number;
  readonly key: string;
  readonly value: string | null;
  readonly timestampMs: number;
  /** Of an open transaction until it ends. */
  fate: 'committed' | 'aborted' | 'open';
  readonly producer: number | undefined;
  /** When a compaction saw it first as the tombstone that stays. */
  seenAtMs?: number;
}

/** Numbers that follow from the seed alone. */
function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/**
 * Appends, tombstones, transactions, trims, compactions and openings at random, and beside them a list that says what must be there.
 * Compares after each compaction and opening, reading from the start and from somewhere in between.
 */
export async function checkAgainstModel(underTest: StoreUnderTest, seed: number, steps: number): Promise<void> {
  const random = randomOf(seed);
  let { log } = underTest.store;
  const shard = await openNewShard(log);
  const partition = { index: 0, chain: [{ key: shard }] } as unknown as Partition;
  let model: ModelRecord[] = [];
  let state: CompactionState = NOTHING_COMPACTED;
  let nowMs = 1_800_000_000_000;
  let written = 0;
  const sequences = Array.from({ length: PRODUCERS }, () => 0);
  const open = Array.from({ length: PRODUCERS }, () => false);

  const appendBatch = async () => {
    const producer = random(2) === 0 ? random(PRODUCERS) : undefined;
    const timestampMs = 1_700_000_000_000 + random(1_000_000);
    const count = 1 + random(4);
    const drafts = Array.from({ length: count }, (_, i) => ({
      key: `key-${random(KEYS)}`,
      value: random(4) === 0 ? null : `${written++}`.padEnd(random(8) === 0 ? 20_000 : 10, '.'),
      timestampMs: timestampMs + i,
    }));
    const batch = encodeBatch(
      drafts.map((draft) => ({ ...draft, value: draft.value === null ? null : Buffer.from(draft.value) })),
      {
        compression: COMPRESSIONS[random(COMPRESSIONS.length)]!,
        isTransactional: producer !== undefined,
        ...(producer !== undefined && {
          producer: { id: BigInt(500 + producer), epoch: 0, baseSequence: sequences[producer]! },
        }),
      },
    );
    const { baseOffset } = accepted(await log.append(appendRequest(shard, batch)));
    if (producer !== undefined) {
      sequences[producer]! += count;
      open[producer] = true;
    }
    for (const [i, draft] of drafts.entries()) {
      model.push({
        ...draft,
        offset: Number(baseOffset) + i,
        fate: producer === undefined ? 'committed' : 'open',
        producer,
      });
    }
  };

  const endTransaction = async () => {
    const producer = random(PRODUCERS);
    const commit = random(3) > 0;
    const identity = { producerId: BigInt(500 + producer), producerEpoch: 0, coordinatorEpoch: 0 };
    const how = { acks: 'all', minInsyncReplicas: 1, timeoutMs: 5_000 } as const;
    accepted(await log.endTransaction({ shard, ...identity, ...how, commit }));
    open[producer] = false;
    for (const record of model) {
      if (record.producer === producer && record.fate === 'open') record.fate = commit ? 'committed' : 'aborted';
    }
  };

  const compact = async () => {
    nowMs += random(2 * DELETE_RETENTION_MS);
    const found = await lookAt(log, partition, SETTINGS, nowMs);
    if (found === undefined) return;
    const pace = new Pace({ signal: new AbortController().signal, bytesPerSecondMax: Infinity });
    const round = await compactPartition(log, found, state, { settings: SETTINGS, nowMs, pace });
    state = round.state;
    const limit = Number(found.limit);
    const cleanedTo = Number(state.cleanedTo);
    const newest = new Map<string, number>();
    for (const { key, offset, fate } of model) if (fate === 'committed' && offset < limit) newest.set(key, offset);
    model = model.filter((record) => {
      const { offset, fate, key, value } = record;
      if (offset >= cleanedTo) return true;
      if (fate === 'aborted' || offset < (newest.get(key) ?? -1)) return false;
      if (value !== null) return true;
      if (record.seenAtMs !== undefined && nowMs >= record.seenAtMs + DELETE_RETENTION_MS) return false;
      record.seenAtMs ??= nowMs;
      return true;
    });
  };

  const check = async () => {
    const { logStartOffset, lastStableOffset } = accepted(await log.bounds(shard));
    const stable = Number(lastStableOffset);
    for (const from of [Number(logStartOffset), Number(logStartOffset) + random(stable - Number(logStartOffset) + 1)]) {
      const expected = model.filter(({ offset, fate }) => offset >= from && offset < stable && fate === 'committed');
      const seen = await committedFrom(log, shard, BigInt(from));
      expect({ seed, from, seen }).toEqual({
        seed,
        from,
        seen: expected.map(({ offset, key, value, timestampMs }) => ({
          offset,
          key,
          value: shortened(value),
          timestampMs,
        })),
      });
    }
  };

  for (let step = 0; step < steps; step++) {
    const what = random(100);
    if (what < 65) await appendBatch();
    else if (what < 82) await endTransaction();
    else if (what < 94) {
      await compact();
      await check();
    } else if (what < 97) {
      const { logStartOffset, lastStableOffset } = accepted(await log.bounds(shard));
      const start = logStartOffset + BigInt(random(1 + Math.floor(Number(lastStableOffset - logStartOffset) / 4)));
      accepted(await log.trim(shard, start));
      model = model.filter(({ offset }) => BigInt(offset) >= start);
      await check();
    } else {
      log = (await underTest.reopen()).log;
      await check();
    }
  }
  for (let producer = 0; producer < PRODUCERS; producer++) if (open[producer]) await endTransaction();
  await compact();
  await check();
}

/** Enough to know it by, where it is told of. */
function shortened(value: string | null): string | null {
  return value === null || value.length < 40 ? value : `${value.slice(0, 10)} (${value.length})`;
}

/** What a committed reader gets, whatever the slices. */
async function committedFrom(log: Log, shard: ShardKey, from: bigint) {
  const records: { offset: number; key: string | undefined; value: string | null; timestampMs: number }[] = [];
  for (let offset = from; ;) {
    const slice = accepted(await log.read(shard, offset, { maxBytes: 30_000, isolation: 'readCommitted' }));
    if (slice.batchCount === 0) return records;
    for (const { header, chunk, position } of batchesOf(slice)) {
      if (header.isControl || isAborted(slice, header)) continue;
      for (const record of decodeBatch(chunk, position, header, LIMITS)) {
        const at = header.baseOffset + BigInt(record.offsetDelta);
        if (at < from) continue;
        const { key, value, timestampMs } = record;
        records.push({
          offset: Number(at),
          key: key?.toString(),
          value: shortened(value?.toString() ?? null),
          timestampMs,
        });
      }
    }
    offset = slice.nextOffset;
    slice.release();
  }
}
