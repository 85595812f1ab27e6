import { decodeBatch, encodeBatch, readBatchHeader } from '@tailrace/kafka-protocol';
import { randomUUID } from 'node:crypto';
import type { AppendRequest, Appended } from '../../contract/log.ts';
import type { Outcome } from '../../contract/refusal.ts';
import { type ShardKey, shardKey } from '../../contract/shard-key.ts';
import type { Store } from '../../contract/store.ts';

export interface Producer {
  readonly id: bigint;
  readonly epoch: number;
  readonly baseSequence: number;
}

export type AppendOptions = Partial<Pick<AppendRequest, 'acks' | 'minInsyncReplicas' | 'timeoutMs'>> & {
  readonly producer?: Producer;
};

/** A shard key that no other test has. */
export function someShard(): ShardKey {
  return shardKey(randomUUID().replaceAll('-', '').slice(0, 22), 0);
}

/** A shard of its own, open and empty. */
export async function openShard(store: Store, startOffset = 0n): Promise<ShardKey> {
  const shard = someShard();
  await store.log.openShard(shard, { startOffset });
  return shard;
}

/** One batch with a record for each value. */
export function batchOf(values: readonly string[], producer?: Producer, timestampMs = 1_000): Buffer {
  const records = values.map((value) => ({ key: null, value: Buffer.from(value), timestampMs }));
  return encodeBatch(records, producer === undefined ? {} : { producer });
}

export function append(
  store: Store,
  shard: ShardKey,
  values: readonly string[],
  { producer, ...options }: AppendOptions = {},
): Promise<Outcome<Appended>> {
  const batch = batchOf(values, producer);
  const header = readBatchHeader(batch, 0);
  return store.log.append({ shard, batch, header, acks: 'all', minInsyncReplicas: 1, timeoutMs: 2_000, ...options });
}

/** Every visible record from the shard's start, as `[offset, value]`. */
export async function readAll(store: Store, shard: ShardKey): Promise<[bigint, string][]> {
  const bounds = await store.log.bounds(shard);
  if (!bounds.ok) throw new Error(bounds.refusal.code);
  const records: [bigint, string][] = [];
  let offset = bounds.value.logStartOffset;
  for (;;) {
    const outcome = await store.log.read(shard, offset, { maxBytes: 1024 * 1024 });
    if (!outcome.ok) throw new Error(outcome.refusal.code);
    const { chunks, nextOffset, batchCount } = outcome.value;
    if (batchCount === 0) return records;
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.length;) {
        const header = readBatchHeader(chunk, at);
        for (const record of decodeBatch(chunk, at, header, { uncompressedBytesMax: chunk.length })) {
          records.push([header.baseOffset + BigInt(record.offsetDelta), String(record.value)]);
        }
        at += header.sizeBytes;
      }
    }
    offset = nextOffset;
  }
}

/** The leader epoch under which the next append comes. */
export async function leaderEpochOf(store: Store, shard: ShardKey): Promise<number> {
  const bounds = await store.log.bounds(shard);
  if (!bounds.ok) throw new Error(bounds.refusal.code);
  return bounds.value.leaderEpoch;
}

/** The epochs that are noted of a shard, each with its first offset, the oldest first. */
export async function leaderEpochsOf(store: Store, shard: ShardKey): Promise<[leaderEpoch: number, start: bigint][]> {
  const outcome = await store.log.leaderEpochs(shard);
  if (!outcome.ok) throw new Error(outcome.refusal.code);
  return outcome.value.map(({ leaderEpoch, startOffset }) => [leaderEpoch, startOffset]);
}

/** The epoch that each visible batch carries, from the one at the offset on. */
export async function leaderEpochsOfBatches(store: Store, shard: ShardKey, from = 0n): Promise<number[]> {
  const epochs: number[] = [];
  let offset = from;
  for (;;) {
    const outcome = await store.log.read(shard, offset, { maxBytes: 1 });
    if (!outcome.ok) throw new Error(outcome.refusal.code);
    const [batch] = outcome.value.chunks;
    if (batch === undefined) return epochs;
    epochs.push(readBatchHeader(batch, 0).leaderEpoch);
    offset = outcome.value.nextOffset;
  }
}
