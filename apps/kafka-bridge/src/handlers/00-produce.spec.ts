import { crc32c } from '@tailrace/hashing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Draft, errorCodes, errorName, produceApi, type produceRequest } from '@tailrace/kafka-protocol';
import type { ShardLimits } from '@tailrace/quota';
import { StoreUnavailable } from '@tailrace/shard-core';
import { eventually, uniqueName } from '@tailrace/testkit';
import { type DoorUnderTest, openDoorUnderTest } from '../testing/door-under-test.ts';
import { batchOf } from '../testing/records.ts';
import type { WireClient } from '../testing/wire-client.ts';
import { createTopic } from '../topics/topic-creation.ts';

const MESSAGE_BYTES_MAX = 100_000;

let under: DoorUnderTest;
let client: WireClient;
beforeAll(async () => {
  under = await openDoorUnderTest({ messageBytesMax: MESSAGE_BYTES_MAX, autoCreateTopics: false });
  client = await under.connect();
});
afterAll(async () => {
  client.close();
  await under.close();
});

async function newTopic(configs: Record<string, string> = {}) {
  const created = await createTopic(under.catalog, { name: uniqueName('produce'), partitionCount: 2, configs });
  if (!created.ok) throw new Error(created.refusal.code);
  return created.value;
}

function request(
  name: string,
  records: Buffer | null,
  more: Partial<Draft<typeof produceRequest>> & { index?: number; topicId?: string } = {},
) {
  const { index = 0, topicId, ...rest } = more;
  const topicData = [{ name, ...(topicId && { topicId }), partitionData: [{ index, records }] }];
  return { acks: -1, timeoutMs: 1_000, topicData, ...rest };
}

async function errorOf(sent: ReturnType<typeof request>, version = 9): Promise<string | undefined> {
  const { responses } = await client.request(produceApi, version, sent);
  return errorName(responses[0]?.partitionResponses[0]?.errorCode ?? NaN);
}

