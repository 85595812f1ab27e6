/** Sizes that memory comes in: each four times the last, from 64 KiB to 16 MiB. */
const SLAB_SIZES = [1 << 16, 1 << 18, 1 << 20, 1 << 22, 1 << 24] as const;

/**
 * Memory for reads, used again and again: to allocate a fresh buffer for each read costs more than the read itself.
 * What is handed out is not counted, only what waits for reuse.
 */
export class SlabPool {
  readonly #free: Buffer[][] = SLAB_SIZES.map(() => []);
  readonly #bytesMax: number;
  #freeBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** At least so many bytes, with whatever they held before. */
  take(byteCount: number): Buffer {
    const size = SLAB_SIZES.findIndex((bytes) => bytes >= byteCount);
    if (size === -1) return Buffer.allocUnsafeSlow(byteCount);
    const slab = this.#free[size]?.pop();
    if (slab === undefined) return Buffer.allocUnsafeSlow(SLAB_SIZES[size] as number);
    this.#freeBytes -= slab.length;
    return slab;
  }

  /** The slab must have come from here and not be used any more. */
  giveBack(slab: Buffer): void {
    const size = SLAB_SIZES.findIndex((bytes) => bytes === slab.length);
    if (size === -1 || this.#freeBytes + slab.length > this.#bytesMax) return;
    this.#free[size]?.push(slab);
    this.#freeBytes += slab.length;
  }
}
