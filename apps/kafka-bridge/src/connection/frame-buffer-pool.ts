/** Frames up to here come out of the chunk they arrived in, or get a small buffer of their own. */
export const POOLED_FRAME_BYTES_MIN = 64 * 1024;
/** Larger frames are rare: their memory goes back to the system. */
export const POOLED_FRAME_BYTES_MAX = 16 * 1024 * 1024;
/** What the pool keeps for reuse, over all sizes. */
export const POOL_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Buffers for large frames, used again: fresh memory costs a page fault every 4 KiB, which at a gigabyte a second is
 * a tenth of a core. Sizes are powers of two; what lies behind the frame is never touched and costs nothing.
 */
export class FrameBufferPool {
  readonly #free = new Map<number, Buffer[]>();
  #keptBytes = 0;

  /** A buffer of at least `bytes`. Its content is whatever was there before. */
  take(bytes: number): Buffer {
    if (bytes < POOLED_FRAME_BYTES_MIN || bytes > POOLED_FRAME_BYTES_MAX) return Buffer.allocUnsafeSlow(bytes);
    const size = 2 ** Math.ceil(Math.log2(bytes));
    const kept = this.#free.get(size)?.pop();
    if (kept === undefined) return Buffer.allocUnsafeSlow(size);
    this.#keptBytes -= size;
    return kept;
  }

  /** Gives a buffer of `take` back. Nobody may hold a view of it any more. */
  give(buffer: Buffer): void {
    const size = buffer.length;
    if (size < POOLED_FRAME_BYTES_MIN || size > POOLED_FRAME_BYTES_MAX) return;
    if (this.#keptBytes + size > POOL_BYTES_MAX) return;
    this.#keptBytes += size;
    const kept = this.#free.get(size);
    if (kept === undefined) this.#free.set(size, [buffer]);
    else kept.push(buffer);
  }
}
