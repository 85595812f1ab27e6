import snappy from 'snappy';
import { UncompressedTooLarge } from './errors.ts';

/**
 * Kafka has two framings for snappy. Java clients and librdkafka write the one of snappy-java: a header of 16 bytes (magic, version 1,
 * compatible with 1, big-endian), then blocks, each a 32-bit big-endian length and raw snappy. Others send one raw
 * block. Both are read; snappy-java's is written, because old Java consumers read nothing else.
 */
const MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const HEADER = Buffer.concat([MAGIC, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])]);

/** Uncompressed bytes of a block, as snappy-java cuts them. */
const BLOCK_BYTES = 32 * 1024;

export function compressSnappy(bytes: Buffer): Buffer {
  const parts: Buffer[] = [HEADER];
  for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
    const block = snappy.compressSync(bytes.subarray(start, start + BLOCK_BYTES));
    const length = Buffer.allocUnsafe(4);
    length.writeInt32BE(block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}

/** Throws RangeError for damaged bytes, what the decompressor throws, and UncompressedTooLarge. */
export function decompressSnappy(bytes: Buffer, bytesMax: number): Buffer {
  if (!startsWithMagic(bytes, 0)) return decompressBlock(bytes, bytesMax, bytesMax);
  const parts: Buffer[] = [];
  let position = HEADER.length;
  let left = bytesMax;
  while (position < bytes.length) {
    // snappy-java puts a new header in the middle where streams were joined.
    if (startsWithMagic(bytes, position)) {
      position += HEADER.length;
      continue;
    }
    if (position + 4 > bytes.length) throw new RangeError('a snappy block without its length');
    const size = bytes.readInt32BE(position);
    position += 4;
    if (size < 0 || size > bytes.length - position)
      throw new RangeError(`a snappy block of ${size} bytes, ${bytes.length - position} are left`);
    const block = decompressBlock(bytes.subarray(position, position + size), left, bytesMax);
    parts.push(block);
    left -= block.length;
    position += size;
  }
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
}

function startsWithMagic(bytes: Buffer, position: number): boolean {
  return (
    bytes.length - position >= HEADER.length &&
    bytes.compare(MAGIC, 0, MAGIC.length, position, position + MAGIC.length) === 0
  );
}

/** A raw block says first, as a varint, how large it becomes; the decompressor holds it to that. */
function decompressBlock(block: Buffer, left: number, bytesMax: number): Buffer {
  let size = 0;
  for (let i = 0; ; i++) {
    const byte = block[i];
    if (byte === undefined || i === 5) throw new RangeError('a snappy block without its size');
    size += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) break;
  }
  if (size > left) throw new UncompressedTooLarge('snappy', bytesMax);
  return snappy.uncompressSync(block, { asBuffer: true }) as Buffer;
}
