import { tailCacheMetrics } from '@tailrace/telemetry';
import type { ReadLimits } from './contract/log.ts';
import type { ShardKey } from './contract/shard-key.ts';

/**
 * The first block of a shard; each further one is twice as large as the one before, up to `BLOCK_BYTES_MAX` and to an
 * eighth of the memory.
 */
const BLOCK_BYTES_MIN = 4 * 1024;
const BLOCK_BYTES_MAX = 256 * 1024;
/** What a block and the entry of a batch in it cost beside their bytes, roughly. */
const BLOCK_OVERHEAD_BYTES = 512;
const BATCH_OVERHEAD_BYTES = 32;

export interface TailCacheOptions {
  /** Memory over all shards. */
  readonly bytesMax: number;
  /** A larger batch is not kept, and the run of its shard begins anew behind it. */
  readonly batchBytesMax: number;
}

/** Batches of one shard that follow each other. The chunks stay what they are for as long as they are held. */
export interface CachedRun {
  readonly chunks: readonly Buffer[];
  readonly byteCount: number;
  readonly batchCount: number;
  readonly appendTimesMs: readonly number[];
  readonly nextOffset: bigint;
}

/** Memory that is filled once, from front to back, and then only read: a reader may hold a part of it for ever. */
class Block {
  readonly shard: ShardKey;
  readonly memory: Buffer;
  /** Of each batch: base offset, the offset after it, append time, and where it ends in `memory`. */
  readonly baseOffsets: number[] = [];
  readonly nextOffsets: number[] = [];
  readonly appendTimesMs: number[] = [];
  readonly ends: number[] = [];

  constructor(shard: ShardKey, byteCount: number) {
    this.shard = shard;
    this.memory = Buffer.allocUnsafeSlow(byteCount);
  }

  get filled(): number {
    return this.ends.at(-1) ?? 0;
  }

  get firstOffset(): number {
    return this.baseOffsets[0] as number;
  }

  get costBytes(): number {
    return this.memory.length + BLOCK_OVERHEAD_BYTES;
  }

  add(baseOffset: number, nextOffset: number, appendTimeMs: number, bytes: Buffer): void {
    const at = this.filled;
    bytes.copy(this.memory, at);
    this.baseOffsets.push(baseOffset);
    this.nextOffsets.push(nextOffset);
    this.appendTimesMs.push(appendTimeMs);
    this.ends.push(at + bytes.length);
  }

  /** The batch that holds the offset, which is not before the first one. */
  find(offset: number): number {
    let low = 0;
    let high = this.nextOffsets.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.nextOffsets[middle] as number) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

interface Run {
  /** The oldest first; no gap between them. Never empty. */
  readonly blocks: Block[];
  nextOffset: number;
}

/**
 * The newest batches of each shard, for the readers at its tail: N of them cost one read of the store, or none. Batches
 * are copied in, so that no memory of a socket or of a read is kept alive by them. When the memory is full, the block
 * goes that was begun longest ago, whichever shard's it is.
 */
export class TailCache {
  readonly #options: TailCacheOptions;
  readonly #blockBytesMax: number;
  readonly #metrics = tailCacheMetrics();
  readonly #runs = new Map<ShardKey, Run>();
  /** All blocks in the order in which they were begun. */
  readonly #blocks = new Set<Block>();
  #bytes = 0;

  constructor(options: TailCacheOptions) {
    this.#options = options;
    this.#blockBytesMax = Math.min(BLOCK_BYTES_MAX, Math.ceil(options.bytesMax / 8));
  }

  /** Bytes of memory that are taken. */
  get byteCount(): number {
    return this.#bytes;
  }