describe('Produce', () => {
  it.each([3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])(
    'appends and answers the base offset in version %i',
    async (version) => {
      const { name, id } = await newTopic();
      const byId = version >= 13;
      const sent = byId ? request('', batchOf(['a', 'b']), { topicId: id }) : request(name, batchOf(['a', 'b']));
      await client.request(produceApi, version, sent);
      const { responses, throttleTimeMs } = await client.request(produceApi, version, sent);
      const partition = responses[0]?.partitionResponses[0];
      expect({ topic: byId ? responses[0]?.topicId : responses[0]?.name, ...partition, throttleTimeMs }).toEqual({
        topic: byId ? id : name,
        index: 0,
        errorCode: 0,
        baseOffset: 2n,
        logAppendTimeMs: -1n,
        logStartOffset: version >= 5 ? 0n : -1n,
        recordErrors: [],
        errorMessage: null,
        currentLeader: { leaderId: -1, leaderEpoch: -1 },
        throttleTimeMs: 0,
      });
    },
  );

  it.each([1, -1])('takes every partition for itself with acks %i', async (acks) => {
    const { name } = await newTopic();
    const partitionData = [
      { index: 0, records: batchOf(['a']) },
      { index: 1, records: damaged(batchOf(['b'])) },
      { index: 2, records: batchOf(['c']) },
      { index: 1, records: batchOf(['d', 'e']) },
    ];
    const { responses } = await client.request(produceApi, 9, {
      acks,
      timeoutMs: 1_000,
      topicData: [{ name, partitionData }],
    });
    expect(
      responses[0]?.partitionResponses.map(({ index, errorCode, baseOffset }) => [
        index,
        errorName(errorCode),
        baseOffset,
      ]),
    ).toEqual([
      [0, 'NONE', 0n],
      [1, 'CORRUPT_MESSAGE', -1n],
      [2, 'UNKNOWN_TOPIC_OR_PARTITION', -1n],
      [1, 'NONE', 0n],
    ]);
  });

  it.each<[string, () => Buffer | null, string]>([
    ['null', () => null, 'INVALID_RECORD'],
    ['nothing', () => Buffer.alloc(0), 'INVALID_RECORD'],
    ['two batches', () => Buffer.concat([batchOf(['a']), batchOf(['b'])]), 'INVALID_RECORD'],
    ['a batch with something behind it', () => Buffer.concat([batchOf(['a']), Buffer.from('x')]), 'INVALID_RECORD'],
    ['a control batch', () => batchOf(['a'], { isControl: true }), 'INVALID_RECORD'],
    ["a batch with the log's own attribute", () => withLogAttribute(batchOf(['a'])), 'INVALID_RECORD'],
    [
      'a transactional batch without a transactional id',
      () => batchOf(['a'], { isTransactional: true, producer: { id: 1n, epoch: 0, baseSequence: 0 } }),
      'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
    ],
    ['a message set of the old format', () => withMagic(batchOf(['a']), 1), 'UNSUPPORTED_FOR_MESSAGE_FORMAT'],
    ['a format of a time to come', () => withMagic(batchOf(['a']), 3), 'UNSUPPORTED_FOR_MESSAGE_FORMAT'],
    ['a bad checksum', () => damaged(batchOf(['a'])), 'CORRUPT_MESSAGE'],
    ['a batch that is cut short', () => batchOf(['a']).subarray(0, -1), 'CORRUPT_MESSAGE'],
    ['a batch at the bound', () => batchOfSize(MESSAGE_BYTES_MAX), 'NONE'],
    ['a batch one byte past the bound', () => batchOfSize(MESSAGE_BYTES_MAX + 1), 'MESSAGE_TOO_LARGE'],
  ])('answers to %s', async (_, records, expected) => {
    const { name } = await newTopic();
    expect(await errorOf(request(name, records()))).toBe(expected);
    expect(await errorOf(request(name, batchOf(['the connection is well'])))).toBe('NONE');
  });

  it('holds a topic to its own max.message.bytes', async () => {
    const { name } = await newTopic({ 'max.message.bytes': '500' });
    expect([await errorOf(request(name, batchOfSize(500))), await errorOf(request(name, batchOfSize(501)))]).toEqual([
      'NONE',
      'MESSAGE_TOO_LARGE',
    ]);
  });

  it('refuses what the whole request gets wrong for every partition', async () => {
    const { name } = await newTopic();
    expect(await errorOf(request(name, batchOf(['a']), { acks: 2 }))).toBe('INVALID_REQUIRED_ACKS');
    expect(await errorOf(request('no-such-topic', batchOf(['a'])))).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect(await errorOf(request('', batchOf(['a']), { topicId: 'BBBBBBBBBBBBBBBBBBBBBA' }), 13)).toBe(
      'UNKNOWN_TOPIC_ID',
    );
  });

  it('takes zstd only from versions that know it', async () => {
    const { name } = await newTopic();
    const records = batchOf(['a'], { compression: 'zstd' });
    expect([await errorOf(request(name, records), 6), await errorOf(request(name, records), 7)]).toEqual([
      'UNSUPPORTED_COMPRESSION_TYPE',
      'NONE',
    ]);
  });

  it('keeps the order of an idempotent producer, and appends nothing twice', async () => {
    const { name } = await newTopic();
    const send = (baseSequence: number, epoch = 1) =>
      request(name, batchOf(['a', 'b'], { producer: { id: 77n, epoch, baseSequence } }));
    const offset = async (baseSequence: number) =>
      (await client.request(produceApi, 9, send(baseSequence))).responses[0]?.partitionResponses[0]?.baseOffset;
    expect([await offset(0), await offset(2), await offset(0), await offset(2), await offset(4)]).toEqual([
      0n,
      2n,
      0n,
      2n,
      4n,
    ]);
    expect(await errorOf(send(8))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(await errorOf(send(6, 0))).toBe('INVALID_PRODUCER_EPOCH');
    for (let sequence = 6; sequence < 20; sequence += 2) expect(await errorOf(send(sequence))).toBe('NONE');
    expect(await errorOf(send(0))).toBe('DUPLICATE_SEQUENCE_NUMBER');
  });

  it('appends requests that come together in their order, and answers in it', async () => {
    const { name } = await newTopic();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => client.request(produceApi, 9, request(name, batchOf([`v${i}`])))),
    );
    expect(answers.map(({ responses }) => responses[0]?.partitionResponses[0]?.baseOffset)).toEqual(
      Array.from({ length: 50 }, (_, i) => BigInt(i)),
    );
  });

  it('gives no answer with acks 0, and closes the connection when the append fails', async () => {
    const { name } = await newTopic();
    const silent = await under.connect();
    silent.tell(produceApi, 9, request(name, batchOf(['a']), { acks: 0 }));
    const { responses } = await silent.request(produceApi, 9, request(name, batchOf(['b'])));
    expect(responses[0]?.partitionResponses[0]?.baseOffset).toBe(1n);
    silent.tell(produceApi, 9, request(name, damaged(batchOf(['a'])), { acks: 0 }));
    await silent.closed;
    await eventually(() => under.logged.some(({ reason }) => String(reason).includes('acks 0')));
  });
});

describe('Produce to a topic that is not there', () => {
  it('makes it where that is allowed', async () => {
    const allowing = await openDoorUnderTest({ defaultPartitions: 3 });
    const its = await allowing.connect();
    const { responses } = await its.request(produceApi, 9, request('made', batchOf(['a'])));
    expect([responses[0]?.partitionResponses[0]?.errorCode, allowing.catalog.peek('made')?.partitions.length]).toEqual([
      0, 3,
    ]);
    const invalid = await its.request(produceApi, 9, request('no/name', batchOf(['a'])));
    expect(invalid.responses[0]?.partitionResponses[0]?.errorCode).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
    its.close();
    await allowing.close();
  });
});

