/** The index of the first of sorted names that comes behind `name`; their number, if none does. */
export function firstBehind(sorted: readonly string[], name: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as string) > name) high = middle;
    else low = middle + 1;
  }
  return low;
}
