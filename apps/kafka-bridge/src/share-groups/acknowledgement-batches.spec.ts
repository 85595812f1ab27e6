import { describe, expect, it } from '@jest/globals';
import { ACKNOWLEDGED_RANGES_MAX, readAcknowledgements } from './acknowledgement-batches.ts';

const range = (firstOffset: bigint, lastOffset: bigint, ...acknowledgeTypes: readonly number[]) => ({
  firstOffset,
  lastOffset,
  acknowledgeTypes,
});

/** Apart from each other, one record each. */
const ranges = (count: number) => Array.from({ length: count }, (_, i) => range(BigInt(2 * i), BigInt(2 * i), 1));

describe('what a member says of its records', () => {
  it('is one type for a range, or one for each of its records', () => {
    expect(readAcknowledgements([range(3n, 5n, 1), range(6n, 7n, 2, 0)], false)).toEqual([
      { first: 3, last: 5, types: [1] },
      { first: 6, last: 7, types: [2, 0] },
    ]);
  });

  it('renews in a request that says so', () => {
    expect(readAcknowledgements([range(3n, 3n, 4)], true)).toEqual([{ first: 3, last: 3, types: [4] }]);
  });

  it('has as many ranges as it may', () => {
    expect(readAcknowledgements(ranges(ACKNOWLEDGED_RANGES_MAX), false)).toHaveLength(ACKNOWLEDGED_RANGES_MAX);
    expect(readAcknowledgements(ranges(ACKNOWLEDGED_RANGES_MAX + 1), false)).toBe(
      `${ACKNOWLEDGED_RANGES_MAX + 1} ranges are acknowledged, at most ${ACKNOWLEDGED_RANGES_MAX} are taken`,
    );
  });

  it.each([
    ['below 0', [range(-1n, 0n, 1)], 'Offsets are out of bounds'],
    ['above what is exact', [range(0n, 2n ** 53n, 1)], 'Offsets are out of bounds'],
    ['backwards', [range(5n, 4n, 1)], 'First offset is greater than last offset in acknowledge batches'],
    ['overlapping', [range(3n, 5n, 1), range(5n, 7n, 1)], 'Previous end offset is greater than current start offset in acknowledge batches'],
    ['without a type', [range(3n, 5n)], 'Acknowledge types array is empty in acknowledge batches'],
    ['with too few types', [range(3n, 5n, 1, 1)], 'Acknowledge types array size does not match the number of records in acknowledge batches'],
    ['of no type that there is', [range(3n, 5n, 5)], 'Acknowledge type is invalid in acknowledge batches'],
    ['renewing in a request that does not say so', [range(3n, 5n, 4)], 'Renew acknowledgements in a request that does not say so'],
  ])('is refused %s', (_, batches, message) => {
    expect(readAcknowledgements(batches, false)).toBe(message);
  }); // prettier-ignore
});
