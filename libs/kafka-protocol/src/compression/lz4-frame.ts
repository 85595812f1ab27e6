import { UncompressedTooLarge } from './errors.ts';

/**
 * How many bytes an LZ4 frame decompresses to, found by walking through its sequences without copying anything. The
 * native decompressor knows no limit, and 1 MiB may stand for 255; what passes here is safe to give to it.
 * https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 *
 * Throws RangeError for a frame that is no frame or is cut short, UncompressedTooLarge above `bytesMax`.
 * Checksums are left to the decompressor. Bytes behind the frame are refused.
 */
export function lz4FrameBytes(frame: Buffer, bytesMax: number): number {
  if (frame.length < 7 || frame.readUInt32LE(0) !== FRAME_MAGIC) throw new RangeError('no LZ4 frame');
  const flags = frame[4] as number;
  if (flags >> 6 !== 1) throw new RangeError(`LZ4 frame version ${flags >> 6}`);
  if ((flags & FLAG.dictionary) !== 0) throw new RangeError('an LZ4 frame with a dictionary');
  const blockTrailer = (flags & FLAG.blockChecksum) !== 0 ? 4 : 0;
  let position = 7 + ((flags & FLAG.contentSize) !== 0 ? 8 : 0);
  let total = 0;
  for (;;) {
    if (position + 4 > frame.length) throw new RangeError('an LZ4 frame without an end');
    const word = frame.readUInt32LE(position);
    position += 4;
    if (word === END_MARK) break;
    const size = word & 0x7fff_ffff;
    const end = position + size;
    if (end + blockTrailer > frame.length)
      throw new RangeError(`an LZ4 block of ${size} bytes, ${frame.length - position} are left`);
    total += word >>> 31 === 1 ? size : blockBytes(frame, position, end, bytesMax - total);
    if (total > bytesMax) throw new UncompressedTooLarge('lz4', bytesMax);
    position = end + blockTrailer;
  }
  if ((flags & FLAG.contentChecksum) !== 0) position += 4;
  if (position !== frame.length) throw new RangeError(`${frame.length - position} bytes behind the LZ4 frame`);
  return total;
}

const FRAME_MAGIC = 0x184d2204;
const END_MARK = 0;
const FLAG = { dictionary: 0x01, contentChecksum: 0x04, contentSize: 0x08, blockChecksum: 0x10 } as const;

/** A match is never shorter; its length counts from here. */
const MATCH_BYTES_MIN = 4;

/** Output bytes of one compressed block; stops as soon as there are more than `bytesMax`. */
function blockBytes(frame: Buffer, start: number, end: number, bytesMax: number): number {
  let position = start;
  let total = 0;
  while (position < end && total <= bytesMax) {
    const token = frame[position++] as number;
    let literals = token >> 4;
    if (literals === 15) {
      let byte = 255;
      while (byte === 255 && position < end) {
        byte = frame[position++] as number;
        literals += byte;
      }
    }
    position += literals;
    total += literals;
    // The last sequence of a block is literals alone.
    if (position >= end) break;
    position += 2;
    let match = token & 15;
    if (match === 15) {
      let byte = 255;
      while (byte === 255 && position < end) {
        byte = frame[position++] as number;
        match += byte;
      }
    }
    total += match + MATCH_BYTES_MIN;
  }
  if (position > end) throw new RangeError('an LZ4 sequence that leaves its block');
  return total;
}
