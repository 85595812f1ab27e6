import { crc32 } from 'node:zlib';

/**
 * Frames of `application/vnd.amazon.eventstream`. All numbers are big-endian:
 *
 *     4 bytes   length of the whole frame
 *     4 bytes   length of the headers
 *     4 bytes   CRC-32 of the eight bytes before
 *     headers   1 byte length of the name, the name, 1 byte type (7: text), 2 bytes length of the value, the value
 *     payload
 *     4 bytes   CRC-32 of everything before
 *
 * https://smithy.io/2.0/aws/amazon-eventstream.html
 */
const PRELUDE_BYTES = 12;
const CHECKSUM_BYTES = 4;
const TEXT = 7;

/** What lies around headers and payload. */
export const FRAME_OVERHEAD_BYTES = PRELUDE_BYTES + CHECKSUM_BYTES;

/** The headers of a frame, encoded once for all frames that have them. Names and values are ASCII. */
export function encodeHeaders(headers: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(
    Object.entries(headers).map(([name, value]) => {
      const header = Buffer.allocUnsafe(1 + name.length + 3 + value.length);
      let position = header.writeUInt8(name.length, 0);
      position += header.write(name, position, 'latin1');
      position = header.writeUInt8(TEXT, position);
      position = header.writeUInt16BE(value.length, position);
      header.write(value, position, 'latin1');
      return header;
    }),
  );
}

/** Puts a frame together. Text is UTF-8. */
export function encodeFrame(headers: Buffer, payload: Buffer | string): Buffer {
  const payloadBytes = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length;
  const size = FRAME_OVERHEAD_BYTES + headers.length + payloadBytes;
  const frame = Buffer.allocUnsafe(size);
  frame.writeUInt32BE(size, 0);
  frame.writeUInt32BE(headers.length, 4);
  frame.writeUInt32BE(crc32(frame.subarray(0, 8)), 8);
  headers.copy(frame, PRELUDE_BYTES);
  const payloadStart = PRELUDE_BYTES + headers.length;
  if (typeof payload === 'string') frame.write(payload, payloadStart, 'utf8');
  else payload.copy(frame, payloadStart);
  const end = size - CHECKSUM_BYTES;
  frame.writeUInt32BE(crc32(frame.subarray(0, end)), end);
  return frame;
}
