import {
  CBOR_MEDIA_TYPE,
  cborCodec,
  goodRequests,
  inCbor,
  JSON_MEDIA_TYPE,
  mutated,
  TARGET_PREFIX,
} from '@tailrace/rest-api/testing';

/** A request as bytes of HTTP/1.1, and what is to come of it. */
export interface FuzzRequest {
  readonly kind: string;
  readonly bytes: Buffer;
  /** The bytes make one whole request: it must be answered. Otherwise an answer or the end of the connection will do. */
  readonly whole: boolean;
  /** No more is to come on this connection: the client ends its side behind the bytes. */
  readonly ends: boolean;
}

const NAMES = Object.keys(goodRequests);
const ODD_TARGETS = [
  '',
  `${TARGET_PREFIX}.`,
  `${TARGET_PREFIX}.Nothing`,
  'Kinesis_20991231.PutRecord',
  'x'.repeat(3_000),
];
const ODD_TYPES = [
  '',
  'application/json',
  'text/html; charset=utf-8',
  'application/x-amz-cbor-1.0',
  '\x7f',
  'a/b;'.repeat(200),
];
const ODD_LENGTHS = ['-1', '1e3', '0x10', '99999999999999999999', ' 5 5', '+7', ''];
const ODD_CHUNKS = [
  '-5\r\n',
  'zz\r\n',
  'fffffffffffffffff\r\n',
  '5;ext="\r\n',
  '5\n',
  '00000000000000000005\r\nhello\r\n0\r\n',
];

