import { describe, expect, it } from '@jest/globals';
import { formatSequenceNumber, formatSequenceNumbers, parseSequenceNumber } from './sequence-number.ts';

describe('sequence numbers', () => {
  it('take apart what the service itself gave out', () => {
    // From the examples of the AWS documentation (PutRecord, shardId-000000000000).
    expect(parseSequenceNumber('49543463076548007577105092703039560359975228518395019266')).toEqual({
      offset: expect.any(BigInt),
      shardNumber: 0,
      appendTimeSeconds: expect.any(Number),
      shardCreatedSeconds: expect.any(Number),
    });
    const parts = parseSequenceNumber('49543463076548007577105092703039560359975228518395019266');
    expect(parts && formatSequenceNumber(parts)).toEqual('49543463076548007577105092703039560359975228518395019266');
    const created = new Date((parts?.shardCreatedSeconds ?? 0) * 1000).getUTCFullYear();
    expect(created).toEqual(2014);
  });

  const parts = { offset: 0n, shardNumber: 17, appendTimeSeconds: 1_795_435_200, shardCreatedSeconds: 1_795_435_100 };

  it.each([0n, 1n, 12_345_678_901n, (1n << 63n) - 1n])('carry offset %s there and back in 56 digits', (offset) => {
    const text = formatSequenceNumber({ ...parts, offset });
    expect(text).toMatch(/^\d{56}$/);
    expect(parseSequenceNumber(text)).toEqual({ ...parts, offset });
  });

  it('grow with the offset, whatever the append time', () => {
    const earlier = BigInt(formatSequenceNumber({ ...parts, offset: 7n, appendTimeSeconds: 2_000_000_000 }));
    const later = BigInt(formatSequenceNumber({ ...parts, offset: 8n, appendTimeSeconds: 1_000_000_000 }));
    expect(later > earlier).toBe(true);
  });

  it('of a child are larger than its parent’s, because it was created later', () => {
    const parent = BigInt(formatSequenceNumber({ ...parts, offset: 1_000_000n }));
    const child = BigInt(
      formatSequenceNumber({ ...parts, offset: 0n, shardCreatedSeconds: parts.shardCreatedSeconds + 1 }),
    );
    expect(child > parent).toBe(true);
  });

  it('of consecutive offsets are what single ones are', () => {
    expect(formatSequenceNumbers({ ...parts, offset: 41n }, 3)).toEqual(
      [41n, 42n, 43n].map((offset) => formatSequenceNumber({ ...parts, offset })),
    );
  });

  it.each(['', '0', '-1', 'x', '1', '4'.repeat(58), '49543463076548007577105092703039560359975228518395019267'])(
    'refuse %p',
    (text) => {
      expect(parseSequenceNumber(text)).toBeUndefined();
    },
  );
});
