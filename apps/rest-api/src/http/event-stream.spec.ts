import { once } from 'node:events';
import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { EventStreams } from './event-stream.ts';
import { EVENT_STREAM_HELD_BYTES_MAX, EVENT_STREAMS_MAX } from './http-limits.ts';

/** A client that reads when it is told to. */
class SlowSink extends Writable {
  readonly taken: Buffer[] = [];
  #waiting: (() => void) | undefined;

  constructor() {
    super({ highWaterMark: 10 });
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.taken.push(chunk);
    this.#waiting = done;
  }

  read(): void {
    const done = this.#waiting;
    this.#waiting = undefined;
    done?.();
  }
}

function begin(restMs?: number) {
  const streams = new EventStreams(restMs);
  const sink = new SlowSink();
  const stream = streams.begin(sink);
  const ends: string[] = [];
  stream.onClose((end) => ends.push(end));
  return { streams, sink, stream, ends };
}

describe('EventStream', () => {
  it('says when its client reads slower than it writes, and when it has caught up', async () => {
    const { sink, stream } = begin();
    expect(stream.write(Buffer.from('1234'))).toBe(true);
    await stream.drained();
    expect(stream.write(Buffer.from('567890'))).toBe(false);
    let caughtUp = false;
    const drained = stream.drained().then(() => (caughtUp = true));
    sink.read();
    await new Promise(setImmediate);
    expect(caughtUp).toBe(false);
    sink.read();
    await drained;
    expect(Buffer.concat(sink.taken).toString()).toBe('1234567890');
  });

  it.each([
    ['it ends', 'end'],
    ['the door closes', 'stop'],
  ])('cuts a client that does not read the rest when %s', async (_when, how) => {
    const { streams, sink, stream } = begin(20);
    stream.write(Buffer.from('never taken'));
    if (how === 'end') stream.end();
    else streams.stop();
    expect(sink.destroyed).toBe(false);
    await once(sink, 'close');
    expect(sink.writableFinished).toBe(false);
    expect(streams.size).toBe(0);
  });

  it('lets a client that reads take the rest', async () => {
    const { sink, stream } = begin(1_000);
    stream.write(Buffer.from('taken'));
    stream.end();
    sink.read();
    await once(sink, 'close');
    expect(sink.writableFinished).toBe(true);
  });

  it('cuts a client that lets more wait than is held for it', async () => {
    const { streams, sink, stream, ends } = begin();
    stream.write(Buffer.alloc(EVENT_STREAM_HELD_BYTES_MAX - 1));
    expect(sink.destroyed).toBe(false);
    stream.write(Buffer.alloc(1));
    expect(sink.destroyed).toBe(false);
    expect(stream.write(Buffer.alloc(1))).toBe(false);
    await once(sink, 'close');
    expect({ ends, closed: stream.closed, size: streams.size }).toEqual({ ends: ['gone'], closed: true, size: 0 });
    // Nobody waits for a client that is gone.
    await stream.drained();
    expect(stream.write(Buffer.from('x'))).toBe(false);
  });

  it('takes one frame of any size while nothing waits', () => {
    const { sink, stream } = begin();
    stream.write(Buffer.alloc(EVENT_STREAM_HELD_BYTES_MAX + 1));
    expect(sink.destroyed).toBe(false);
  });

  it('tells once that the client has gone, and lets go of who waits', async () => {
    const { streams, sink, stream, ends } = begin();
    stream.write(Buffer.alloc(100));
    const drained = stream.drained();
    sink.destroy(new Error('reset'));
    await drained;
    stream.end();
    expect({ ends, size: streams.size }).toEqual({ ends: ['gone'], size: 0 });
    const late: string[] = [];
    stream.onClose((end) => late.push(end));
    expect(late).toEqual(['gone']);
  });

  it('is closed from the beginning when the client had gone before', () => {
    const streams = new EventStreams();
    const sink = new SlowSink();
    sink.destroy();
    const stream = streams.begin(sink);
    const ends: string[] = [];
    stream.onClose((end) => ends.push(end));
    expect({ ends, closed: stream.closed, size: streams.size }).toEqual({ ends: ['gone'], closed: true, size: 0 });
  });

  it('ends by itself without telling anybody, after all of it has been read', async () => {
    const { streams, sink, stream, ends } = begin();
    stream.write(Buffer.from('last'));
    stream.end();
    stream.end();
    sink.read();
    await once(sink, 'close');
    expect({ ends, size: streams.size, text: Buffer.concat(sink.taken).toString() }).toEqual({
      ends: [],
      size: 0,
      text: 'last',
    });
  });

  it('may write a last frame when the door closes', async () => {
    const { streams, sink, stream, ends } = begin();
    stream.onClose((end) => {
      ends.push(end);
      stream.write(Buffer.from('bye'));
    });
    streams.stop();
    streams.stop();
    sink.read();
    await once(sink, 'close');
    expect({ ends, text: Buffer.concat(sink.taken).toString() }).toEqual({ ends: ['stopping'], text: 'bye' });
  });

  it('has room for so many, and not for one more', () => {
    const streams = new EventStreams();
    const sinks = Array.from({ length: EVENT_STREAMS_MAX }, () => new SlowSink());
    for (const sink of sinks) {
      expect(streams.hasRoom).toBe(true);
      streams.begin(sink);
    }
    expect(streams.hasRoom).toBe(false);
  });
});