export function fuzzer(random: () => number): () => FuzzRequest {
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;

  /** Changes, removes, repeats or inserts some bytes. */
  function damaged(bytes: Buffer): Buffer {
    let result = Buffer.from(bytes);
    for (let times = 1 + below(4); times > 0 && result.length > 0; times--) {
      const at = below(result.length);
      const choice = below(4);
      if (choice === 0) result[at] = below(256);
      else if (choice === 1) result = Buffer.concat([result.subarray(0, at), result.subarray(at + 1 + below(8))]);
      else if (choice === 2) result = Buffer.concat([result.subarray(0, at), result.subarray(below(at + 1))]);
      else result = Buffer.concat([result.subarray(0, at), Buffer.from([below(256), below(256)]), result.subarray(at)]);
    }
    return result;
  }

  function body(inputs: 'good' | 'mutated'): {
    readonly target: string;
    readonly type: string;
    readonly bytes: Buffer;
  } {
    const name = pick(NAMES);
    const input = inputs === 'good' ? goodRequests[name] : mutated(goodRequests[name], random);
    const cbor = random() < 0.5;
    return {
      target: `${TARGET_PREFIX}.${name}`,
      type: cbor ? CBOR_MEDIA_TYPE : JSON_MEDIA_TYPE,
      bytes: cbor
        ? Buffer.from(cborCodec.encode(inCbor(input) as never) as Buffer)
        : Buffer.from(JSON.stringify(input) ?? ''),
    };
  }

  function request(headers: readonly string[], bytes: Buffer, line = 'POST / HTTP/1.1'): Buffer {
    return Buffer.concat([
      Buffer.from(`${line}\r\nHost: a\r\n${headers.map((one) => `${one}\r\n`).join('')}\r\n`, 'latin1'),
      bytes,
    ]);
  }

  const headersOf = ({ target, type, bytes }: ReturnType<typeof body>): string[] => [
    `X-Amz-Target: ${target}`,
    `Content-Type: ${type}`,
    `Content-Length: ${bytes.length}`,
  ];

  const kinds: readonly [weight: number, make: () => FuzzRequest][] = [
    [
      40,
      () => {
        const made = body('mutated');
        return { kind: 'members', bytes: request(headersOf(made), made.bytes), whole: true, ends: false };
      },
    ],
    [
      30,
      () => {
        const made = { ...body(random() < 0.5 ? 'good' : 'mutated') };
        const bytes = damaged(made.bytes);
        return {
          kind: 'bytes of the body',
          bytes: request(headersOf({ ...made, bytes }), bytes),
          whole: true,
          ends: false,
        };
      },
    ],
    [
      10,
      () => {
        const made = body('good');
        const headers = headersOf({
          ...made,
          ...(random() < 0.5 ? { target: pick(ODD_TARGETS) } : { type: pick(ODD_TYPES) }),
        });
        if (random() < 0.2)
          headers.push(`X-Amz-Date: ${'9'.repeat(below(40))}`, 'Authorization: AWS4-HMAC-SHA256 Credential=a');
        if (random() < 0.1) headers.push('Origin: http://a', 'Access-Control-Request-Method: POST');
        return { kind: 'headers', bytes: request(headers, made.bytes), whole: true, ends: false };
      },
    ],
    [
      4,
      () => {
        const made = body('good');
        const whole = request(headersOf(made), made.bytes);
        return { kind: 'cut short', bytes: whole.subarray(0, below(whole.length)), whole: false, ends: true };
      },
    ],
    [
      4,
      () => {
        const made = body('good');
        const whole = request(headersOf(made), made.bytes);
        const head = whole.indexOf('\r\n\r\n');
        const bytes = Buffer.concat([damaged(whole.subarray(0, head)), whole.subarray(head)]);
        return { kind: 'bytes of the head', bytes, whole: false, ends: true };
      },
    ],
    [
      3,
      () => {
        const made = body('good');
        const headers = [...headersOf(made).slice(0, 2), `Content-Length: ${pick(ODD_LENGTHS)}`];
        if (random() < 0.3) headers.push(`Content-Length: ${made.bytes.length}`);
        if (random() < 0.3) headers.push('Transfer-Encoding: chunked');
        return { kind: 'lengths', bytes: request(headers, made.bytes), whole: false, ends: true };
      },
    ],
    [
      3,
      () => {
        const made = body('good');
        const headers = [...headersOf(made).slice(0, 2), 'Transfer-Encoding: chunked'];
        return { kind: 'chunks', bytes: request(headers, Buffer.from(pick(ODD_CHUNKS))), whole: false, ends: true };
      },
    ],
    [
      2,
      () => {
        const { target, type, bytes } = body('mutated');
        const headers = [`X-Amz-Target: ${target}`, `Content-Type: ${type}`, 'Transfer-Encoding: chunked'];
        const at = below(bytes.length + 1);
        const pieces = [bytes.subarray(0, at), bytes.subarray(at)].filter(({ length }) => length > 0);
        const chunks = pieces.flatMap((piece) => [
          Buffer.from(`${piece.length.toString(16)}\r\n`),
          piece,
          Buffer.from('\r\n'),
        ]);
        return {
          kind: 'a body in chunks',
          bytes: request(headers, Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')])),
          whole: true,
          ends: false,
        };
      },
    ],
    [
      2,
      () => {
        const line = `${pick(['GET', 'PUT', 'OPTIONS', 'HEAD', 'DELETE', 'POST'])} ${pick(['/', '/v1/streams', '/health/live', '/x?y=%zz', `/${'a'.repeat(500)}`, '/v1/streams/s/shards/0/records?limit=-1'])} HTTP/1.1`;
        return {
          kind: 'other requests',
          bytes: request(['Connection: close'], Buffer.alloc(0), line),
          whole: false,
          ends: true,
        };
      },
    ],
    [
      2,
      () => {
        const bytes = Buffer.from(Array.from({ length: 1 + below(300) }, () => below(256)));
        const preface = random() < 0.5 ? Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n') : Buffer.alloc(0);
        return { kind: 'anything', bytes: Buffer.concat([preface, bytes]), whole: false, ends: true };
      },
    ],
  ];
  const total = kinds.reduce((sum, [weight]) => sum + weight, 0);
  return () => {
    let at = random() * total;
    for (const [weight, make] of kinds) if ((at -= weight) < 0) return make();
    throw new Error('the weights do not add up');
  };
}
