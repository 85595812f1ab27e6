import type { FileSystem } from './file-system.ts';
import { readIndexes } from './index-file.ts';
import type { Segment, ShardExtent } from './segment.ts';
import { indexPath } from './segment-supply.ts';
import type { SparseIndex } from './sparse-index.ts';

interface Loaded {
  readonly bySlot: ReadonlyMap<number, SparseIndex>;
  readonly byteCount: number;
}

/** The indexes of closed segments, loaded when they are asked for, and bounded in bytes: the longest unused go first. */
export class IndexCache {
  readonly #fileSystem: FileSystem;
  readonly #directory: string;
  readonly #bytesMax: number;
  readonly #rebuild: (segment: Segment) => Promise<Loaded>;
  /** In order of use. */
  readonly #loaded = new Map<Segment, Loaded>();
  readonly #loading = new Map<Segment, Promise<Loaded>>();
  #bytes = 0;

  /** `rebuild` makes the indexes of a segment from its entries when the sidecar is not good. */
  constructor(
    fileSystem: FileSystem,
    directory: string,
    bytesMax: number,
    rebuild: (segment: Segment) => Promise<Loaded>,
  ) {
    this.#fileSystem = fileSystem;
    this.#directory = directory;
    this.#bytesMax = bytesMax;
    this.#rebuild = rebuild;
  }

  /** The index of an extent; at once when it is in memory. The caller holds the segment. */
  of(extent: ShardExtent): SparseIndex | Promise<SparseIndex> {
    if (extent.index !== undefined) return extent.index;
    const { segment } = extent;
    const loaded = this.#loaded.get(segment);
    if (loaded === undefined) return this.#load(extent);
    this.#loaded.delete(segment);
    this.#loaded.set(segment, loaded);
    return loaded.bySlot.get(extent.slot) as SparseIndex;
  }

  forget(segment: Segment): void {
    const loaded = this.#loaded.get(segment);
    if (loaded === undefined) return;
    this.#loaded.delete(segment);
    this.#bytes -= loaded.byteCount;
  }

  async #load({ segment, slot }: ShardExtent): Promise<SparseIndex> {
    let loading = this.#loading.get(segment);
    if (loading === undefined) {
      loading = this.#read(segment);
      this.#loading.set(segment, loading);
      loading.then(
        (loaded) => this.#keep(segment, loaded),
        () => this.#loading.delete(segment),
      );
    }
    return (await loading).bySlot.get(slot) as SparseIndex;
  }

  async #read(segment: Segment): Promise<Loaded> {
    const path = indexPath(this.#directory, segment.generation);
    const loaded = await readIndexes(this.#fileSystem, path, segment.generation, segment.end);
    return loaded ?? this.#rebuild(segment);
  }

  #keep(segment: Segment, loaded: Loaded): void {
    this.#loading.delete(segment);
    this.#loaded.set(segment, loaded);
    this.#bytes += loaded.byteCount;
    for (const [oldest, { byteCount }] of this.#loaded) {
      if (this.#bytes <= this.#bytesMax || oldest === segment) return;
      this.#loaded.delete(oldest);
      this.#bytes -= byteCount;
    }
  }
}
