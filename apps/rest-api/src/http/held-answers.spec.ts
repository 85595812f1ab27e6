import { once } from 'node:events';
import { connect, createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, connect as connectSocket, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@tailrace/testkit';
import { PREFACE, requestFrames, SETTING, settings, windowUpdate } from '../testing/http2-frames.ts';
import { HeldAnswers } from './held-answers.ts';
import { ANSWER_SLICE_BYTES, ANSWERS_HELD_BYTES_MAX } from './http-limits.ts';

const MIB = 1024 * 1024;
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
});

/** A server whose every answer is so large, and a client whose window is small: it takes what it reads, and no more. */
async function served(bytes: number, stallMs?: number) {
  const body = Buffer.alloc(bytes, 'x');
  const sessions: ServerHttp2Session[] = [];
  const sockets = new Map<number | undefined, Socket>();
  const answers = new HeldAnswers(({ socket }) => sockets.get(socket.remotePort)?.destroy(), stallMs);
  const server = createServer();
  server.on('connection', (socket: Socket) => sockets.set(socket.remotePort, socket));
  server.on('session', (session) => sessions.push(session));
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => {});
    if (!answers.take(body.length)) throw new Error('no room');
    stream.respond({ ':status': 200 });
    answers.send(stream, body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect(`http://127.0.0.1:${port}`);
  client.on('error', () => {});
  await eventually(() => expect(sessions.length).toBe(1));
  closing.push(() => server.close(), () => client.destroy(), () => answers.stop()); // prettier-ignore
  return { client, sessions, port, answers };
}

describe('answers that clients take', () => {
  it('arrive whole, and are held no longer', async () => {
    const bytes = 3 * ANSWER_SLICE_BYTES + 5;
    const { client, answers } = await served(bytes);
    const request = client.request();
    let received = 0;
    request.on('data', (chunk: Buffer) => (received += chunk.length));
    await once(request, 'close');
    expect(received).toBe(bytes);
    await eventually(() => expect(answers.heldBytes).toBe(0));
  });

  it('are not ended while they move, however slowly', async () => {
    const bytes = 16 * ANSWER_SLICE_BYTES;
    const { client } = await served(bytes, 1_500);
    const request = client.request();
    let received = 0;
    request.on('data', (chunk: Buffer) => {
      received += chunk.length;
      request.pause();
      setTimeout(() => request.resume(), 6);
    });
    const begin = performance.now();
    await once(request, 'close');
    expect(received).toBe(bytes);
    expect(performance.now() - begin).toBeGreaterThan(1_500);
  });
});

describe('an answer that its client does not take', () => {
  it('is ended when its time is over, and others go on', async () => {
    const { client, sessions, answers } = await served(2 * MIB, 60);
    const left = client.request();
    left.on('error', () => {});
    await once(left, 'response');
    left.pause();
    expect(answers.heldBytes).toBe(2 * MIB);
    await eventually(() => expect(answers.heldBytes).toBe(0));
    expect(sessions[0]?.destroyed).toBe(false);
    const taken = client.request();
    let received = 0;
    taken.on('data', (chunk: Buffer) => (received += chunk.length));
    await once(taken, 'close');
    expect(received).toBe(2 * MIB);
    expect(sessions[0]?.destroyed).toBe(false);
  });

  it('takes the connection with it where nothing is read of that', async () => {
    const { sessions, port, answers } = await served(32 * MIB, 60);
    const socket = connectSocket(port, '127.0.0.1').pause();
    socket.on('error', () => {});
    closing.push(() => socket.destroy());
    // A window for all of it: then it is the socket that is full.
    const get = [[':method', 'GET'], [':scheme', 'http'], [':path', '/'], [':authority', 'a']] as const; // prettier-ignore
    socket.write(
      Buffer.concat([
        PREFACE,
        settings([[SETTING.initialWindowSize, 64 * MIB]]),
        windowUpdate(0, 64 * MIB),
        requestFrames(1, get, Buffer.alloc(0)),
      ]),
    );
    await eventually(() => expect(answers.heldBytes).toBe(32 * MIB));
    await once(sessions[1] as ServerHttp2Session, 'close');
    await eventually(() => expect(answers.heldBytes).toBe(0));
  });
});

describe('the bytes of all answers', () => {
  it('are bounded, and small answers are not counted', () => {
    const answers = new HeldAnswers(() => {});
    expect(answers.take(ANSWERS_HELD_BYTES_MAX)).toBe(true);
    expect([answers.take(64 * 1024), answers.take(64 * 1024 - 1)]).toEqual([false, true]);
    answers.giveBack(64 * 1024 - 1);
    answers.giveBack(ANSWERS_HELD_BYTES_MAX);
    expect([answers.heldBytes, answers.take(64 * 1024)]).toEqual([0, true]);
  });
});
