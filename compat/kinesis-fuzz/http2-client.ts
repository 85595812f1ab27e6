import { connect, type Socket } from 'node:net';
import { FLAG, FRAME, frame } from '@tailrace/rest-api/testing';
import { ANSWER_PATIENCE_MS, type FuzzOutcome } from './client.ts';
import type { Conversation } from './http2-conversations.ts';

/** Asked behind everything else: who answers it has read all before. */
const LAST = Buffer.from('the last', 'latin1');
/** What was damaged may swallow the last ping; then the client ends its side, and the connection must end. */
const PING_PATIENCE_MS = 60;
/** Statuses that have a code of their own in HPACK. */
const STATUSES = [200, 204, 206, 304, 400, 404, 500];

/**
 * Says one conversation on a connection of its own. `answered`: the request on stream 1 was, with its status (0 where it
 * cannot be told). `closed`: the service has ended the connection, has said that it does, or has read everything.
 */
export async function converse(port: number, { bytes, whole }: Conversation): Promise<FuzzOutcome> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const said = new Said(socket);
  try {
    socket.write(Buffer.concat([bytes, frame(FRAME.ping, 0, 0, LAST)]));
    const deadline = performance.now() + ANSWER_PATIENCE_MS;
    if (whole) {
      await said.until(() => said.statusCode !== undefined || said.isOver, ANSWER_PATIENCE_MS);
      if (said.statusCode !== undefined) return { kind: 'answered', statusCode: said.statusCode };
      return { kind: said.isOver ? 'closed' : 'hung' };
    }
    await said.until(() => said.ponged || said.isOver, PING_PATIENCE_MS);
    if (!said.ponged && !said.isOver) {
      socket.end();
      await said.until(() => said.isOver, deadline - performance.now());
      if (!said.isOver) return { kind: 'hung' };
    }
    return said.statusCode === undefined ? { kind: 'closed' } : { kind: 'answered', statusCode: said.statusCode };
  } finally {
    socket.destroy();
  }
}

class Said {
  ponged = false;
  /** The connection has ended, or is about to. */
  isOver = false;
  /** Of stream 1, once its answer is whole. */
  statusCode: number | undefined;
  #status: number | undefined;
  #rest: Buffer = Buffer.alloc(0);
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    const over = () => {
      this.isOver = true;
      this.#wake?.();
    };
    socket.on('end', over);
    socket.on('close', over);
    socket.on('error', over);
    socket.on('data', (chunk: Buffer) => {
      this.#hear(Buffer.concat([this.#rest, chunk]));
      this.#wake?.();
    });
  }

  async until(condition: () => boolean, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!condition()) {
      const remainingMs = deadline - performance.now();
      if (remainingMs <= 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, remainingMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  #hear(bytes: Buffer): void {
    let at = 0;
    while (bytes.length - at >= 9) {
      const length = bytes.readUIntBE(at, 3);
      if (bytes.length - at < 9 + length) break;
      const [type, flags] = [bytes[at + 3] as number, bytes[at + 4] as number];
      const streamId = bytes.readUInt32BE(at + 5);
      const payload = bytes.subarray(at + 9, at + 9 + length);
      at += 9 + length;
      if (type === FRAME.goaway) this.isOver = true;
      if (type === FRAME.ping && (flags & FLAG.ack) !== 0 && payload.equals(LAST)) this.ponged = true;
      if (streamId !== 1) continue;
      // Refused before it was looked at.
      if (type === FRAME.rstStream) this.isOver = true;
      if (type === FRAME.headers) this.#status = statusIn(payload);
      const isEnd = type === FRAME.headers || type === FRAME.data;
      if (isEnd && (flags & FLAG.endStream) !== 0) this.statusCode = this.#status ?? 0;
    }
    this.#rest = bytes.subarray(at);
  }
}

/** It comes first. A code of its own, or digits, of which the first one says enough: then whole hundreds. */
function statusIn(bytes: Buffer): number {
  let block = bytes;
  // Behind changes of the size of the table, for which a client may have asked.
  while (((block[0] as number) & 0xe0) === 0x20) {
    let end = 1;
    if (((block[0] as number) & 0x1f) === 0x1f) while (((block[end++] as number) & 0x80) !== 0);
    block = block.subarray(end);
  }
  const first = block[0] as number;
  if (first >= 0x88 && first <= 0x8e) return STATUSES[first - 0x88] as number;
  const begin = block[2] as number;
  const isHuffman = ((block[1] as number) & 0x80) !== 0;
  // In Huffman's code 2 is 00010, and from 3 on digits have six bits: 3 is 011001.
  const digit = !isHuffman ? begin - 0x30 : begin >> 3 === 2 ? 2 : 3 + (begin >> 2) - 0x19;
  return 100 * digit;
}
