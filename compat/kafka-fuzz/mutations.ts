import {
  apis,
  apisByKey,
  decodeResponse,
  MalformedFrame,
  readRequestBody,
  readRequestHeader,
  type RequestHeader,
} from '@tailrace/kafka-protocol';
import { generateValue, type Random } from '@tailrace/kafka-protocol/testing';
import { bomb, oddBatch } from './batches.ts';
import { encoded, framed, type KnownFrame } from './frames.ts';

/** Bytes to send, and what is to come of them. */
export interface FuzzFrame {
  readonly kind: string;
  readonly bytes: Buffer;
  readonly correlationId: number;
  /**
   * `answer`: the request can be read, and has to be answered. `end`: it cannot be read, and the connection has to end.
   * `anything`: an answer, none, or the end of the connection.
   */
  readonly expect: 'answer' | 'end' | 'anything';
  /** The bytes are out of step with their lengths: nothing may follow, and the client ends its side. */
  readonly endsStream: boolean;
  /** The request may wait for what other clients do. */
  readonly waits: boolean;
  /** Looks at the answer, and says what is wrong with it. */
  readonly check?: ((answer: Buffer) => string | undefined) | undefined;
}

/** How long requests may ask the service to let them wait. */
const WAIT_MS_MAX = 20;
/** Kafka's shortest session: members that nobody hears of any more are gone after it. */
const SESSION_MS = 6_000;
const KEY = {
  produce: 0,
  fetch: 1,
  joinGroup: 11,
  syncGroup: 14,
  saslHandshake: 17,
  saslAuthenticate: 36,
  apiVersions: 18,
  alterClientQuotas: 49,
};
/** Of all mutations, one in so many leaves the stream itself out of step. */
const OUT_OF_STEP_IN = 66;
/** Odd batches are made anew for one in so many of the requests that carry one, and kept for others: compressing takes longest. */
const BATCH_RENEWED_IN = 8;
const BATCHES_KEPT = 1_024;
/** Changes of members that cannot be written are given up after so many, and it becomes a change of bytes. */
const MEMBER_TRIES = 4;
/** Answers looked at byte by byte: one in so many. */
const CHECKED_IN = 16;
const ARRAY_ELEMENTS_MAX = 300;
/** Arrays in repeated arrays grow beyond what a frame may have; what is too long is sent by its length alone (`out of step`). */
const FRAME_BYTES_MAX = 512 * 1024;

const ODD_INT32S = [0, 1, -1, -2, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, -0x8000_0000, 0x100_0000];
const ODD_INT64S = [0n, 1n, -1n, -2n, -3n, -4n, -5n, -6n, 1n << 31n, 1n << 53n, (1n << 63n) - 1n, -(1n << 63n)];
const ODD_TEXTS = ['', ' ', '*', '.', '..', '\0', '__consumer_offsets', '__cluster_metadata', '__proto__', 'constructor', '[', '(a+)+$', 'ü', '🚂', 'a'.repeat(249), 'a'.repeat(250), 'b'.repeat(3_000), 'User:*', '-1', '9'.repeat(30), 'all', 'latest']; // prettier-ignore
/** Varints, and counts, that say more than there is. */
const ODD_COUNTS: readonly Buffer[] = [
  'ffffffff0f', 'ffffffff7f', '80808080808000', 'ffffffffffffffffff01', '7fffffff', 'ffffffff', '80000000', '00ffffff', 'fffffffe', '00', '01', '7fff', 'ffff',
].map((hex) => Buffer.from(hex, 'hex')); // prettier-ignore

type Draft = { readonly kind: string; readonly bytes: Buffer };

export interface Fuzzer {
  (): FuzzFrame;
  /** What is to come of these bytes; absent where they had better not be sent. */
  judged(kind: string, bytes: Buffer): FuzzFrame | undefined;
}

