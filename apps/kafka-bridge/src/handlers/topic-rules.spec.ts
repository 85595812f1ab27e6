import { crc32c } from '@tailrace/hashing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type BatchOptions,
  COMPRESSIONS,
  decodeBatch,
  encodeBatch,
  errorName,
  fetchApi,
  incrementalAlterConfigsApi,
  produceApi,
  readBatchHeader,
} from '@tailrace/kafka-protocol';
import { uniqueName } from '@tailrace/testkit';
import { type DoorUnderTest, openDoorUnderTest } from '../testing/door-under-test.ts';
import type { WireClient } from '../testing/wire-client.ts';
import { createTopic } from '../topics/topic-creation.ts';

const MINUTE_MS = 60_000;

let under: DoorUnderTest;
let client: WireClient;
beforeAll(async () => {
  under = await openDoorUnderTest();
  client = await under.connect();
});
afterAll(async () => {
  client.close();
  await under.close();
});

async function newTopic(configs: Record<string, string>): Promise<string> {
  const created = await createTopic(under.catalog, { name: uniqueName('rules'), partitionCount: 1, configs });
  if (!created.ok) throw new Error(created.refusal.code);
  return created.value.name;
}

interface Sent {
  readonly key?: string | null;
  readonly value?: string;
  readonly agoMs?: number;
  readonly timestampMs?: number;
}

function batch(records: readonly Sent[], options: BatchOptions = {}): Buffer {
  return encodeBatch(
    records.map(({ key = 'k', value = 'v', agoMs = 0, timestampMs = Date.now() - agoMs }) => ({
      key,
      value: Buffer.from(value),
      timestampMs,
    })),
    options,
  );
}

async function produce(name: string, records: Buffer, version = 9) {
  const topicData = [{ name, partitionData: [{ index: 0, records }] }];
  const { responses } = await client.request(produceApi, version, { acks: -1, timeoutMs: 1_000, topicData });
  const answer = responses[0]?.partitionResponses[0];
  if (answer === undefined) throw new Error('no answer');
  return { ...answer, error: errorName(answer.errorCode) };
}

/** Every batch of the topic, as it is stored. */
async function stored(name: string): Promise<Buffer[]> {
  const partitions = [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1_000_000 }];
  const topics = [{ topic: name, partitions }];
  const { responses } = await client.request(fetchApi, 12, { maxWaitMs: 0, minBytes: 0, topics });
  const records = responses[0]?.partitions[0]?.records;
  const all = Buffer.isBuffer(records) ? records : Buffer.concat(records ?? []);
  const batches: Buffer[] = [];
  for (let at = 0; at < all.length; at += readBatchHeader(all, at).sizeBytes)
    batches.push(all.subarray(at, at + readBatchHeader(all, at).sizeBytes));
  return batches;
}

describe('message.timestamp.type=LogAppendTime', () => {
  it.each(COMPRESSIONS)('gives all records the time of the append, and tells it: %s', async (compression) => {
    const name = await newTopic({ 'message.timestamp.type': 'LogAppendTime' });
    const before = Date.now();
    const answer = await produce(name, batch([{ timestampMs: 1_000 }, { agoMs: -120 * MINUTE_MS }], { compression }));
    expect([answer.error, answer.baseOffset]).toEqual(['NONE', 0n]);
    const appendTimeMs = Number(answer.logAppendTimeMs);
    expect(appendTimeMs).toBeGreaterThanOrEqual(before);
    expect(appendTimeMs).toBeLessThanOrEqual(Date.now());
    const [only] = await stored(name);
    const header = readBatchHeader(only as Buffer, 0);
    expect(header).toMatchObject({ timestampType: 'LogAppendTime', maxTimestampMs: appendTimeMs, compression });
    const records = decodeBatch(only as Buffer, 0, header, { uncompressedBytesMax: 10_000 });
    expect(records.map(({ timestampMs }) => timestampMs)).toEqual([appendTimeMs, appendTimeMs]);
  });

  it("is the log's to say: a producer that says it is refused there, and corrected elsewhere", async () => {
    const records = () => batch([{ timestampMs: 1_000 }, { timestampMs: 3_000 }], { timestampType: 'LogAppendTime' });
    const refused = await produce(await newTopic({ 'message.timestamp.type': 'LogAppendTime' }), records());
    expect([refused.error, refused.recordErrors.map(({ batchIndex }) => batchIndex)]).toEqual([
      'INVALID_TIMESTAMP',
      [0, 1],
    ]);
    const name = await newTopic({});
    expect((await produce(name, records())).error).toBe('NONE');
    const header = readBatchHeader((await stored(name))[0] as Buffer, 0);
    expect([header.timestampType, header.maxTimestampMs]).toEqual(['CreateTime', 3_000]);
  });

  it('takes effect at the next batch when it is set', async () => {
    const name = await newTopic({});
    await produce(name, batch([{ timestampMs: 1_000 }]));
    const configs = [{ name: 'message.timestamp.type', configOperation: 0, value: 'LogAppendTime' }];
    const resources = [{ resourceType: 2, resourceName: name, configs }];
    await client.request(incrementalAlterConfigsApi, 1, { resources, validateOnly: false });
    await produce(name, batch([{ timestampMs: 1_000 }]));
    const types = (await stored(name)).map((one) => readBatchHeader(one, 0).timestampType);
    expect(types).toEqual(['CreateTime', 'LogAppendTime']);
  });
});

