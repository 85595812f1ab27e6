import { describe, expect, it } from '@jest/globals';
import { NdjsonLines } from './ndjson-lines.ts';

const LINE_BYTES_MAX = 8;

/** Lines as text, by number, of a body that came in pieces of the given size. */
function cut(body: string, pieceBytes: number): (readonly [number, string])[] {
  const lines = new NdjsonLines(LINE_BYTES_MAX);
  const bytes = Buffer.from(body);
  const found: (readonly [number, string])[] = [];
  const take = (line: { number: number } & ({ bytes: Buffer } | { tooLong: true })): void => {
    found.push([line.number, 'bytes' in line ? line.bytes.toString() : 'TOO LONG']);
  };
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    for (const line of lines.push(bytes.subarray(at, at + pieceBytes))) take(line);
  }
  for (const line of lines.end()) take(line);
  return found;
}

describe('NdjsonLines', () => {
  it.each([1, 2, 3, 5, 7, 100])('finds the same lines in pieces of %d bytes', (pieceBytes) => {
    expect(cut('{"a":1}\n\n  \r\n{"b":2}\r\n{}', pieceBytes)).toEqual([
      [1, '{"a":1}'],
      [4, '{"b":2}\r'],
      [5, '{}'],
    ]);
  });

  it.each([1, 3, 100])('takes a line at the bound and passes over one past it, in pieces of %d bytes', (pieceBytes) => {
    expect(cut('12345678\n123456789\n123456789012345678901234567890\nok\n123456789', pieceBytes)).toEqual([
      [1, '12345678'],
      [2, 'TOO LONG'],
      [3, 'TOO LONG'],
      [4, 'ok'],
      [5, 'TOO LONG'],
    ]);
  });

  it('finds nothing in nothing', () => {
    expect(cut('', 1)).toEqual([]);
    expect(cut('\n\n', 1)).toEqual([]);
  });
});
