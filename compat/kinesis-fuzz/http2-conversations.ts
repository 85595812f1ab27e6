import {
  CBOR_MEDIA_TYPE,
  cborCodec,
  FLAG,
  FRAME,
  frame,
  goodRequests,
  headerBlock,
  inCbor,
  JSON_MEDIA_TYPE,
  mutated,
  PREFACE,
  requestFrames,
  rstStream,
  SETTING,
  settings,
  TARGET_PREFIX,
  uint32,
  windowUpdate,
} from '@tailrace/rest-api/testing';

/** What a client of HTTP/2 says on a connection of its own. */
export interface Conversation {
  readonly kind: string;
  readonly bytes: Buffer;
  /** Every frame is as it should be: the request on stream 1 must be answered. */
  readonly whole: boolean;
}

type Headers = readonly (readonly [name: string, value: string])[];

const NAMES = Object.keys(goodRequests);
const INT31_MAX = 0x7fffffff;
const UINT32_MAX = 0xffffffff;
const ODD_SETTINGS: readonly (readonly [number, number])[] = [
  [SETTING.headerTableSize, UINT32_MAX],
  [SETTING.headerTableSize, 0],
  [SETTING.enablePush, 1],
  [SETTING.enablePush, 2],
  [SETTING.maxConcurrentStreams, 0],
  [SETTING.initialWindowSize, 0],
  [SETTING.initialWindowSize, INT31_MAX],
  [SETTING.initialWindowSize, INT31_MAX + 1],
  [SETTING.maxFrameSize, 0],
  [SETTING.maxFrameSize, 0xffffff],
  [SETTING.maxFrameSize, 0x1000000],
  [SETTING.maxHeaderListSize, 0],
  [0x7777, 1],
];
/** Each of these many times in one conversation. */
const FLOOD = 1_000;
/** Of a continuation flood, each frame. */
const CONTINUATION_BYTES = 1_024;

