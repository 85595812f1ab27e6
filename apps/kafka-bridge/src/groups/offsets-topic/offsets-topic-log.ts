import { decodeBatch, encodeBatch, readBatchHeader, type RecordDraft } from '@tailrace/kafka-protocol';
import { type Log, type Partition, type Stream, type StreamCatalog, StoreUnavailable } from '@tailrace/shard-core';
import { digestOf, type GroupRecords, groupIdOfKey, keyText, type OffsetsRecord } from './offsets-record.ts';

/** What one batch holds at most: so many records, or bytes with one record beyond. */
export const BATCH_RECORDS_MAX = 1_000;
export const BATCH_BYTES_MAX = 512 * 1024;
const READ_BYTES = 4 * 1024 * 1024;
/** What somebody compressed (nobody here does) may not become larger than this. */
const UNCOMPRESSED_BYTES_MAX = 64 * 1024 * 1024;
const APPEND_TIMEOUT_MS = 10_000;
/** How often an append follows its partition into the shard where it goes on, and how long it waits for that each time. */
const RESHARD_ATTEMPTS_MAX = 4;
const RESHARD_WAIT_MS = 5_000;

/** The topic was deleted. */
export class OffsetsTopicGone extends Error {
  override readonly name = 'OffsetsTopicGone';
}

export interface OffsetsTopicLogOptions {
  readonly log: Pick<Log, 'append' | 'read' | 'bounds'>;
  readonly catalog: Pick<StreamCatalog, 'peek' | 'whenResharded'>;
  readonly minInsyncReplicas: number;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/** Reads and writes one offsets topic. Everything throws StoreUnavailable and `OffsetsTopicGone`. */
export class OffsetsTopicLog {
  readonly #options: OffsetsTopicLogOptions;
  #stream: Stream;

  constructor(options: OffsetsTopicLogOptions, stream: Stream) {
    this.#options = options;
    this.#stream = stream;
  }

  get topicId(): string {
    return this.#stream.id;
  }

  /** What a partition says of these groups, from its beginning to its end: what is gone is not in it. */
  async read(index: number, isWanted: (groupId: string) => boolean): Promise<Map<string, GroupRecords>> {
    const groups = new Map<string, GroupRecords>();
    for (const { key: shard } of this.#partition(index).chain) {
      const bounds = await this.#options.log.bounds(shard);
      if (!bounds.ok) throw new OffsetsTopicGone(this.topicId);
      let offset = bounds.value.logStartOffset;
      while (offset < bounds.value.highWatermark) {
        const read = await this.#options.log.read(shard, offset, { maxBytes: READ_BYTES });
        // Compacted or trimmed meanwhile: what was there before is not needed.
        if (!read.ok && read.refusal.code === 'offsetOutOfRange' && read.refusal.logStartOffset > offset) {
          offset = read.refusal.logStartOffset;
          continue;
        }
        if (!read.ok) throw new OffsetsTopicGone(this.topicId);
        const { chunks, nextOffset } = read.value;
        try {
          for (const chunk of chunks) noteRecords(chunk, isWanted, groups);
        } finally {
          read.value.release();
        }
        if (nextOffset === offset) break;
        offset = nextOffset;
      }
    }
    return groups;
  }

  /** Appends in this order, in as few batches as hold them. */
  async append(index: number, records: readonly OffsetsRecord[]): Promise<void> {
    const timestampMs = this.#options.clock();
    let batch: RecordDraft[] = [];
    let bytes = 0;
    for (const { key, value } of records) {
      batch.push({ key, value, timestampMs });
      bytes += key.length + (value?.length ?? 0);
      if (batch.length < BATCH_RECORDS_MAX && bytes < BATCH_BYTES_MAX) continue;
      await this.#appendBatch(index, encodeBatch(batch));
      batch = [];
      bytes = 0;
    }
    if (batch.length > 0) await this.#appendBatch(index, encodeBatch(batch));
  }

  async #appendBatch(index: number, batch: Buffer): Promise<void> {
    const { log, catalog } = this.#options;
    const header = readBatchHeader(batch, 0);
    for (let attempt = 1; ; attempt++) {
      const { appendTo } = this.#partition(index);
      const outcome = await log.append({
        shard: appendTo.key,
        batch,
        header,
        acks: 'all',
        minInsyncReplicas: this.#stream.minInsyncReplicas(this.#options.minInsyncReplicas),
        timeoutMs: APPEND_TIMEOUT_MS,
      });
      if (outcome.ok) return;
      const { code } = outcome.refusal;
      if (code === 'shardNotFound') throw new OffsetsTopicGone(this.topicId);
      if (code !== 'shardSealed' || attempt === RESHARD_ATTEMPTS_MAX) {
        throw new StoreUnavailable(`the offsets topic took no records: ${code}`);
      }
      const fresh = await catalog.whenResharded(this.#stream, appendTo, { timeoutMs: RESHARD_WAIT_MS });
      if (fresh === undefined) throw new OffsetsTopicGone(this.topicId);
      this.#stream = fresh;
    }
  }

  #partition(index: number): Partition {
    const known = this.#options.catalog.peek(this.#stream.name);
    if (known?.id === this.#stream.id) this.#stream = known;
    const partition = this.#stream.partitions[index];
    if (partition === undefined) throw new OffsetsTopicGone(this.topicId);
    return partition;
  }
}

function noteRecords(chunk: Buffer, isWanted: (groupId: string) => boolean, groups: Map<string, GroupRecords>): void {
  for (let position = 0; position < chunk.length;) {
    const header = readBatchHeader(chunk, position);
    const records = header.isControl
      ? []
      : decodeBatch(chunk, position, header, { uncompressedBytesMax: UNCOMPRESSED_BYTES_MAX });
    position += header.sizeBytes;
    for (const { key, value } of records) {
      const groupId = key === null ? undefined : groupIdOfKey(key);
      if (key === null || groupId === undefined || !isWanted(groupId)) continue;
      const its: GroupRecords = groups.get(groupId) ?? new Map<string, string>();
      groups.set(groupId, its);
      if (value === null) its.delete(keyText(key));
      else its.set(keyText(key), digestOf(value));
    }
  }
}