describe('message.timestamp.before.max.ms and .after.max.ms', () => {
  const hourAhead: Sent = { agoMs: -61 * MINUTE_MS };
  it.each<[string, Record<string, string>, readonly Sent[], string, readonly number[]]>([
    ['59 minutes ahead', {}, [{}, { agoMs: -59 * MINUTE_MS }], 'NONE', []],
    ['61 minutes ahead', {}, [{}, hourAhead, {}, hourAhead], 'INVALID_TIMESTAMP', [1, 3]],
    ['since 1970', {}, [{ timestampMs: 0 }], 'NONE', []],
    ['9 of 10 s ago', { 'message.timestamp.before.max.ms': '10000' }, [{}, { agoMs: 9_000 }], 'NONE', []],
    [
      '11 of 10 s ago',
      { 'message.timestamp.before.max.ms': '10000' },
      [{}, { agoMs: 11_000 }],
      'INVALID_TIMESTAMP',
      [1],
    ],
    ['no time', { 'message.timestamp.before.max.ms': '10000' }, [{ timestampMs: -1 }], 'NONE', []],
    ["ahead, of the log's time", { 'message.timestamp.type': 'LogAppendTime' }, [hourAhead], 'NONE', []],
    ['a longer way ahead', { 'message.timestamp.after.max.ms': '7200000' }, [hourAhead], 'NONE', []],
  ])('%s', async (_, configs, records, error, indexes) => {
    for (const compression of ['none', 'lz4'] as const) {
      const answer = await produce(await newTopic(configs), batch(records, { compression }));
      expect([answer.error, answer.recordErrors.map(({ batchIndex }) => batchIndex)]).toEqual([error, indexes]);
      const message = error === 'NONE' ? null : 'One or more records have been rejected due to invalid timestamp';
      expect(answer.errorMessage).toBe(message);
    }
  });

  it('tells the time of each record and the bounds, as Kafka does', async () => {
    const answer = await produce(await newTopic({}), batch([{ timestampMs: 9_000_000_000_000 }]));
    expect(answer.recordErrors.map(({ batchIndexErrorMessage }) => batchIndexErrorMessage)).toEqual([
      expect.stringMatching(
        /^Timestamp 9000000000000 of message with offset 0 is out of range\. The timestamp should be within \[-92233\d{14}, 1\d{12}\]$/,
      ),
    ]);
  });
});

