/**
 * How many bytes a second one door moves, by raw frames: batches of 1 KiB records with acks=all in, and out again by Fetch.
 *
 *   node apps/kafka-bridge/bench/produce-fetch.bench.ts <host:port> [batchKiB=1024] [seconds=4] [connections=1]
 *
 * The door runs in another process, so that each has a core; the client does as little as it can: it sends one frame
 * again and again and looks at nothing but lengths and error codes.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  createTopicsApi,
  decodeResponse,
  encodeBatch,
  encodeRequest,
  fetchApi,
  metadataApi,
  produceApi,
  ZERO_UUID,
} from '@tailrace/kafka-protocol';

const RECORD_BYTES = 1024;
const IN_FLIGHT = 5;
const TOPIC = `bench-${process.pid}`;
const FETCH_PARTITION_BYTES_MAX = 16 * 1024 * 1024;

const [address = '127.0.0.1:9092', batchKiB = '1024', seconds = '4', connections = '1'] = process.argv.slice(2);
const [host, port] = address.split(':') as [string, string];
const batchBytes = Number(batchKiB) * 1024;
const durationMs = Number(seconds) * 1000;

/** One connection, one request after the other or some in flight; answers come back in order. */
class Client {
  readonly #socket: Socket;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #waiting: ((frame: Buffer) => void)[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('close', () => {
      if (this.#waiting.length > 0) throw new Error('the door closed the connection');
    });
  }

  static async open(): Promise<Client> {
    const socket = connect({ host, port: Number(port) });
    await once(socket, 'connect');
    return new Client(socket);
  }

  send(chunks: readonly Buffer[]): Promise<Buffer> {
    for (const chunk of chunks) this.#socket.write(chunk);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    for (;;) {
      let first = this.#chunks[0];
      if (first === undefined || this.#bytes < 4) return;
      if (first.length < 4) {
        first = Buffer.concat(this.#chunks);
        this.#chunks = [first];
      }
      const total = 4 + first.readInt32BE(0);
      if (this.#bytes < total) return;
      // Only the head is looked at; large answers are not put together.
      const head = first.subarray(4, Math.min(total, first.length));
      let left = total;
      while (left > 0) {
        const next = this.#chunks[0] as Buffer;
        if (next.length <= left) this.#chunks.shift();
        else this.#chunks[0] = next.subarray(left);
        left -= Math.min(left, next.length);
      }
      this.#bytes -= total;
      this.#waiting.shift()?.(Object.assign(head, { total }));
    }
  }
}

function report(what: string, bytes: number, ms: number, operations: number): void {
  const rate = (bytes / 1e6 / (ms / 1000)).toFixed(0);
  console.log(`${what}: ${rate} MB/s, ${(operations / (ms / 1000)).toFixed(0)} requests/s`);
}

const recordsPerBatch = Math.max(1, Math.floor(batchBytes / RECORD_BYTES));
const value = Buffer.alloc(Math.min(RECORD_BYTES, batchBytes) - 20, 'x');
const timestampMs = Date.now();
const batch = encodeBatch(Array.from({ length: recordsPerBatch }, () => ({ key: null, value, timestampMs })));

const PRODUCE_VERSION = 11;
const FETCH_VERSION = 12;

async function createTopic(): Promise<void> {
  const client = await Client.open();
  const topic = {
    name: TOPIC,
    numPartitions: Number(connections),
    replicationFactor: -1,
    assignments: [],
    configs: [],
  };
  await client.send(
    encodeRequest(
      createTopicsApi.request,
      7,
      { correlationId: 1, clientId: 'bench' },
      { topics: [topic], timeoutMs: 5000 },
    ),
  );
  await client.send(
    encodeRequest(
      metadataApi.request,
      12,
      { correlationId: 2, clientId: 'bench' },
      { topics: [{ name: TOPIC, topicId: ZERO_UUID }] },
    ),
  );
  client.close();
}

async function produce(partition: number, until: number): Promise<number> {
  const client = await Client.open();
  const topicData = [{ name: TOPIC, partitionData: [{ index: partition, records: batch }] }];
  const frame = Buffer.concat(
    encodeRequest(
      produceApi.request,
      PRODUCE_VERSION,
      { correlationId: 7, clientId: 'bench' },
      { acks: -1, timeoutMs: 30_000, topicData },
    ),
  );
  let sent = 0;
  const loop = async () => {
    while (performance.now() < until) {
      const answer = await client.send([frame]);
      const { body } = decodeResponse(produceApi.response, PRODUCE_VERSION, answer);
      const { errorCode } = body.responses[0]?.partitionResponses[0] ?? { errorCode: -1 };
      if (errorCode !== 0) throw new Error(`produce answered ${errorCode}`);
      sent += 1;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, loop));
  client.close();
  return sent;
}

/** Reads the log from its beginning, again and again: every Fetch asks for the next 16 MiB. */
async function fetch(partition: number, batches: number, until: number): Promise<{ bytes: number; requests: number }> {
  const client = await Client.open();
  let bytes = 0;
  let requests = 0;
  const perFetch = Math.max(1, Math.floor(FETCH_PARTITION_BYTES_MAX / batch.length));
  for (let at = 0; performance.now() < until; at = at + perFetch >= batches ? 0 : at + perFetch) {
    const fetchOffset = BigInt(at * recordsPerBatch);
    const partitions = [{ partition, fetchOffset, partitionMaxBytes: FETCH_PARTITION_BYTES_MAX }];
    const answer = await client.send(
      encodeRequest(fetchApi.request, FETCH_VERSION, { correlationId: 9, clientId: 'bench' }, {
        maxWaitMs: 500, minBytes: 1, maxBytes: FETCH_PARTITION_BYTES_MAX, topics: [{ topic: TOPIC, partitions }],
      }),
    ); // prettier-ignore
    const { total } = answer as Buffer & { total: number };
    if (total < batch.length) throw new Error(`fetch at ${fetchOffset} answered ${total} bytes`);
    bytes += total;
    requests += 1;
  }
  client.close();
  return { bytes, requests };
}

await createTopic();
const partitions = Array.from({ length: Number(connections) }, (_, i) => i);
let started = performance.now();
const sent = await Promise.all(partitions.map((partition) => produce(partition, started + durationMs)));
const total = sent.reduce((sum, count) => sum + count, 0);
report(`produce ${batchKiB} KiB x ${connections}`, total * batch.length, performance.now() - started, total);
started = performance.now();
const read = await Promise.all(
  partitions.map((partition, i) => fetch(partition, sent[i] as number, started + durationMs)),
);
const bytes = read.reduce((sum, one) => sum + one.bytes, 0);
const requests = read.reduce((sum, one) => sum + one.requests, 0);
report(`fetch ${batchKiB} KiB x ${connections}`, bytes, performance.now() - started, requests);
process.exit(0);
