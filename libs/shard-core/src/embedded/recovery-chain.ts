import type { LogPosition } from './group-commit.ts';
import type { EntryList } from './entry-list.ts';

/** A file behind the checkpoint, with the entries that follow each other in it. */
export interface ScannedSegment {
  readonly generation: number;
  /** Of the file. */
  readonly byteCount: number;
  readonly entries: EntryList;
  /** What the first of them names; `undefined`: there is none. */
  readonly firstChain: number | undefined;
}

export interface JoinedLog {
  /** The log behind the checkpoint. */
  readonly kept: readonly ScannedSegment[];
  /** The prepared segment behind it, that holds nothing yet. */
  readonly unused: ScannedSegment | undefined;
  /** What belongs to no log: torn off, given up, or never begun. */
  readonly dropped: readonly ScannedSegment[];
  /** What the next entry must name. */
  readonly chain: number;
}

/**
 * Finds how far the segments hang together. The first entry of each must name the last one before it. Where it names
 * an earlier one, a sync had failed: what stands behind that entry was given up. Where it names none, the log was torn
 * before it: neither this segment nor those behind it were acknowledged, for a sync covers all that was before.
 *
 * @param scanned in the order of their generations, none before the one of `from`; what is torn off goes from their entries
 * @param from where the checkpoint says that the log ended
 */
export function joinChain(scanned: readonly ScannedSegment[], from: LogPosition): JoinedLog {
  let kept: ScannedSegment[] = [];
  let chain = from.chain;
  for (const segment of scanned) {
    const { firstChain } = segment;
    if (firstChain === undefined) continue;
    if (segment.generation !== from.generation && firstChain !== chain) {
      const cut = cutAt(kept, firstChain, from);
      if (cut === undefined) break;
      kept = cut;
    }
    kept.push(segment);
    chain = segment.entries.crc as number;
  }
  const generations = new Set(kept.map(({ generation }) => generation));
  const others = scanned.filter(({ generation }) => !generations.has(generation));
  const last = others.at(-1);
  // Segments are used in the order of their generations, so one that others have overtaken cannot be used any more.
  const overtaken = last !== undefined && generations.size > 0 && last.generation < Math.max(...generations);
  const unused = last !== undefined && last.entries.length === 0 && !overtaken ? last : undefined;
  return { kept, unused, dropped: others.filter((segment) => segment !== unused), chain };
}

/** The segments up to the entry of this CRC; `undefined` when there is none. */
function cutAt(kept: readonly ScannedSegment[], crc: number, from: LogPosition): ScannedSegment[] | undefined {
  for (let i = kept.length - 1; i >= 0; i--) {
    const segment = kept[i] as ScannedSegment;
    if (segment.entries.cutBehind(crc)) return kept.slice(0, i + 1);
  }
  return crc === from.chain ? [] : undefined;
}
