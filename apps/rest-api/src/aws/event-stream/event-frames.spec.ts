import { describe, expect, it } from '@jest/globals';
import { EventStreamCodec } from '@smithy/core/event-streams';
import { cborCodec } from '../wire/cbor-codec.ts';
import { jsonCodec } from '../wire/json-codec.ts';
import { EventFrames } from './event-frames.ts';

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
  (text) => Buffer.from(text, 'utf8'),
);

function read(frame: Buffer): { headers: Record<string, unknown>; body: Buffer } {
  const { headers, body } = codec.decode(frame);
  const values = Object.entries(headers).map(([name, { value }]) => [name, value] as const);
  return { headers: Object.fromEntries(values), body: Buffer.from(body) };
}

describe('the frames of a stream of events', () => {
  it('begin with an initial response that says nothing', () => {
    const { headers, body } = read(new EventFrames(jsonCodec, 'SomeEvent').initialResponse());
    expect(headers).toEqual({
      ':message-type': 'event',
      ':event-type': 'initial-response',
      ':content-type': 'application/x-amz-json-1.1',
    });
    expect(body.toString()).toBe('{}');
  });

  it('name the event and the form of its contents', () => {
    const { headers, body } = read(new EventFrames(cborCodec, 'SomeEvent').event(cborCodec.encode({ A: 'b' })));
    expect(headers).toEqual({
      ':message-type': 'event',
      ':event-type': 'SomeEvent',
      ':content-type': 'application/x-amz-cbor-1.1',
    });
    expect(cborCodec.decode(body)).toEqual({ A: 'b' });
  });

  it('end with an exception, with text outside ASCII whole', () => {
    const frames = new EventFrames(jsonCodec, 'SomeEvent');
    const { headers, body } = read(frames.exception({ type: 'ResourceInUseException', message: 'belegt: größer' }));
    expect(headers).toEqual({
      ':message-type': 'exception',
      ':exception-type': 'ResourceInUseException',
      ':content-type': 'application/x-amz-json-1.1',
    });
    expect(JSON.parse(body.toString())).toEqual({ message: 'belegt: größer' });
  });
});
