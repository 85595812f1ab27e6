import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { Random } from '../testing/random.ts';
import { compress, type Compression, COMPRESSIONS, decompress } from './compression.ts';
import { CorruptCompression, UncompressedTooLarge } from './errors.ts';
import { lz4FrameBytes } from './lz4-frame.ts';

const foreign = JSON.parse(readFileSync(new URL('../__fixtures__/compressed.json', import.meta.url), 'utf8')) as Record<
  string,
  string
>;
const foreignText = Array.from({ length: 2000 }, (_, i) => `record ${i % 97} of a log that repeats itself; `).join('');

const packing = COMPRESSIONS.filter((compression) => compression !== 'none');

describe.each(packing)('%s', (compression) => {
  const samples: readonly Buffer[] = [0, 1, 100, 32 * 1024 - 1, 32 * 1024, 32 * 1024 + 1, 300_000].flatMap((length) => [
    Buffer.alloc(length, 'ab'),
    new Random(length).bytes(length),
  ]);

  it('gives back what it was given', () => {
    for (const sample of samples)
      expect(decompress(compression, compress(compression, sample), 300_000).equals(sample)).toBe(true);
  });

  it('becomes exactly as large as is allowed, and not a byte larger', () => {
    for (const sample of samples.filter(({ length }) => length > 1)) {
      const packed = compress(compression, sample);
      expect(decompress(compression, packed, sample.length).length).toBe(sample.length);
      expect(() => decompress(compression, packed, sample.length - 1)).toThrow(UncompressedTooLarge);
    }
  });

  it('refuses a bomb without taking the memory for it', () => {
    const bomb = compress(compression, Buffer.alloc(64 * 1024 * 1024));
    const before = process.memoryUsage().rss;
    expect(() => decompress(compression, bomb, 1024 * 1024)).toThrow(UncompressedTooLarge);
    expect(process.memoryUsage().rss - before).toBeLessThan(32 * 1024 * 1024);
  });

  it('refuses what is cut short, but for a cut between two blocks', () => {
    const packed = compress(compression, samples[4] as Buffer);
    // Blocks of snappy-java have no end mark: a stream without any of them is an empty one.
    const complete = compression === 'snappy' ? [16] : [];
    const taken: number[] = [];
    for (let length = 0; length < packed.length; length++) {
      try {
        decompress(compression, packed.subarray(0, length), 300_000);
        taken.push(length);
      } catch (error) {
        expect(error).toBeInstanceOf(CorruptCompression);
      }
    }
    expect(taken).toEqual(complete);
  });

  it('survives garbage', () => {
    const random = new Random(5);
    const packed = compress(compression, Buffer.from(foreignText));
    for (let i = 0; i < 500; i++) {
      const mutated = Buffer.from(packed);
      for (let change = 0; change < 3; change++) mutated[random.below(mutated.length)] = random.below(256);
      expectRefusalOrBytes(compression, mutated);
      expectRefusalOrBytes(compression, random.bytes(random.below(100)));
    }
  });
});

function expectRefusalOrBytes(compression: Compression, bytes: Buffer): void {
  try {
    expect(decompress(compression, bytes, 100_000).length).toBeLessThanOrEqual(100_000);
  } catch (error) {
    if (!(error instanceof CorruptCompression || error instanceof UncompressedTooLarge)) throw error;
  }
}

describe('what other encoders have written', () => {
  it.each(Object.keys(foreign))('%s is read', (name) => {
    const compression = name.split(' ')[0] as Compression;
    const bytes = Buffer.from(foreign[name] as string, 'base64');
    expect(decompress(compression, bytes, foreignText.length).toString()).toBe(foreignText);
    expect(() => decompress(compression, bytes, foreignText.length - 1)).toThrow(UncompressedTooLarge);
  });
});

describe('the framing that is written', () => {
  it('of snappy is that of snappy-java, in blocks of 32 KiB', () => {
    const packed = compress('snappy', Buffer.alloc(70_000));
    expect(packed.subarray(0, 16).toString('hex')).toBe('82534e4150505900' + '00000001' + '00000001');
    const blocks: number[] = [];
    for (let position = 16; position < packed.length;) {
      const size = packed.readInt32BE(position);
      blocks.push(decompress('snappy', packed.subarray(position + 4, position + 4 + size), 100_000).length);
      position += 4 + size;
    }
    expect(blocks).toEqual([32_768, 32_768, 4464]);
  });

  it('of snappy may be several streams one behind the other', () => {
    const joined = Buffer.concat([compress('snappy', Buffer.from('one ')), compress('snappy', Buffer.from('two'))]);
    expect(decompress('snappy', joined, 100).toString()).toBe('one two');
  });

  it('of lz4 has independent blocks, because Java refuses others', () => {
    const packed = compress('lz4', Buffer.alloc(10_000_000, 'abc'));
    expect(packed.readUInt32LE(0)).toBe(0x184d2204);
    expect((packed[4] as number) & 0b1110_0011).toBe(0b0110_0000);
  });

  it('of gzip and zstd begins with their magic', () => {
    expect(compress('gzip', Buffer.from('x')).readUInt16BE(0)).toBe(0x1f8b);
    expect(compress('zstd', Buffer.from('x')).readUInt32LE(0)).toBe(0xfd2fb528);
  });
});

describe('an LZ4 frame', () => {
  it('is measured without being decompressed', () => {
    const random = new Random(3);
    for (let length = 0; length < 70_000; length = length * 2 + 1) {
      const sample = Buffer.concat([random.bytes(length >> 1), Buffer.alloc(length - (length >> 1), 'z')]);
      expect(lz4FrameBytes(compress('lz4', sample), length)).toBe(length);
    }
  });

  it('may not have a dictionary, another version, or bytes behind its end', () => {
    const frame = compress('lz4', Buffer.from('x'));
    const changed = (position: number, byte: number) => {
      const copy = Buffer.from(frame);
      copy[position] = byte;
      return copy;
    };
    expect(() => lz4FrameBytes(changed(4, 0x61), 10)).toThrow('an LZ4 frame with a dictionary');
    expect(() => lz4FrameBytes(changed(4, 0xa0), 10)).toThrow('LZ4 frame version 2');
    expect(() => lz4FrameBytes(changed(0, 0), 10)).toThrow('no LZ4 frame');
    expect(() => lz4FrameBytes(Buffer.concat([frame, Buffer.from([0])]), 10)).toThrow('1 bytes behind the LZ4 frame');
  });
});
