import { type FrameBufferPool, POOLED_FRAME_BYTES_MIN } from './frame-buffer-pool.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { explainFrameLength, UnreadableFrame } from './unreadable-frame.ts';

const LENGTH_BYTES = 4;
/** So long a frame may take besides the time that its bytes take at the pace below. */
export const FRAME_STALL_MS = 30_000;
/** Bytes a millisecond that must come of a frame whose memory is taken: 16 KB/s. */
export const FRAME_PACE_MIN = 16;

/** One request as it came, without its length prefix. */
export interface Frame {
  readonly bytes: Buffer;
  /** The buffer to give back to the pool when nobody needs the frame any more; absent for small frames. */
  readonly pooled: Buffer | undefined;
}

/**
 * Cuts the byte stream of one connection into frames. The length is checked, and its memory taken from the budget,
 * before anything is allocated. A frame that lies whole in a chunk is a view of it; any other is put together in one
 * buffer by one copy.
 */
export class FrameReader {
  readonly #bounds: { readonly frameBytesMax: number };
  readonly #pool: FrameBufferPool;
  readonly #budget: MemoryBudget;
  #chunk: Buffer | undefined;
  #position = 0;
  readonly #prefix = Buffer.alloc(LENGTH_BYTES);
  #prefixBytes = 0;
  /** Set from when the length is known until the frame is whole. */
  #length: number | undefined;
  #assembly: Buffer | undefined;
  #filled = 0;
  #dueMs = Infinity;
  #starved = false;

  constructor(options: {
    /** Asked with each frame: it may grow once the client has shown who it is. */
    readonly frameBytesMax: number;
    readonly pool: FrameBufferPool;
    readonly budget: MemoryBudget;
  }) {
    this.#bounds = options;
    this.#pool = options.pool;
    this.#budget = options.budget;
  }

  /** Takes what has arrived; the reader keeps it until `next` has worked through it. */
  push(chunk: Buffer): void {
    if (this.#chunk === undefined) {
      this.#chunk = chunk;
      this.#position = 0;
    } else {
      // Only what was under way when the socket was paused.
      this.#chunk = Buffer.concat([this.#chunk.subarray(this.#position), chunk]);
      this.#position = 0;
    }
  }

  /** The next whole frame; its bytes count against the budget until the caller gives them back. Throws UnreadableFrame. */
  next(): Frame | undefined {
    this.#starved = false;
    if (this.#length === undefined && !this.#readLength()) return undefined;
    const length = this.#length as number;
    if (this.#assembly === undefined) {
      const chunk = this.#chunk;
      if (!this.#budget.take(length)) {
        this.#starved = true;
        return undefined;
      }
      if (chunk !== undefined && chunk.length - this.#position >= length) {
        const bytes = chunk.subarray(this.#position, this.#position + length);
        this.#advance(length);
        this.#length = undefined;
        return { bytes, pooled: undefined };
      }
      this.#assembly = this.#pool.take(length);
      this.#filled = 0;
      this.extend();
    }
    return this.#assemble(length, this.#assembly);
  }

  /** Whether part of a frame is here: its sender owes us the rest. */
  get midFrame(): boolean {
    return this.#prefixBytes > 0 || this.#length !== undefined;
  }

  /** When the frame under way has to be whole, by `performance.now()`: it holds memory that others wait for. */
  get dueMs(): number {
    return this.#assembly === undefined ? Infinity : this.#dueMs;
  }

  /** Gives the rest of the frame its time anew: it was we who did not read. */
  extend(): void {
    this.#dueMs = performance.now() + FRAME_STALL_MS + ((this.#length ?? 0) - this.#filled) / FRAME_PACE_MIN;
  }

  /** Whether the last `next` found a frame but no memory for it. */
  get starved(): boolean {
    return this.#starved;
  }

  /** Whether bytes are here that `next` has not looked at. */
  get hasBytes(): boolean {
    return this.#chunk !== undefined;
  }

  /** Gives back what a frame that never became whole has taken. */
  abandon(): void {
    if (this.#assembly !== undefined) {
      this.#budget.giveBack(this.#length as number);
      this.#pool.give(this.#assembly);
    }
    this.#assembly = undefined;
    this.#length = undefined;
    this.#chunk = undefined;
  }

  #readLength(): boolean {
    const chunk = this.#chunk;
    if (chunk === undefined) return false;
    const copied = Math.min(LENGTH_BYTES - this.#prefixBytes, chunk.length - this.#position);
    chunk.copy(this.#prefix, this.#prefixBytes, this.#position, this.#position + copied);
    this.#prefixBytes += copied;
    this.#advance(copied);
    if (this.#prefixBytes < LENGTH_BYTES) return false;
    const length = this.#prefix.readInt32BE(0);
    const { frameBytesMax } = this.#bounds;
    if (length < 0 || length > frameBytesMax) {
      throw new UnreadableFrame(explainFrameLength(this.#prefix, frameBytesMax));
    }
    this.#prefixBytes = 0;
    this.#length = length;
    return true;
  }

  #assemble(length: number, assembly: Buffer): Frame | undefined {
    const chunk = this.#chunk;
    if (chunk !== undefined) {
      const copied = Math.min(length - this.#filled, chunk.length - this.#position);
      chunk.copy(assembly, this.#filled, this.#position, this.#position + copied);
      this.#filled += copied;
      this.#advance(copied);
    }
    if (this.#filled < length) return undefined;
    this.#assembly = undefined;
    this.#length = undefined;
    const pooled = length >= POOLED_FRAME_BYTES_MIN ? assembly : undefined;
    return { bytes: assembly.length === length ? assembly : assembly.subarray(0, length), pooled };
  }

  #advance(bytes: number): void {
    this.#position += bytes;
    if (this.#position === this.#chunk?.length) this.#chunk = undefined;
  }
}
