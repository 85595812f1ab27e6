import { describe, expect, it } from '@jest/globals';
import { EventStreamCodec } from '@smithy/core/event-streams';
import { encodeFrame, encodeHeaders } from './event-frame.ts';

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
  (text) => Buffer.from(text, 'utf8'),
);
const text = (value: string) => ({ type: 'string', value });

describe('a frame of an event stream', () => {
  it('has the bytes of the format description: lengths, CRC-32 of the prelude, headers, payload, CRC-32', () => {
    // The vectors of the AWS client libraries for an empty message, and one with a payload and no headers.
    expect(encodeFrame(Buffer.alloc(0), '').toString('hex')).toBe('000000100000000005c248eb7d98c8ff');
    expect(encodeFrame(Buffer.alloc(0), "{'foo':'bar'}").toString('hex')).toBe(
      '0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936',
    );
  });

  it('has headers as names and texts with their lengths', () => {
    // `content-type: application/json`, from the same vectors.
    expect(encodeFrame(encodeHeaders({ 'content-type': 'application/json' }), "{'foo':'bar'}").toString('hex')).toBe(
      '0000003d0000002007fd8396' +
        '0c636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e' +
        '7b27666f6f273a27626172277d8d9c08b1',
    );
  });

  it.each([
    ['no payload', Buffer.alloc(0)],
    ['text', 'grüße ✓'],
    ['bytes', Buffer.from(Array.from({ length: 256 }, (_, i) => i))],
    ['a mebibyte', Buffer.alloc(1024 * 1024, 7)],
  ])("is read by the client library's codec: %s", (_name, payload) => {
    const frame = encodeFrame(encodeHeaders({ ':message-type': 'event', ':event-type': 'SomeEvent' }), payload);
    const { headers, body } = codec.decode(frame);
    expect(headers).toEqual({ ':message-type': text('event'), ':event-type': text('SomeEvent') });
    expect(Buffer.from(body)).toEqual(Buffer.from(payload));
  });

  it('is refused by that codec with any one bit changed', () => {
    const frame = encodeFrame(encodeHeaders({ ':event-type': 'SomeEvent' }), '{"a":1}');
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const damaged = Buffer.from(frame);
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(() => codec.decode(damaged)).toThrow();
    }
  });
});
