import type { DatabaseSync } from 'node:sqlite';

/** A transaction that was aborted; offsets of its first record and of its marker. */
export interface AbortedRange {
  readonly producerId: bigint;
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** Where the shard was stable once it had ended: what ends later begins at or behind it. */
  readonly stableOffset: number;
}

/**
 * The transactions of one shard, as far as its log is durable. Only shards in which there was one have this. Aborted ones
 * lie in the database, those since the last checkpoint in here: they are no more than one segment has room for.
 */
export class ShardTransactions {
  /** Producer id to the offset of the first record, in the order of these. */
  readonly #open = new Map<bigint, number>();
  /** Of producers of which something is under way: whether their transaction is open behind it, and how many appends that is. */
  readonly #underWay = new Map<bigint, { isOpen: boolean; appends: number }>();
  /** In the order of their last offsets. */
  #unsaved: AbortedRange[] = [];
  /** The largest last offset of all aborted ones: readers behind it need not look. */
  #lastAborted = -1;

  /** A transactional batch, or a marker, has been let in. Answers whether the transaction was open before it. */
  admit(producerId: bigint, opens: boolean): boolean {
    const known = this.#underWay.get(producerId);
    if (known === undefined) {
      this.#underWay.set(producerId, { isOpen: opens, appends: 1 });
      return this.#open.has(producerId);
    }
    const { isOpen } = known;
    known.isOpen = opens;
    known.appends++;
    return isOpen;
  }

  /** It is durable. */
  settle(producerId: bigint): void {
    const known = this.#underWay.get(producerId);
    if (known !== undefined && --known.appends === 0) this.#underWay.delete(producerId);
  }

  /** It failed; `wasOpen` is what `admit` had answered. Failed appends are undone from the newest on. */
  undo(producerId: bigint, wasOpen: boolean): void {
    const known = this.#underWay.get(producerId);
    if (known !== undefined) known.isOpen = wasOpen;
    this.settle(producerId);
  }

  /** Whether it is open for a batch that comes now: behind what is under way. */
  isOpenBehind(producerId: bigint): boolean {
    return this.#underWay.get(producerId)?.isOpen ?? this.#open.has(producerId);
  }

  /** A transactional batch is durable. */
  begin(producerId: bigint, baseOffset: number): void {
    if (!this.#open.has(producerId)) this.#open.set(producerId, baseOffset);
  }

  /** Its marker is; `endOffset` is where the log ends. */
  end(producerId: bigint, commits: boolean, lastOffset: number, endOffset: number): void {
    const firstOffset = this.#open.get(producerId);
    if (firstOffset === undefined) return;
    this.#open.delete(producerId);
    if (commits) return;
    const stableOffset = this.firstUnstable ?? endOffset;
    this.#unsaved.push({ producerId, firstOffset, lastOffset, stableOffset });
    this.#lastAborted = Math.max(this.#lastAborted, lastOffset);
  }

  isOpen(producerId: bigint): boolean {
    return this.#open.has(producerId);
  }

  startOf(producerId: bigint): number | undefined {
    return this.#open.get(producerId);
  }

  /** The first record of the oldest open transaction. */
  get firstUnstable(): number | undefined {
    for (const firstOffset of this.#open.values()) return firstOffset;
    return undefined;
  }

  /** Those aborted ones that have something from `from` on and below `to`, in the order of their first offsets. */
  abortedWithin(sqlite: DatabaseSync, slot: number, from: number, to: number): AbortedRange[] {
    if (from > this.#lastAborted) return [];
    const found = new Map<string, AbortedRange>();
    for (const range of inOrder(readAborted(sqlite, slot, from), this.#unsaved)) {
      if (range.lastOffset >= from && range.firstOffset < to) {
        // Twice, while a checkpoint is being written.
        found.set(`${range.lastOffset}/${range.producerId}`, range);
      }
    }
    return [...found.values()].sort((a, b) => a.firstOffset - b.firstOffset);

    function* inOrder(saved: Iterable<AbortedRange>, unsaved: readonly AbortedRange[]): Iterable<AbortedRange> {
      for (const range of saved) {
        yield range;
        if (range.stableOffset >= to) return;
      }
      yield* unsaved;
    }
  }

  /** For a checkpoint. */
  save(): { readonly open: readonly (readonly [string, number])[]; readonly aborted: readonly AbortedRange[] } {
    return {
      open: [...this.#open].map(([producerId, firstOffset]) => [String(producerId), firstOffset]),
      aborted: [...this.#unsaved],
    };
  }

  /** The checkpoint is durable. */
  saved(aborted: readonly AbortedRange[]): void {
    this.#unsaved.splice(0, aborted.length);
  }

  load(open: readonly (readonly [string, number])[], lastAborted: number): void {
    for (const [producerId, firstOffset] of open) this.#open.set(BigInt(producerId), firstOffset);
    this.#lastAborted = lastAborted;
  }
}

function* readAborted(sqlite: DatabaseSync, slot: number, from: number): Iterable<AbortedRange> {
  const rows = sqlite
    .prepare('SELECT * FROM aborted WHERE slot = ? AND lastOffset >= ? ORDER BY lastOffset, stableOffset')
    .iterate(slot, from);
  for (const row of rows) {
    const { producerId, firstOffset, lastOffset, stableOffset } = row as Record<string, number | string>;
    yield {
      producerId: BigInt(producerId as string),
      firstOffset: firstOffset as number,
      lastOffset: lastOffset as number,
      stableOffset: stableOffset as number,
    };
  }
}

export function insertAborted(sqlite: DatabaseSync, slot: number, aborted: readonly AbortedRange[]): void {
  if (aborted.length === 0) return;
  const insert = sqlite.prepare('INSERT OR IGNORE INTO aborted VALUES (?, ?, ?, ?, ?)');
  for (const { producerId, firstOffset, lastOffset, stableOffset } of aborted) {
    insert.run(slot, lastOffset, String(producerId), firstOffset, stableOffset);
  }
}

/** Forgets those that end before the start of the log. */
export function dropAborted(sqlite: DatabaseSync, slot: number, startOffset: number): void {
  sqlite.prepare('DELETE FROM aborted WHERE slot = ? AND lastOffset < ?').run(slot, startOffset);
}
