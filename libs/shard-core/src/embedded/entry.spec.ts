import { describe, expect, it } from '@jest/globals';
import { crc32c } from '@tailrace/hashing';
import { seededRandom } from '@tailrace/testkit';
import { ENTRY_HEADER_BYTES, readEntryHeader, writeEntryHeader } from './entry.ts';

describe('an entry header', () => {
  it('reads as it was written, at any place', () => {
    const random = seededRandom(1);
    const buffer = Buffer.alloc(200, 0xaa);
    for (let round = 0; round < 200; round++) {
      const at = Math.floor(random() * 150);
      const u32 = () => Math.floor(random() * 2 ** 32);
      const written = {
        generation: u32(),
        chain: u32(),
        batchBytes: u32(),
        batchCrc: u32(),
        slot: u32(),
        baseOffset: Math.floor(random() * Number.MAX_SAFE_INTEGER),
        appendTimeMs: Math.floor(random() * 2 ** 48),
        partition: Math.floor(random() * 2 ** 16),
      };
      const { generation, chain, batchBytes, batchCrc, slot, baseOffset, appendTimeMs, partition } = written;
      const crc = writeEntryHeader(
        buffer,
        at,
        generation,
        chain,
        batchBytes,
        batchCrc,
        slot,
        baseOffset,
        appendTimeMs,
        partition,
      );
      expect(crc).toEqual(crc32c(buffer.subarray(at + 4, at + ENTRY_HEADER_BYTES)));
      expect(readEntryHeader(buffer, at, generation)).toEqual({ ...written, crc });
      expect(readEntryHeader(buffer, at, generation ^ 1)).toBeUndefined();
    }
  });

  it('is none when any bit of it is wrong', () => {
    const buffer = Buffer.alloc(ENTRY_HEADER_BYTES);
    writeEntryHeader(buffer, 0, 7, 99, 1_000, 0xabcd, 3, 12_345, 1_700_000_000_000, 5);
    for (let bit = 0; bit < ENTRY_HEADER_BYTES * 8; bit++) {
      const wrong = Buffer.from(buffer);
      wrong[bit >> 3] = (wrong[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(readEntryHeader(wrong, 0, 7)).toBeUndefined();
    }
  });
});
