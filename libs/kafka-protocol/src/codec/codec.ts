import { readerOf } from './compile-reader.ts';
import { writerOf } from './compile-writer.ts';
import { MalformedFrame } from './malformed-frame.ts';
import type { Draft, Message, Of } from './message.ts';
import { Scratch } from './scratch.ts';

const scratch = new Scratch();
const at = { position: 0 };

/**
 * Reads a message of `version` that fills `source` from `position` to its end. Bytes and records are views of `source`.
 * Throws MalformedFrame, also for bytes left over; RangeError for a version that is not declared.
 */
export function decode<M extends Message>(declaration: M, version: number, source: Buffer, position = 0): Of<M> {
  const value = readerOf(declaration, version)(source, position, source.length, at);
  if (at.position !== source.length) {
    throw new MalformedFrame(
      `${declaration.name} v${version}`,
      'end',
      at.position,
      `${source.length - at.position} bytes are left over`,
    );
  }
  return value as Of<M>;
}

/**
 * The bytes of a message, without header and length, as the chunks that make it up when sent one after the other:
 * one, unless it carries more than 4 KiB of records, which are then the caller's own buffers.
 */
export function encode<M extends Message>(declaration: M, version: number, draft: Draft<M>): Buffer[] {
  scratch.begin();
  return scratch.finish(writerOf(declaration, version)(scratch, 0, draft));
}

/** A frame: the length, what `header` puts before the message, and the message. */
export function encodeFrame<M extends Message>(
  declaration: M,
  version: number,
  draft: Draft<M>,
  header: (scratch: Scratch, position: number) => number,
): Buffer[] {
  const writer = writerOf(declaration, version);
  scratch.begin();
  const end = writer(scratch, header(scratch, 4), draft);
  scratch.view.setInt32(0, scratch.totalBytes(end) - 4);
  return scratch.finish(end);
}