export interface FuzzerOptions {
  /** Is shown what can be read. */
  readonly look?: (header: RequestHeader, body: Record<string, unknown>) => void;
  /** How many of the mutations are made of which most cannot be read, from 0 to 1 (all of them). */
  readonly unreadableShare?: number;
}

/** Makes one mutated request after the other. `frames` is asked each time: it may change. */
export function fuzzer(
  random: Random,
  frames: () => readonly KnownFrame[],
  { look, unreadableShare = 1 }: FuzzerOptions = {},
): Fuzzer {
  const below = (limit: number) => random.below(limit);
  let correlationId = 0;

  function damaged(whole: Buffer, from: number): Buffer {
    let bytes = Buffer.from(whole);
    for (let times = 1 + below(4); times > 0 && bytes.length > from; times--) {
      const at = from + below(bytes.length - from);
      const choice = below(6);
      if (choice === 0) bytes[at] = (bytes[at] as number) ^ (1 << below(8));
      else if (choice === 1) bytes[at] = below(256);
      else if (choice === 2) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(8))]);
      else if (choice === 3)
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(from + below(at - from + 1))]);
      else if (choice === 4)
        bytes = Buffer.concat([bytes.subarray(0, at), random.bytes(1 + below(4)), bytes.subarray(at)]);
      else bytes = bytes.subarray(0, at);
    }
    return bytes;
  }

  /** Changes some members of a body that has been taken apart; false where it has none. */
  function changeMembers(body: Record<string, unknown>): boolean {
    const places: [Record<string | number, unknown>, string | number][] = [];
    const collect = (value: unknown) => {
      if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return;
      const owner = value as Record<string, unknown>;
      for (const name of Array.isArray(value) ? value.keys() : Object.keys(value)) {
        places.push([owner, name]);
        collect(owner[name]);
      }
    };
    collect(body);
    for (let times = 1 + below(3); times > 0 && places.length > 0; times--) {
      const [owner, name] = random.oneOf(places);
      owner[name] = odd(owner[name]);
    }
    return places.length > 0;
  }

  function odd(value: unknown): unknown {
    if (below(20) === 0) return null;
    if (typeof value === 'number') return below(3) === 0 ? value + below(3) - 1 : random.oneOf(ODD_INT32S);
    if (typeof value === 'bigint') return below(3) === 0 ? value + BigInt(below(3) - 1) : random.oneOf(ODD_INT64S);
    if (typeof value === 'boolean') return !value;
    if (typeof value === 'string') {
      if (below(3) > 0) return random.oneOf(ODD_TEXTS);
      return below(2) === 0 ? value.slice(0, below(value.length + 1)) : value + String.fromCharCode(below(0x300));
    }
    if (Buffer.isBuffer(value)) return below(4) === 0 ? random.bytes(below(60)) : damaged(value, 0);
    if (Array.isArray(value)) {
      if (below(3) === 0 || value.length === 0) return [];
      if (below(3) === 0) return [...(value as unknown[]), value[below(value.length)] as unknown];
      return Array.from({ length: below(ARRAY_ELEMENTS_MAX) }, () => value[0] as unknown);
    }
    return value;
  }

  const bodyAt = ({ bytes }: KnownFrame) => readRequestHeader(bytes, apisByKey).bodyPosition;

  const kinds: readonly [weight: number, make: (frame: KnownFrame) => Draft][] = [
    [30 * unreadableShare, (frame) => ({ kind: 'bytes', bytes: damaged(frame.bytes, bodyAt(frame)) })],
    [
      36,
      (frame) => {
        for (let tries = 0; tries < MEMBER_TRIES; tries++) {
          const body = frame.body();
          if (!changeMembers(body)) break;
          try {
            return { kind: 'members', bytes: encoded(frame.api, frame.version, frame.clientId, body) };
          } catch {
            // Null where the version knows none, and the like: not to be written.
          }
        }
        return { kind: 'bytes', bytes: damaged(frame.bytes, bodyAt(frame)) };
      },
    ],
    [
      3 * unreadableShare,
      (frame) => {
        const bytes = Buffer.from(frame.bytes);
        if (below(2) === 0) bytes.writeInt16BE(below(4) === 0 ? below(0x1_0000) - 0x8000 : below(100), 0);
        else bytes.writeInt16BE(below(4) === 0 ? below(0x1_0000) - 0x8000 : below(20), 2);
        return { kind: 'key or version', bytes };
      },
    ],
    [2 * unreadableShare, ({ bytes }) => ({ kind: 'header', bytes: damaged(bytes, 0) })],
    [
      7 * unreadableShare,
      (frame) => {
        const from = bodyAt(frame);
        const at = from + below(Math.max(1, frame.bytes.length - from));
        const count = random.oneOf(ODD_COUNTS);
        const skip = below(2) === 0 ? count.length : below(5);
        const bytes = Buffer.concat([frame.bytes.subarray(0, at), count, frame.bytes.subarray(at + skip)]);
        return { kind: 'counts', bytes };
      },
    ],
    [10, (frame) => ({ kind: 'records', bytes: withRecords(frame, keptBatch()) })],
    [0.05, (frame) => ({ kind: 'bombs', bytes: withRecords(frame, bomb(random)) })],
    [
      5,
      () => {
        const api = random.oneOf(apis);
        const version = api.versions[0] + below(api.versions[1] - api.versions[0] + 1);
        const body = generateValue(api.request, version, random);
        return { kind: 'made up', bytes: encoded(api, version, below(3) === 0 ? null : 'made-up', body) };
      },
    ],
    [3 * unreadableShare, ({ bytes }) => ({ kind: 'cut short', bytes: bytes.subarray(0, below(bytes.length)) })],
    [1.5, ({ bytes }) => ({ kind: 'glued', bytes: Buffer.concat([bytes, framed(random.oneOf(frames()).bytes)]) })],
    [2.4, ({ bytes }) => ({ kind: 'as recorded', bytes: Buffer.from(bytes) })],
  ];
  const total = kinds.reduce((sum, [weight]) => sum + weight, 0);
  const batches: Buffer[] = [];
  let produces: readonly KnownFrame[] = [];
  let producesOf: readonly KnownFrame[] = [];

  function withRecords(_: KnownFrame, records: Buffer): Buffer {
    const all = frames();
    if (producesOf !== all) {
      producesOf = all;
      produces = all.filter(({ api }) => api.key === KEY.produce);
    }
    const frame = random.oneOf(produces);
    const body = frame.body() as { topicData: { partitionData: { records: Buffer }[] }[]; acks: number };
    for (const { partitionData } of body.topicData) for (const one of partitionData) one.records = records;
    body.acks = random.oneOf([1, -1, -1, -1]);
    return encoded(frame.api, frame.version, frame.clientId, body);
  }

  function keptBatch(): Buffer {
    const at = below(BATCHES_KEPT);
    const kept = batches[at];
    if (kept !== undefined && below(BATCH_RENEWED_IN) > 0) return kept;
    return (batches[at] = oddBatch(random));
  }

  function drafted(): Draft {
    let at = (random.uint32() / 2 ** 32) * total;
    for (const [weight, make] of kinds) if ((at -= weight) < 0) return make(random.oneOf(frames()));
    throw new Error('the weights do not add up');
  }

  /** The stream itself goes out of step: a wrong length, a frame that ends early, something else altogether. */
  function outOfStep(): FuzzFrame {
    const { bytes } = random.oneOf(frames());
    let stream = framed(bytes);
    const choice = below(5);
    if (choice === 0) stream.writeInt32BE(random.oneOf(ODD_INT32S), 0);
    else if (choice === 1) stream.writeInt32BE(bytes.length + below(9) - 4, 0);
    else if (choice === 2) stream = stream.subarray(0, below(stream.length));
    else if (choice === 3) stream = damaged(stream, 0);
    else
      stream = Buffer.concat([
        random.bytes(1 + below(200)),
        random.oneOf([Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(9)]),
      ]);
    return {
      kind: 'out of step',
      bytes: stream,
      correlationId: -1,
      expect: 'anything',
      endsStream: true,
      waits: false,
    };
  }

  const next = () => {
    for (;;) {
      if (random.uint32() < (2 ** 32 / OUT_OF_STEP_IN) * unreadableShare) return outOfStep();
      const judged = judge(drafted());
      if (judged !== undefined) return judged;
    }
  };
  return Object.assign(next, { judged: (kind: string, bytes: Buffer) => judge({ kind, bytes }) });

  function judge(draft: Draft): FuzzFrame | undefined {
    if (draft.bytes.length > FRAME_BYTES_MAX) return undefined;
    let bytes: Buffer = Buffer.from(draft.bytes);
    const base = { kind: draft.kind, endsStream: false, waits: false };
    if (bytes.length < 8) return { ...base, bytes: framed(bytes), correlationId: -1, expect: 'end' };
    correlationId = (correlationId + 1) & 0x3fff_ffff;
    bytes.writeInt32BE(correlationId, 4);
    let header: RequestHeader;
    let body: Record<string, unknown>;
    try {
      header = readRequestHeader(bytes, apisByKey);
      if (header.api === undefined) return { ...base, bytes: framed(bytes), correlationId, expect: 'anything' };
      body = readRequestBody(header.api.request, header, bytes);
    } catch (error) {
      if (!(error instanceof MalformedFrame)) throw error;
      return { ...base, bytes: framed(bytes), correlationId, expect: 'end' };
    }
    const { api, apiVersion, clientId } = header;
    look?.(header, body);
    if (silencesAll(api.key, body)) return undefined;
    if (shortened(api.key, body)) {
      bytes = encoded(api, apiVersion, clientId, body);
      bytes.writeInt32BE(correlationId, 4);
    }
    const waits = api.key === KEY.joinGroup || api.key === KEY.syncGroup;
    // Where nobody is asked who he is, these end the connection behind their answer.
    const sasl = api.key === KEY.saslHandshake || api.key === KEY.saslAuthenticate;
    const unsure = sasl || (api.key === KEY.produce && body['acks'] === 0);
    const check =
      correlationId % CHECKED_IN === 0
        ? (answer: Buffer) => {
            try {
              decodeResponse(api.response, apiVersion, answer);
              return undefined;
            } catch (error) {
              return `an answer to ${api.name} ${apiVersion} that cannot be read: ${(error as Error).message}`;
            }
          }
        : undefined;
    return { ...base, waits, bytes: framed(bytes), correlationId, expect: unsure ? 'anything' : 'answer', check };
  }
}

/** A quota on everybody would slow down the fuzz itself: the service does what it is told. */
function silencesAll(apiKey: number, body: Record<string, unknown>): boolean {
  if (apiKey !== KEY.alterClientQuotas) return false;
  const { entries } = body as { entries: { entity: { entityName: string | null }[] }[] };
  return entries.some(({ entity }) =>
    entity.every(({ entityName }) => entityName === null || entityName === 'ANONYMOUS'),
  );
}

/** Waits that a client may ask for without a bound get one; whether there was something to change. */
function shortened(apiKey: number, body: Record<string, unknown>): boolean {
  const bound = (name: string, max: number): boolean => {
    if (typeof body[name] !== 'number' || body[name] <= max) return false;
    body[name] = max;
    return true;
  };
  if (apiKey === KEY.joinGroup) {
    const session = bound('sessionTimeoutMs', SESSION_MS);
    return bound('rebalanceTimeoutMs', SESSION_MS) || session;
  }
  return bound('maxWaitMs', WAIT_MS_MAX);
}