describe('Produce to a topic that has to be looked up', () => {
  it('lets nothing overtake it', async () => {
    let lookups = 0;
    const slow = await openDoorUnderTest({
      wrapStore: (store) => {
        const documents = replacing(store.documents, {
          async get(key) {
            // The first request's answer comes late; the second one's would not.
            if (key === 'stream/slow' && ++lookups === 1) await new Promise((resolve) => setTimeout(resolve, 100));
            return store.documents.get(key);
          },
        });
        return replacing(store, { documents });
      },
    });
    const its = await slow.connect();
    const answers = await Promise.all(
      ['a', 'b'].map((value) => its.request(produceApi, 9, request('slow', batchOf([value])))),
    );
    expect(answers.map(({ responses }) => responses[0]?.partitionResponses[0]?.baseOffset)).toEqual([0n, 1n]);
    its.close();
    await slow.close();
  });
});

describe('Produce to a stream with limits', () => {
  it('is taken, and slows the client down', async () => {
    const charged: unknown[] = [];
    const limits = {
      chargeWrite(...what: unknown[]) {
        charged.push(what);
        return charged.length === 1 ? 300 : 0;
      },
    } as unknown as ShardLimits;
    const limited = await openDoorUnderTest({ limits });
    const created = await limited.catalog.create({
      name: 'limited',
      shardCount: 1,
      mode: 'PROVISIONED',
      origin: 'kinesis',
    });
    if (!created.ok) throw new Error(created.refusal.code);
    const its = await limited.connect();
    const batch = batchOf(['a', 'b']);
    const first = await its.request(produceApi, 9, request('limited', batch));
    expect([first.throttleTimeMs, charged]).toEqual([
      300,
      [[created.value.partitions[0]?.appendTo.key, 2, batch.length]],
    ]);
    const started = performance.now();
    const second = await its.request(produceApi, 9, request('limited', batch));
    expect([second.throttleTimeMs, performance.now() - started > 250]).toEqual([0, true]);
    its.close();
    await limited.close();
  });
});

describe('Produce without a store', () => {
  it('answers the error on which clients retry', async () => {
    const failing = await openDoorUnderTest({
      wrapStore: (store) =>
        replacing(store, {
          log: replacing(store.log, { append: () => Promise.reject(new StoreUnavailable('disk full')) }),
        }),
    });
    const its = await failing.connect();
    const { responses } = await its.request(produceApi, 9, request('t', batchOf(['a'])));
    const { errorCode, errorMessage } = responses[0]?.partitionResponses[0] ?? {};
    expect([errorCode, errorMessage]).toEqual([errorCodes.KAFKA_STORAGE_ERROR, 'disk full']);
    its.close();
    await failing.close();
  });

  it('leaves the memory of a batch alone whose append may still be under way', async () => {
    const memory: unknown[] = [];
    let isAway = false;
    const door = await openDoorUnderTest({
      wrapStore: (store) =>
        replacing(store, {
          log: replacing(store.log, {
            append(append) {
              memory.push(append.batch.buffer);
              return isAway ? Promise.reject(new StoreUnavailable('away')) : store.log.append(append);
            },
          }),
        }),
    });
    const its = await door.connect();
    const put = () => its.request(produceApi, 9, request('t', batchOf(['x'.repeat(200_000)])));
    for (let i = 0; i < 3; i++) await put();
    isAway = true;
    for (let i = 0; i < 2; i++) await put();
    const [, one, again, lost, another] = memory;
    // Otherwise it is used again.
    expect([again === one, lost === one, another === lost]).toEqual([true, true, false]);
    its.close();
    await door.close();
  });
});

/** The same object with some members replaced. */
function replacing<T extends object>(original: T, replaced: Partial<T>): T {
  return new Proxy(original, {
    get(target, name) {
      const own: unknown = Reflect.get(name in replaced ? replaced : target, name);
      return typeof own === 'function' ? (own.bind(name in replaced ? replaced : target) as unknown) : own;
    },
  });
}

function damaged(batch: Buffer): Buffer {
  const copy = Buffer.from(batch);
  copy[copy.length - 1]! ^= 1;
  return copy;
}

/** As the log marks batches that it has encrypted. */
function withLogAttribute(batch: Buffer): Buffer {
  batch.writeInt16BE(0x4000, 21);
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
}

function withMagic(batch: Buffer, magic: number): Buffer {
  const copy = Buffer.from(batch);
  copy[16] = magic;
  return copy;
}

function batchOfSize(bytes: number): Buffer {
  let batch = batchOf(['x'.repeat(bytes - 100)]);
  // The lengths within a record are varints: go near, then byte by byte.
  for (let length = bytes - 100; batch.length < bytes; length++) batch = batchOf(['x'.repeat(length)]);
  if (batch.length !== bytes) throw new Error(`no batch has ${bytes} bytes`);
  return batch;
}
