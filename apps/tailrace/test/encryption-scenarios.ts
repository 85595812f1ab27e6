import { createHash } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { openBothDoors, type BothDoors } from './both-doors.ts';
import { eventually, uniqueName } from '@tailrace/testkit';

const keyOf = (id: string) => `${id}=${createHash('sha256').update(id).digest('base64')}`;

interface KinesisRecord {
  readonly Data: string;
  readonly PartitionKey: string;
  readonly EncryptionType?: string;
}

/** Everything in a stream by GetRecords, shard after shard. */
async function readAll({ aws }: BothDoors, StreamName: string): Promise<KinesisRecord[]> {
  const { Shards } = await aws<{ Shards: { ShardId: string }[] }>('ListShards', { StreamName });
  const records: KinesisRecord[] = [];
  for (const { ShardId } of Shards) {
    const at = { StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' };
    let { ShardIterator: iterator } = await aws<{ ShardIterator: string | undefined }>('GetShardIterator', at);
    while (iterator !== undefined) {
      const page = await aws<{ Records: KinesisRecord[]; NextShardIterator?: string }>('GetRecords', {
        ShardIterator: iterator,
      });
      records.push(...page.Records);
      iterator = page.Records.length > 0 ? page.NextShardIterator : undefined;
    }
  }
  return records;
}

async function consume({ kafka }: BothDoors, topic: string, count: number): Promise<string[]> {
  const consumer = kafka.consumer({ groupId: uniqueName('group') });
  const values: string[] = [];
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachMessage: ({ message }) => {
        values.push(message.value?.toString() ?? '');
        return Promise.resolve();
      },
    });
    await eventually(() => expect(values.length).toBeGreaterThanOrEqual(count), { timeoutMs: 20_000 });
  } finally {
    await consumer.disconnect();
  }
  return values.sort();
}

/**
 * What both doors see of an encrypted stream. `env`: of the store, which outlives the doors. `lying`: all that lies in it.
 */
export function encryptionScenarios(
  env: () => Promise<Readonly<Record<string, string>>>,
  lying: () => Promise<Buffer>,
): void {
  it('reads through both doors what either wrote, before, under one key, under the next, and through a split; none of it lies in the clear', async () => {
    const store = await env();
    const StreamName = uniqueName('encrypted');
    let doors = await openBothDoors({ ...store, TAILRACE_ENCRYPTION_KEYS: keyOf('first') });
    const written: string[] = [];
    const data = (text: string) => Buffer.from(text).toString('base64');
    const put = async (value: string) => {
      written.push(value);
      return doors.aws<{ EncryptionType?: string }>('PutRecord', {
        StreamName,
        PartitionKey: value,
        Data: data(value),
      });
    };
    const produce = async (value: string) => {
      const producer = doors.kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
      await producer.connect();
      await producer.send({ topic: StreamName, messages: [{ key: value, value }], acks: -1 });
      await producer.disconnect();
      written.push(value);
    };
    try {
      await doors.aws('CreateStream', { StreamName, ShardCount: 1 });
      expect(await put('plain-by-kinesis')).not.toHaveProperty('EncryptionType');
      await doors.aws('StartStreamEncryption', { StreamName, EncryptionType: 'KMS', KeyId: 'alias/aws/kinesis' });
      expect(await put('hidden-1-by-kinesis')).toMatchObject({ EncryptionType: 'KMS' });
      await produce('hidden-2-by-kafka');
      await doors.aws('SplitShard', {
        StreamName,
        ShardToSplit: 'shardId-000000000000',
        NewStartingHashKey: String(1n << 127n),
      });
      for (const i of [3, 4, 5, 6]) await put(`hidden-${i}-by-kinesis`);
      await doors.close();

      doors = await openBothDoors({ ...store, TAILRACE_ENCRYPTION_KEYS: `${keyOf('second')},${keyOf('first')}` });
      await doors.aws('StartStreamEncryption', { StreamName, EncryptionType: 'KMS', KeyId: 'alias/aws/kinesis' });
      await put('hidden-7-by-kinesis');
      await produce('hidden-8-by-kafka');
      await doors.aws('StopStreamEncryption', { StreamName, EncryptionType: 'KMS', KeyId: 'second' });
      expect(await put('again-plain-by-kinesis')).not.toHaveProperty('EncryptionType');

      const records = await readAll(doors, StreamName);
      expect(records.map(({ Data }) => Buffer.from(Data, 'base64').toString()).sort()).toEqual([...written].sort());
      for (const { PartitionKey, EncryptionType } of records) {
        expect([PartitionKey, EncryptionType]).toEqual([PartitionKey, /hidden/.test(PartitionKey) ? 'KMS' : undefined]);
      }
      expect(await consume(doors, StreamName, written.length)).toEqual([...written].sort());
      const there = await lying();
      expect(there.includes('plain-by-kinesis')).toBe(true);
      expect(there.includes('hidden')).toBe(false);
      await doors.close();

      // Without the first key, what it hides is not given out, and said to be without its key.
      doors = await openBothDoors({ ...store, TAILRACE_ENCRYPTION_KEYS: keyOf('second') });
      await expect(readAll(doors, StreamName)).rejects.toThrow('KMSNotFoundException');
    } finally {
      await doors.close();
    }
  });
}
