const DAY_MS = 24 * 60 * 60 * 1000;
/** More than any limit counts: a stream that changes all the time keeps its document small. */
const KEPT_MAX = 25;

/** Those of the changes that were made within the last 24 hours. */
export function recentChanges(changesMs: readonly number[] = [], nowMs: number): readonly number[] {
  return changesMs.filter((atMs) => nowMs - atMs < DAY_MS).slice(-KEPT_MAX);
}