describe('cleanup.policy=compact', () => {
  const compacted = { 'cleanup.policy': 'compact' };
  const told = (index: number, name: string) =>
    `RecordError(batchIndex=${index}, message='Compacted topic cannot accept message without key in topic partition ${name}-0')`;

  it.each(COMPRESSIONS)('refuses records without a key, and says which: %s', async (compression) => {
    const name = await newTopic({ 'cleanup.policy': 'delete,compact' });
    const keys = ['a', null, '', null, null, null];
    const answer = await produce(
      name,
      batch(
        keys.map((key) => ({ key })),
        { compression },
      ),
    );
    expect([answer.error, answer.recordErrors.map(({ batchIndex }) => batchIndex), answer.errorMessage]).toEqual([
      'INVALID_RECORD',
      [1, 3, 4, 5],
      `One or more records have been rejected due to 4 record errors in total, and only showing the first three errors at most: [${told(1, name)}, ${told(3, name)}, ${told(4, name)}]`,
    ]);
    expect(await stored(name)).toEqual([]);
  });

  it('takes an empty key, and null keys elsewhere', async () => {
    expect((await produce(await newTopic(compacted), batch([{ key: '' }]))).error).toBe('NONE');
    expect((await produce(await newTopic({}), batch([{ key: null }]))).error).toBe('NONE');
  });

  it('names a thousand records at most', async () => {
    const records = Array.from({ length: 1_001 }, () => ({ key: null }));
    const answer = await produce(await newTopic(compacted), batch(records));
    expect([answer.recordErrors.length, answer.errorMessage?.slice(0, 63)]).toEqual([
      1_000,
      'One or more records have been rejected due to 1001 record error',
    ]);
  });

  it('does not look into a batch that cannot be looked into', async () => {
    const whole = batch([{ key: 'a' }, { key: 'b' }], { compression: 'gzip' });
    // A good checksum over records that are no gzip.
    const broken = encodeBatch([{ key: 'a', value: Buffer.alloc(0), timestampMs: 1 }]);
    expect((await produce(await newTopic(compacted), whole)).error).toBe('NONE');
    expect((await produce(await newTopic(compacted), withCompressionBits(broken, 1))).error).toBe('CORRUPT_MESSAGE');
  });
});

describe('compression.type', () => {
  it.each(COMPRESSIONS)('%s is what the log has, whatever the producer chose', async (wanted) => {
    const name = await newTopic({ 'compression.type': wanted === 'none' ? 'uncompressed' : wanted });
    for (const compression of COMPRESSIONS) {
      const answer = await produce(name, batch([{ value: 'x'.repeat(500) }, { key: null }], { compression }));
      expect(answer.error).toBe('NONE');
    }
    const headers = (await stored(name)).map((one) => readBatchHeader(one, 0));
    expect(headers.map(({ compression, baseOffset }) => [compression, baseOffset])).toEqual(
      COMPRESSIONS.map((_, index) => [wanted, BigInt(2 * index)]),
    );
    const last = (await stored(name)).at(-1) as Buffer;
    const records = decodeBatch(last, 0, readBatchHeader(last, 0), { uncompressedBytesMax: 10_000 });
    expect(records.map(({ key, value }) => [key?.toString(), value?.length])).toEqual([
      ['k', 500],
      [undefined, 1],
    ]);
  });

  it('producer leaves every batch as it came', async () => {
    const name = await newTopic({ 'compression.type': 'producer' });
    for (const compression of COMPRESSIONS) await produce(name, batch([{}], { compression }));
    expect((await stored(name)).map((one) => readBatchHeader(one, 0).compression)).toEqual([...COMPRESSIONS]);
  });
});

describe('max.message.bytes', () => {
  const limited = { 'max.message.bytes': '1000' };
  it.each<[string, Record<string, string>, Buffer, string]>([
    ['exactly as much', limited, batch([{ value: 'x'.repeat(929) }]), 'NONE'],
    ['one byte more', limited, batch([{ value: 'x'.repeat(930) }]), 'MESSAGE_TOO_LARGE'],
    ['more, compressed', limited, batch([{ value: 'x'.repeat(5_000) }], { compression: 'gzip' }), 'NONE'],
    [
      'more, when it is stored uncompressed',
      { ...limited, 'compression.type': 'uncompressed' },
      batch([{ value: 'x'.repeat(5_000) }], { compression: 'gzip' }),
      'MESSAGE_TOO_LARGE',
    ],
    [
      'more, before it is compressed',
      { ...limited, 'compression.type': 'gzip' },
      batch([{ value: 'x'.repeat(5_000) }]),
      'MESSAGE_TOO_LARGE',
    ],
  ])('%s', async (_, configs, records, error) => {
    expect((await produce(await newTopic(configs), records)).error).toBe(error);
  });
});

/** The batch with these bits of compression, and the checksum that belongs to them. */
function withCompressionBits(whole: Buffer, bits: number): Buffer {
  const changed = Buffer.from(whole);
  changed.writeInt16BE(bits, 21);
  changed.writeUInt32BE(crc32c(changed.subarray(21)), 17);
  return changed;
}
