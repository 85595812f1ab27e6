import { describe, expect, it } from '@jest/globals';
import { HEADER_BYTES_MAX } from './http-limits.ts';
import { readPlainHead } from './plain-head.ts';

const lines = ['Host: 127.0.0.1:4567', 'X-Amz-Target: Kinesis_20131202.PutRecord', 'Content-Length: 12'];

function head(extra: readonly string[] = [], { first = 'POST / HTTP/1.1', ending = '\r\n', base = lines } = {}) {
  return readPlainHead(Buffer.from([first, ...base, ...extra, '', ''].join(ending), 'latin1'));
}

describe('readPlainHead', () => {
  it('reads names, values and where the body is', () => {
    const bytes = Buffer.from(['POST / HTTP/1.1', ...lines, '', '{"a":1}'].join('\r\n'));
    expect(readPlainHead(bytes)).toEqual({
      headers: { host: '127.0.0.1:4567', 'x-amz-target': 'Kinesis_20131202.PutRecord', 'content-length': '12' },
      rawHeaders: ['Host', '127.0.0.1:4567', 'X-Amz-Target', 'Kinesis_20131202.PutRecord', 'Content-Length', '12'],
      bodyStart: bytes.indexOf('{'),
      bodyBytes: 12,
    });
  });

  it.each([
    ['spaces before a value are not of it', 'X-A:   b c', 'b c'],
    ['a value may be empty', 'X-A:', ''],
    ['a value may have colons', 'X-A: b:c: d', 'b:c: d'],
  ])('%s', (_what, line, value) => {
    expect(head([line])?.headers['x-a']).toBe(value);
  });

  it('has done with a head full of spaces at once', () => {
    const started = performance.now();
    for (let i = 0; i < 20; i++) expect(head([`X-A:${' '.repeat(HEADER_BYTES_MAX - 200)}\x01`])).toBeUndefined();
    // Trying every way to share the spaces between the line's parts took half a second each.
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it('takes a connection that stays open, in any case', () => {
    expect(head(['Connection: Keep-Alive'])).toBeDefined();
  });

  it.each([
    ['another method', { first: 'PUT / HTTP/1.1' }],
    ['another path', { first: 'POST /v1/streams HTTP/1.1' }],
    ['another version', { first: 'POST / HTTP/1.0' }],
    ['bare line feeds', { ending: '\n' }],
    ['no host', { base: lines.slice(1) }],
    ['no length', { base: lines.slice(0, 2) }],
  ])('leaves %s to the reader of all of HTTP/1', (_what, options) => {
    expect(head([], options)).toBeUndefined();
  });

  it.each([
    'Content-Length: 12',
    'content-length: 13',
    'Transfer-Encoding: chunked',
    'Expect: 100-continue',
    'Connection: close',
    'Connection: keep-alive, Upgrade',
    'Upgrade: h2c',
    'TE: trailers',
    'Host: another',
    ' folded',
    'No-Colon',
    'Space-Before : b',
    'Under_Score: b',
    ': no name',
    'X-A: b\rc',
    'X-A: b\nX-B: c',
    'X-A: b\0',
    'X-A: \xe9',
    'X-A: b\tc',
    'X-A: b ',
    'X-A:\tb',
    'constructor: b',
  ])('leaves %j to the reader of all of HTTP/1', (line) => {
    expect(head()).toBeDefined();
    expect(head([line])).toBeUndefined();
  });

  it.each(['', '-1', '+1', '1.0', '0x10', '01', '1 2', '1,1', '12345678901'])(
    'leaves a length of %j to it',
    (length) => {
      expect(head([], { base: [...lines.slice(0, 2), `Content-Length: ${length}`] })).toBeUndefined();
    },
  );

  it('leaves a head that is not all there, wherever it is cut', () => {
    const text = ['POST / HTTP/1.1', ...lines, '', ''].join('\r\n');
    for (let end = 0; end < text.length; end++) {
      expect(readPlainHead(Buffer.from(text.slice(0, end), 'latin1'))).toBeUndefined();
    }
  });

  it('leaves a head above the bound', () => {
    const room = HEADER_BYTES_MAX - ['POST / HTTP/1.1', ...lines, 'X-A: '].join('\r\n').length;
    expect(head([`X-A: ${'b'.repeat(room)}`])).toBeDefined();
    expect(head([`X-A: ${'b'.repeat(room + 1)}`])).toBeUndefined();
  });
});
