import type { LeaderEpochStart } from '../contract/log.ts';

/** Under which leader epochs the batches of a shard were appended, as its meta tells (lua/append-batch.lua). */
export class ShardEpochs {
  readonly text: string;
  readonly #epochs: number[] = [];
  readonly #starts: number[] = [];

  /** `<leader epoch> <its first offset>,…`, the oldest first; empty: nobody has noted one. */
  constructor(text: string) {
    this.text = text;
    if (text === '') return;
    for (const entry of text.split(',')) {
      const [epoch, start] = entry.split(' ').map(Number) as [number, number];
      this.#epochs.push(epoch);
      this.#starts.push(start);
    }
  }

  /** The newest; -1 when there is none. */
  get last(): number {
    return this.#epochs.at(-1) ?? -1;
  }

  /** The epoch in which the batch at the offset was appended; `unknown` when none was noted. */
  at(offset: number, unknown: number): number {
    let at = this.#epochs.length - 1;
    if (at < 0) return unknown;
    // What lies before the first was there before epochs were noted: the younger one hides a truncation, and feigns none.
    while (at > 0 && (this.#starts[at] as number) > offset) at--;
    return this.#epochs[at] as number;
  }

  /** Those that have something at or above the start of the log. */
  startsFrom(logStartOffset: number): LeaderEpochStart[] {
    const starts: LeaderEpochStart[] = [];
    for (const [at, leaderEpoch] of this.#epochs.entries()) {
      if ((this.#starts[at + 1] ?? Infinity) <= logStartOffset) continue;
      starts.push({ leaderEpoch, startOffset: BigInt(Math.max(this.#starts[at] as number, logStartOffset)) });
    }
    return starts;
  }
}