  /** Adds a batch that readers may see. One that does not follow the last begins the shard's run anew. */
  append(shard: ShardKey, baseOffset: bigint, nextOffset: bigint, appendTimeMs: number, bytes: Buffer): void {
    const { bytesMax, batchBytesMax } = this.#options;
    if (bytes.length > batchBytesMax || bytes.length + BLOCK_OVERHEAD_BYTES > bytesMax) {
      this.drop(shard);
      return;
    }
    const base = Number(baseOffset);
    const next = Number(nextOffset);
    let run = this.#runs.get(shard);
    if (run !== undefined && run.nextOffset !== base) {
      // An append that was answered twice, or told late.
      if (base < run.nextOffset) return;
      this.drop(shard);
      run = undefined;
    }
    let block = run?.blocks.at(-1);
    if (block === undefined || block.filled + bytes.length > block.memory.length) {
      const before = block?.memory.length ?? BLOCK_BYTES_MIN / 2;
      block = this.#begin(shard, Math.max(bytes.length, Math.min(this.#blockBytesMax, before * 2)));
      run = this.#runs.get(shard);
      if (run === undefined) this.#runs.set(shard, (run = { blocks: [block], nextOffset: next }));
      else run.blocks.push(block);
    }
    block.add(base, next, appendTimeMs, bytes);
    (run as Run).nextOffset = next;
    this.#take(BATCH_OVERHEAD_BYTES);
  }

  /**
   * The batches from the one that holds `fromOffset`, below `endOffset` (the high watermark) and within the limits, the
   * first one whole in any case. `undefined` when the cache does not have that offset.
   */
  read(shard: ShardKey, fromOffset: bigint, limits: ReadLimits, endOffset: bigint): CachedRun | undefined {
    const from = Number(fromOffset);
    const end = Number(endOffset);
    const blocks = this.#runs.get(shard)?.blocks;
    let at = (blocks?.length ?? 0) - 1;
    while (at > 0 && (blocks?.[at] as Block).firstOffset > from) at--;
    const first = blocks?.[at];
    if (first === undefined || first.firstOffset > from || from >= end) {
      this.#metrics.misses++;
      return undefined;
    }
    const run = collect(blocks as Block[], at, from, end, limits);
    if (run === undefined) this.#metrics.misses++;
    else this.#metrics.hits++;
    return run;
  }

  /** Forgets a shard: it was deleted, or this process no longer hears of its appends. */
  drop(shard: ShardKey): void {
    for (const block of this.#runs.get(shard)?.blocks ?? []) this.#release(block);
    this.#runs.delete(shard);
  }

  clear(): void {
    for (const shard of [...this.#runs.keys()]) this.drop(shard);
  }

  #begin(shard: ShardKey, byteCount: number): Block {
    const block = new Block(shard, byteCount);
    this.#blocks.add(block);
    this.#take(block.costBytes);
    for (const oldest of this.#blocks) {
      if (this.#bytes <= this.#options.bytesMax || oldest === block) break;
      this.#evict(oldest);
    }
    return block;
  }

  #evict(block: Block): void {
    const run = this.#runs.get(block.shard) as Run;
    // Blocks of a shard are begun in order, so this is its first.
    run.blocks.shift();
    if (run.blocks.length === 0) this.#runs.delete(block.shard);
    this.#release(block);
  }

  #release(block: Block): void {
    this.#blocks.delete(block);
    this.#take(-block.costBytes - block.ends.length * BATCH_OVERHEAD_BYTES);
  }

  #take(byteCount: number): void {
    this.#bytes += byteCount;
    this.#metrics.bytes += byteCount;
  }
}

function collect(
  blocks: readonly Block[],
  at: number,
  from: number,
  end: number,
  { maxBytes, maxBatches = Infinity }: ReadLimits,
): CachedRun | undefined {
  const chunks: Buffer[] = [];
  const appendTimesMs: number[] = [];
  let byteCount = 0;
  let next = from;
  let batch = (blocks[at] as Block).find(from);
  for (; at < blocks.length; at++, batch = 0) {
    const { memory, nextOffsets, appendTimesMs: times, ends } = blocks[at] as Block;
    const start = batch === 0 ? 0 : (ends[batch - 1] as number);
    let stop = start;
    let full = false;
    for (; batch < ends.length; batch++) {
      const size = (ends[batch] as number) - stop;
      full = appendTimesMs.length > 0 && (byteCount + size > maxBytes || appendTimesMs.length >= maxBatches);
      full ||= (nextOffsets[batch] as number) > end;
      if (full) break;
      stop += size;
      byteCount += size;
      next = nextOffsets[batch] as number;
      appendTimesMs.push(times[batch] as number);
    }
    if (stop > start) chunks.push(memory.subarray(start, stop));
    if (full) break;
  }
  const batchCount = appendTimesMs.length;
  return batchCount === 0 ? undefined : { chunks, byteCount, batchCount, appendTimesMs, nextOffset: BigInt(next) };
}
