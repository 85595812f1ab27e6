import type { RecordsGiven } from './field.ts';

/** Up to here record batches are copied into the frame; above, the frame is sent in pieces that refer to them. */
export const COPIED_RECORDS_BYTES_MAX = 4096;

const FIRST_BYTES = 16 * 1024;

/** A scratch that grew beyond this for one large message is not kept. */
const KEPT_BYTES_MAX = 1024 * 1024;

/**
 * Where a message is built before its size is known. One scratch serves every message of the process: writing is
 * synchronous, and what is finished is copied out before anybody else can run.
 *
 * Record batches do not pass through it: they are noted as pieces, with the place where they belong.
 */
export class Scratch {
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  view: DataView = viewOf(this.bytes);
  #cuts: number[] = [];
  #pieces: Buffer[] = [];
  #piecesBytes = 0;

  /** Forget what a message that failed half way has left. */
  begin(): void {
    if (this.#cuts.length > 0) {
      this.#cuts = [];
      this.#pieces = [];
      this.#piecesBytes = 0;
    }
  }

  /** Make room for `size` more bytes behind the first `position`, which are kept. */
  grow(position: number, size: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, position + size));
    this.bytes.copy(larger, 0, 0, position);
    this.bytes = larger;
    this.view = viewOf(larger);
  }

  /** Put record batches at `position`, by copy or by reference; returns the position behind them in the scratch. */
  putRecords(position: number, records: RecordsGiven): number {
    if (!Array.isArray(records)) return this.#putPiece(position, records as Buffer);
    for (const piece of records as readonly Buffer[]) position = this.#putPiece(position, piece);
    return position;
  }

  #putPiece(position: number, piece: Buffer): number {
    if (piece.length > COPIED_RECORDS_BYTES_MAX) {
      this.#cuts.push(position);
      this.#pieces.push(piece);
      this.#piecesBytes += piece.length;
      return position;
    }
    if (position + piece.length > this.bytes.length) this.grow(position, piece.length);
    this.bytes.set(piece, position);
    return position + piece.length;
  }

  /** Bytes that the message has, when the scratch is filled up to `position`. */
  totalBytes(position: number): number {
    return position + this.#piecesBytes;
  }

  /** The finished message in one copy: the pieces in the order in which they are to be sent. */
  finish(position: number): Buffer[] {
    const copied = Buffer.allocUnsafe(position);
    this.bytes.copy(copied, 0, 0, position);
    if (this.bytes.length > KEPT_BYTES_MAX) {
      this.bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
      this.view = viewOf(this.bytes);
    }
    const cuts = this.#cuts;
    if (cuts.length === 0) return [copied];
    const chunks: Buffer[] = [];
    let from = 0;
    for (let i = 0; i < cuts.length; i++) {
      const cut = cuts[i] as number;
      if (cut > from) chunks.push(copied.subarray(from, cut));
      chunks.push(this.#pieces[i] as Buffer);
      from = cut;
    }
    if (from < position) chunks.push(copied.subarray(from));
    this.begin();
    return chunks;
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Total bytes of `records`. */
export function recordsBytes(records: RecordsGiven): number {
  if (!Array.isArray(records)) return (records as Buffer).length;
  let sum = 0;
  for (const piece of records as readonly Buffer[]) sum += piece.length;
  return sum;
}