export function conversations(random: () => number): () => Conversation {
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  const bytesOf = (length: number) => Buffer.from(Array.from({ length }, () => below(256)));

  function made(inputs: 'good' | 'mutated'): { readonly headers: Headers; readonly body: Buffer } {
    const name = pick(NAMES);
    const input = inputs === 'good' ? goodRequests[name] : mutated(goodRequests[name], random);
    const cbor = random() < 0.5;
    const body = cbor
      ? Buffer.from(cborCodec.encode(inCbor(input) as never) as Buffer)
      : Buffer.from(JSON.stringify(input) ?? '');
    const headers = [
      [':method', 'POST'],
      [':scheme', 'http'],
      [':path', '/'],
      [':authority', 'a'],
      ['x-amz-target', `${TARGET_PREFIX}.${name}`],
      ['content-type', cbor ? CBOR_MEDIA_TYPE : JSON_MEDIA_TYPE],
      ['content-length', String(body.length)],
    ] as const;
    return { headers, body };
  }
  const good = (streamId = 1): Buffer => {
    const { headers, body } = made('good');
    return requestFrames(streamId, headers, body);
  };
  const conversation = (
    kind: string,
    frames: readonly Buffer[],
    whole = false,
    first = settings([]),
  ): Conversation => ({
    kind: `h2, ${kind}`,
    bytes: Buffer.concat([PREFACE, first, ...frames]),
    whole,
  });
  const many = (of: (index: number) => Buffer): Buffer[] => Array.from({ length: FLOOD }, (_, index) => of(index));

  const kinds: readonly [weight: number, make: () => Conversation][] = [
    [
      30,
      () => {
        const { headers, body } = made('mutated');
        return conversation('members', [requestFrames(1, headers, body)], true);
      },
    ],
    [
      20,
      () => {
        const { bytes } = conversation('', [good(), good(3)]);
        const damaged = Buffer.from(bytes);
        for (let times = 1 + below(4); times > 0; times--) damaged[PREFACE.length + below(bytes.length - PREFACE.length)] = below(256); // prettier-ignore
        return { kind: 'h2, bytes', bytes: damaged, whole: false };
      },
    ],
    [
      15,
      () => {
        const frames = Array.from({ length: 1 + below(12) }, () => {
          const payload = bytesOf(below(40));
          const length = random() < 0.8 ? payload.length : below(0x1000000);
          return frame(below(12), below(256), random() < 0.5 ? below(6) : below(UINT32_MAX), payload, length);
        });
        return conversation('any frames', random() < 0.5 ? frames : [good(), ...frames]);
      },
    ],
    [
      10,
      () => {
        const chosen = settings(Array.from({ length: 1 + below(4) }, () => pick(ODD_SETTINGS)));
        return conversation('settings', [good()], false, chosen);
      },
    ],
    [
      8,
      () => {
        const increment = pick([0, 1, INT31_MAX, UINT32_MAX]);
        return conversation('window updates', [good(), windowUpdate(below(4), increment), windowUpdate(0, increment)]);
      },
    ],
    [
      10,
      () => {
        const { headers, body } = made('good');
        const odd = pick<Headers>([
          headers.slice(1),
          [...headers, [':method', 'POST']],
          [...headers, ['Upper-Case', '1']],
          [...headers, ['connection', 'keep-alive']],
          [...headers, ['transfer-encoding', 'chunked']],
          [...headers, ['te', 'gzip']],
          [...headers, ['x', 'y'.repeat(below(40_000))]],
          [...headers, ['', 'nameless']],
          [...headers, ['x', '\r\ninjected: 1\0']],
          headers.map(([name, value]) => [name, name === ':path' ? '' : value] as const),
          headers.map(([name, value]) => [name, name === 'content-length' ? String(below(99_999)) : value] as const),
          headers.map(([name, value]) => [name, name === ':path' ? '/v1/streams' : value] as const),
        ]);
        return conversation('headers', [requestFrames(1, odd, body)]);
      },
    ],
    [
      10,
      () => {
        const { headers, body } = made('good');
        const head = frame(FRAME.headers, FLAG.endHeaders, 1, headerBlock(headers));
        const data = pick<() => Buffer[]>([
          () => [frame(FRAME.data, FLAG.padded | FLAG.endStream, 1, Buffer.from([255, 1, 2]))],
          () => [frame(FRAME.data, FLAG.endStream, 5, body)],
          () => [frame(FRAME.data, FLAG.endStream, 1, body), frame(FRAME.data, FLAG.endStream, 1, body)],
          () => [frame(FRAME.data, 0, 1, body.subarray(0, 3))],
          () => [frame(FRAME.data, FLAG.endStream, 0, body)],
          () => [frame(FRAME.data, FLAG.endStream, 1, Buffer.alloc(20_000))],
          () => [rstStream(1, below(20)), frame(FRAME.data, FLAG.endStream, 1, body)],
          () => [frame(FRAME.headers, FLAG.endHeaders, 1, headerBlock(headers))],
        ]);
        return conversation('data', [head, ...data()]);
      },
    ],
    [
      6,
      () => {
        const goaway = frame(FRAME.goaway, 0, 0, Buffer.concat([uint32(below(9)), uint32(below(20)), bytesOf(5)]));
        return conversation('goaway', random() < 0.5 ? [good(), goaway, good(3)] : [goaway, good()]);
      },
    ],
    [
      1,
      () => {
        const { headers } = made('good');
        const block = headerBlock(headers);
        return conversation('requests that are taken back', many((index) => Buffer.concat([frame(FRAME.headers, FLAG.endHeaders, 1 + 2 * index, block), rstStream(1 + 2 * index, 8)]))); // prettier-ignore
      },
    ],
    [
      1,
      () => {
        const { headers } = made('good');
        const piece = headerBlock([['x', 'y'.repeat(CONTINUATION_BYTES)]]);
        const rest = many(() => frame(FRAME.continuation, 0, 1, random() < 0.1 ? Buffer.alloc(0) : piece));
        return conversation('continuations', [frame(FRAME.headers, 0, 1, headerBlock(headers)), ...rest]);
      },
    ],
    [
      1,
      () =>
        conversation(
          'pings',
          many((index) => frame(FRAME.ping, 0, 0, Buffer.concat([uint32(index), uint32(0)]))),
        ),
    ],
    [
      1,
      () =>
        conversation(
          'settings, again and again',
          many(() => settings([pick(ODD_SETTINGS.slice(0, 2))])),
        ),
    ],
    [
      1,
      () => {
        const { headers } = made('good');
        const block = headerBlock(headers);
        return conversation('requests without an end', many((index) => frame(FRAME.headers, FLAG.endHeaders, 1 + 2 * index, block))); // prettier-ignore
      },
    ],
  ];
  const total = kinds.reduce((sum, [weight]) => sum + weight, 0);
  return () => {
    let at = random() * total;
    for (const [weight, make] of kinds) if ((at -= weight) < 0) return make();
    return conversation('nothing', []);
  };
}
