import { describe, expect, it } from '@jest/globals';
import { FrameBufferPool } from './frame-buffer-pool.ts';
import { type Frame, FrameReader } from './frame-reader.ts';
import { MemoryBudget } from './memory-budget.ts';
import { UnreadableFrame } from './unreadable-frame.ts';

const FRAME_BYTES_MAX = 1024 * 1024;

function readerWith(budget = new MemoryBudget(4 * FRAME_BYTES_MAX)) {
  return { budget, reader: new FrameReader({ frameBytesMax: FRAME_BYTES_MAX, pool: new FrameBufferPool(), budget }) };
}

function framed(...bodies: Buffer[]): Buffer {
  return Buffer.concat(bodies.flatMap((body) => [prefix(body.length), body]));
}

function prefix(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(length);
  return bytes;
}

function readAll(reader: FrameReader): Frame[] {
  const frames: Frame[] = [];
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(frame);
  return frames;
}

describe('FrameReader', () => {
  it('gives frames that lie whole in a chunk as views of it', () => {
    const { reader } = readerWith();
    const chunk = framed(Buffer.from('one'), Buffer.alloc(0), Buffer.from('three'));
    reader.push(chunk);
    const frames = readAll(reader);
    expect(frames.map(({ bytes }) => bytes.toString())).toEqual(['one', '', 'three']);
    expect(frames[0]?.bytes.buffer).toBe(chunk.buffer);
    expect(reader.midFrame).toBe(false);
  });

  it.each([1, 2, 3, 4, 5, 7, 64, 1000, 65_536])('puts frames together that come in pieces of %i bytes', (size) => {
    const { reader } = readerWith();
    const bodies = [0, 1, 3, 4, 5, 300, 70_000].map((length) => Buffer.alloc(length, length & 0xff));
    const stream = framed(...bodies);
    const read: Buffer[] = [];
    for (let at = 0; at < stream.length; at += size) {
      reader.push(stream.subarray(at, at + size));
      for (const { bytes } of readAll(reader)) read.push(Buffer.from(bytes));
    }
    expect(read.map((bytes, i) => bytes.equals(bodies[i] as Buffer))).toEqual(bodies.map(() => true));
  });

  it.each([
    [
      'one byte more than the bound',
      prefix(FRAME_BYTES_MAX + 1),
      `a frame announces ${FRAME_BYTES_MAX + 1} bytes, at most ${FRAME_BYTES_MAX} are taken`,
    ],
    ['a negative length', prefix(-1), 'a frame announces a negative length (-1 bytes)'],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'an HTTP request came to the Kafka port'],
    ['HTTP/2', Buffer.from('PRI * HTTP/2.0\r\n\r\n'), 'an HTTP request came to the Kafka port'],
    ['TLS', Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]), 'a TLS handshake came to a plaintext Kafka port'],
  ])('refuses %s before it takes memory', (_, bytes, reason) => {
    const { reader, budget } = readerWith();
    reader.push(bytes);
    expect(() => reader.next()).toThrow(new UnreadableFrame(reason));
    expect(budget.usedBytes).toBe(0);
  });

  it('takes a frame at the bound', () => {
    const { reader } = readerWith();
    reader.push(prefix(FRAME_BYTES_MAX));
    expect(reader.next()).toBeUndefined();
    reader.push(Buffer.alloc(FRAME_BYTES_MAX));
    expect(reader.next()?.bytes.length).toBe(FRAME_BYTES_MAX);
  });

  it('waits for memory, and goes on where it stopped', () => {
    const { reader, budget } = readerWith(new MemoryBudget(10));
    reader.push(framed(Buffer.alloc(8), Buffer.alloc(3)));
    expect(reader.next()?.bytes.length).toBe(8);
    expect([reader.next(), reader.starved]).toEqual([undefined, true]);
    budget.giveBack(8);
    expect(reader.next()?.bytes.length).toBe(3);
  });

  it('gives back what an unfinished frame has taken', () => {
    const { reader, budget } = readerWith();
    reader.push(framed(Buffer.alloc(100_000)).subarray(0, 50_000));
    expect([reader.next(), reader.midFrame, budget.usedBytes]).toEqual([undefined, true, 100_000]);
    reader.abandon();
    expect(budget.usedBytes).toBe(0);
  });
});

describe('FrameBufferPool', () => {
  it('gives large buffers out again, and keeps no more than its bound', () => {
    const pool = new FrameBufferPool();
    const first = pool.take(1_000_000);
    pool.give(first);
    expect(pool.take(900_000)).toBe(first);
    const many = Array.from({ length: 10 }, () => pool.take(16 * 1024 * 1024));
    for (const buffer of many) pool.give(buffer);
    const again = Array.from({ length: 10 }, () => pool.take(16 * 1024 * 1024));
    expect(again.filter((buffer) => many.includes(buffer)).length).toBe(4);
  });
});
