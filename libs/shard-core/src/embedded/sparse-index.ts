import { INDEX_BLOCK_BYTES } from './bounds.ts';

/** Numbers that one point takes. */
export const POINT_FIELDS = 5;

/** Column of a point. */
const OFFSET = 0;
const POSITION = 1;
const END = 2;
const TIME = 3;
const MAX_TIMESTAMP = 4;

/**
 * Where one shard's entries lie in one segment: a point for each block of the segment in which entries of the shard
 * begin. Points stand in order of offset, position and append time alike. A flat list of numbers, five a point, so
 * that it can lie in a file and be used from there as it is.
 */
export class SparseIndex {
  readonly #points: number[] | Float64Array;

  constructor(points: number[] | Float64Array = []) {
    this.#points = points;
  }

  get count(): number {
    return this.#points.length / POINT_FIELDS;
  }

  get points(): ArrayLike<number> {
    return this.#points;
  }

  /** Base offset of the first of these entries. */
  offset(point: number): number {
    return this.#points[point * POINT_FIELDS + OFFSET] as number;
  }

  /** Where the first entry's header begins. */
  position(point: number): number {
    return this.#points[point * POINT_FIELDS + POSITION] as number;
  }

  /** Where the last entry ends. Entries of other shards may lie in between. */
  end(point: number): number {
    return this.#points[point * POINT_FIELDS + END] as number;
  }

  /** Append time of the first entry in milliseconds. */
  timeMs(point: number): number {
    return this.#points[point * POINT_FIELDS + TIME] as number;
  }

  /** The largest record timestamp of these entries in milliseconds. */
  maxTimestampMs(point: number): number {
    return this.#points[point * POINT_FIELDS + MAX_TIMESTAMP] as number;
  }

  /** Adds an entry behind all others. Only for an index that began empty. */
  add(offset: number, position: number, end: number, timeMs: number, maxTimestampMs: number): void {
    const points = this.#points as number[];
    const last = points.length - POINT_FIELDS;
    if (last >= 0 && blockOf(points[last + POSITION] as number) === blockOf(position)) {
      points[last + END] = end;
      if (maxTimestampMs > (points[last + MAX_TIMESTAMP] as number)) points[last + MAX_TIMESTAMP] = maxTimestampMs;
      return;
    }
    points.push(offset, position, end, timeMs, maxTimestampMs);
  }

  /** The last point at or before the offset; 0 when all lie behind it. */
  floorOffset(offset: number): number {
    return this.#floor(OFFSET, offset, true);
  }

  /** The last point whose first entry was appended before the time; 0 when there is none. */
  floorTime(timeMs: number): number {
    return this.#floor(TIME, timeMs, false);
  }

  #floor(field: number, value: number, inclusive: boolean): number {
    let low = 0;
    let high = this.count;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      const at = this.#points[middle * POINT_FIELDS + field] as number;
      if (at < value || (inclusive && at === value)) low = middle;
      else high = middle;
    }
    return low;
  }
}

function blockOf(position: number): number {
  return Math.floor(position / INDEX_BLOCK_BYTES);
}
