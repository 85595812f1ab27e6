import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { eventually } from '@tailrace/testkit';
import { BodyBudget } from './body-budget.ts';
import { HeldAnswers } from './held-answers.ts';
import { EventStreams } from './event-stream.ts';
import type { Exchange } from './exchange.ts';
import { PlainConnection, type PlainDoor } from './plain-connection.ts';

const request = (body: string, extra = ''): string =>
  `POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: T\r\n${extra}Content-Length: ${body.length}\r\n\r\n${body}`;

/** Answers with what it was asked, when the spec lets it. */
class EchoingDoor implements PlainDoor {
  closing = false;
  readonly eventStreams = new EventStreams();
  readonly answers = new HeldAnswers(() => {});
  readonly budget = new BodyBudget();
  readonly asked: string[] = [];
  readonly handedOver: { readonly socket: Socket; text: string }[] = [];
  hold: Promise<void> | undefined;
  answer = (body: string): string => `<${body}>`;

  answersAtOnce(target: string | undefined): boolean {
    return target === 'T';
  }

  async answerPlain(exchange: Exchange, body: Buffer): Promise<void> {
    this.asked.push(body.toString());
    await this.hold;
    exchange.respond({ statusCode: 200, contentType: 'text/plain', body: this.answer(body.toString()) });
  }

  speakHttp1(socket: Socket): void {
    const taken = { socket, text: '' };
    socket.on('data', (chunk: Buffer) => (taken.text += chunk.toString('latin1')));
    this.handedOver.push(taken);
  }
}

describe('PlainConnection', () => {
  let door: EchoingDoor;
  let server: Server;
  let client: Socket;
  let accepted: PlainConnection;
  let received: string;
  const timeouts = { idleMs: 5_000, restOfBodyMs: 500 };

  beforeEach(async () => {
    door = new EchoingDoor();
    server = createServer({ allowHalfOpen: true }, (socket) => {
      accepted = new PlainConnection(socket, door, timeouts);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
    await Promise.all([once(client, 'connect'), once(server, 'connection')]);
    received = '';
    client.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
    client.on('error', () => {});
  });
  afterEach(async () => {
    client.destroy();
    for (const { socket } of door.handedOver) socket.destroy();
    const closed = once(server, 'close');
    server.close();
    await closed;
    expect(door.budget.heldBytes).toBe(0);
  });

  const answers = (): string[] => received.match(/<[^>]*>/g) ?? [];

  it('answers one request after the other, also when they were sent ahead', async () => {
    client.write(request('one') + request('two') + request('') + request('three').slice(0, 20));
    await eventually(() => expect(answers()).toEqual(['<one>', '<two>', '<>']));
    // A head that is cut goes to the other reader, from its first byte.
    await eventually(() => expect(door.handedOver[0]?.text).toBe(request('three').slice(0, 20)));
    client.write(request('three').slice(20));
    await eventually(() => expect(door.handedOver[0]?.text).toBe(request('three')));
  });

  it('waits for the rest of a body', async () => {
    client.write(request('abcdef').slice(0, -4));
    await eventually(() => expect(door.budget.heldBytes).toBeGreaterThan(0));
    client.write('cd');
    client.write(`ef${request('next')}`);
    await eventually(() => expect(answers()).toEqual(['<abcdef>', '<next>']));
    expect(door.handedOver).toEqual([]);
  });

  it('leaves a body that is slow to the other reader, every byte of the request', async () => {
    client.write(request('abcdef').slice(0, -4));
    await eventually(() => expect(door.budget.heldBytes).toBeGreaterThan(0));
    client.write('c');
    await eventually(() => expect(door.handedOver[0]?.text).toBe(request('abcdef').slice(0, -3)));
    client.write('def');
    await eventually(() => expect(door.handedOver[0]?.text).toBe(request('abcdef')));
    expect(door.asked).toEqual([]);
  });

  it('hands over what it does not read, after the answers to what came before', async () => {
    const unusual = request('chunked', 'Transfer-Encoding: chunked\r\n');
    client.write(request('one') + unusual);
    await eventually(() => expect(door.handedOver[0]?.text).toBe(unusual));
    expect(answers()).toEqual(['<one>']);
    // Nothing of the first reader is left on the socket: closing does not touch it.
    accepted.close();
    expect(door.handedOver[0]?.socket.destroyed).toBe(false);
  });

  it('hands over an operation that does not answer at once', async () => {
    const other = request('x').replace('Target: T', 'Target: U');
    client.write(other);
    await eventually(() => expect(door.handedOver[0]?.text).toBe(other));
  });

  it('hands over what there is no room for', async () => {
    const room = 2 ** 29 - 1;
    expect(door.budget.take(room)).toBe(true);
    client.write(request('too much'));
    await eventually(() => expect(door.handedOver[0]?.text).toBe(request('too much')));
    door.budget.giveBack(room);
  });

  it('answers a client that has closed its half, then closes', async () => {
    let release = (): void => {};
    door.hold = new Promise((resolve) => (release = resolve));
    client.write(request('one') + request('two'));
    client.end();
    await eventually(() => expect(door.asked).toEqual(['one']));
    const ended = once(client, 'end');
    release();
    await ended;
    expect(answers()).toEqual(['<one>', '<two>']);
  });

  it('closes after a half that ended in the middle of a body', async () => {
    const ended = once(client, 'end');
    client.end(request('abc').slice(0, -1));
    await ended;
    expect(door.asked).toEqual([]);
  });

  it('takes no further request while a client does not read its answers', async () => {
    const requests = 200;
    door.answer = (body) => `<${body}${'.'.repeat(1 << 20)}>`;
    client.pause();
    client.write(Array.from({ length: requests }, (_, i) => request(String(i))).join(''));
    // Until the buffers of both sides are full.
    let before = -1;
    await eventually(() => {
      const now = door.asked.length;
      const still = now === before && now > 0;
      before = now;
      expect(still).toBe(true);
    });
    expect(door.asked.length).toBeLessThan(requests / 2);
    client.resume();
    // 200 MiB, all looked through at each try.
    await eventually(() => expect(answers()).toHaveLength(requests), { timeoutMs: 25_000, intervalMs: 500 });
    expect(door.asked).toEqual(Array.from({ length: requests }, (_, i) => String(i)));
  }, 40_000);

  it('closes at once when nothing is under way, else behind the answer', async () => {
    let release = (): void => {};
    door.hold = new Promise((resolve) => (release = resolve));
    client.write(request('one'));
    await eventually(() => expect(door.asked).toEqual(['one']));
    door.closing = true;
    accepted.close();
    const ended = once(client, 'end');
    const began = performance.now();
    release();
    await ended;
    // Not only when it has been idle for long enough.
    expect(performance.now() - began).toBeLessThan(timeouts.idleMs / 2);
    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\nConnection: close\r\n\r\n<one>$/);
  });

  it('closes an idle one', async () => {
    const closed = once(client, 'close');
    client.on('end', () => client.end());
    accepted.close();
    await closed;
    expect(received).toBe('');
  });

  it('survives a client that leaves while it is answered', async () => {
    let release = (): void => {};
    door.hold = new Promise((resolve) => (release = resolve));
    client.write(request('one') + request('two'));
    await eventually(() => expect(door.asked).toEqual(['one']));
    client.resetAndDestroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    release();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(door.asked).toEqual(['one']);
  });
});
