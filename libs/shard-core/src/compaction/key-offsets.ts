import { hash } from 'node:crypto';

/** Four parts of a hash, and an offset. */
const SLOT_BYTES = 4 * Uint32Array.BYTES_PER_ELEMENT + Float64Array.BYTES_PER_ELEMENT;
const SLOTS_MIN = 1024;
/** Above this share of its slots a table becomes slow. */
const LOAD_MAX = 0.75;
/** What is kept of a key: so much of its hash that nobody finds two keys with the same. */
const ALGORITHM = 'sha256';

/**
 * The newest offset of each key, in memory that is bounded in bytes. Keys are known by 128 bits of a cryptographic hash: two of
 * them are never taken for one, not even where somebody would like it.
 */
export class KeyOffsets {
  /** How many there is room for. */
  readonly keysMax: number;
  #slots = SLOTS_MIN;
  #hashes = new Uint32Array(4 * SLOTS_MIN);
  /** One more than the offset; 0: the slot is free. */
  #offsets = new Float64Array(SLOTS_MIN);
  #count = 0;

  constructor(bytesMax: number) {
    const slotsMax = 2 ** Math.floor(Math.log2(Math.max(SLOTS_MIN, bytesMax / SLOT_BYTES)));
    this.keysMax = Math.floor(slotsMax * LOAD_MAX);
  }

  /** How many keys there are. */
  get count(): number {
    return this.#count;
  }

  /** Whether so many more fit; into an empty table any number does, so that there is always a next step. */
  hasRoomFor(keys: number): boolean {
    return this.#count === 0 || this.#count + keys <= this.keysMax;
  }

  /** Offsets of one key come in their order. */
  put(key: Buffer, offset: number): void {
    if (this.#count + 1 > this.#slots * LOAD_MAX) this.#grow();
    const digest = hash(ALGORITHM, key, 'buffer');
    const [a, b, c, d] = [
      digest.readUInt32LE(0),
      digest.readUInt32LE(4),
      digest.readUInt32LE(8),
      digest.readUInt32LE(12),
    ];
    const slot = this.#find(a, b, c, d);
    if (this.#offsets[slot] === 0) {
      this.#hashes.set([a, b, c, d], 4 * slot);
      this.#count++;
    }
    this.#offsets[slot] = offset + 1;
  }

  /** `undefined`: the key is not there. */
  get(key: Buffer): number | undefined {
    if (this.#count === 0) return undefined;
    const digest = hash(ALGORITHM, key, 'buffer');
    const slot = this.#find(
      digest.readUInt32LE(0),
      digest.readUInt32LE(4),
      digest.readUInt32LE(8),
      digest.readUInt32LE(12),
    );
    const offset = this.#offsets[slot] as number;
    return offset === 0 ? undefined : offset - 1;
  }

  /** The slot that has the hash, or the free one where it belongs. */
  #find(a: number, b: number, c: number, d: number): number {
    const hashes = this.#hashes;
    const mask = this.#slots - 1;
    for (let slot = a & mask; ; slot = (slot + 1) & mask) {
      if (this.#offsets[slot] === 0) return slot;
      const at = 4 * slot;
      if (hashes[at] === a && hashes[at + 1] === b && hashes[at + 2] === c && hashes[at + 3] === d) return slot;
    }
  }

  #grow(): void {
    const hashes = this.#hashes;
    const offsets = this.#offsets;
    this.#slots *= 2;
    this.#hashes = new Uint32Array(4 * this.#slots);
    this.#offsets = new Float64Array(this.#slots);
    for (let from = 0; from < offsets.length; from++) {
      if (offsets[from] === 0) continue;
      const parts = hashes.subarray(4 * from, 4 * from + 4) as unknown as [number, number, number, number];
      const slot = this.#find(...parts);
      this.#hashes.set(parts, 4 * slot);
      this.#offsets[slot] = offsets[from] as number;
    }
  }
}
