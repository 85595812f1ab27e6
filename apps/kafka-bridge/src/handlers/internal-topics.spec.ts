import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createTopicsApi,
  decodeBatch,
  decodeCoordinatorValue,
  deleteRecordsApi,
  deleteTopicsApi,
  describeConfigsApi,
  describeTopicPartitionsApi,
  errorCodes,
  errorName,
  fetchApi,
  metadataApi,
  offsetCommitApi,
  offsetCommitRecord,
  produceApi,
  readBatchHeader,
  ZERO_UUID,
} from '@tailrace/kafka-protocol';
import { uniqueName } from '@tailrace/testkit';
import { offsetsPartitionOf } from '../groups/offsets-topic/offsets-topic.ts';
import { type DoorUnderTest, openDoorUnderTest } from '../testing/door-under-test.ts';
import { batchOf } from '../testing/records.ts';
import type { WireClient } from '../testing/wire-client.ts';
import { createTopic } from '../topics/topic-creation.ts';

const NAME = '__consumer_offsets';

let under: DoorUnderTest;
let client: WireClient;
beforeAll(async () => {
  under = await openDoorUnderTest({ autoCreateTopics: false });
  client = await under.connect();
});
afterAll(async () => {
  client.close();
  await under.close();
});

async function describeTopic(name: string) {
  const { topics } = await client.request(metadataApi, 12, {
    topics: [{ name, topicId: ZERO_UUID }],
    allowAutoTopicCreation: false,
  });
  return topics[0];
}

async function committed(groupId: string, offset: bigint): Promise<void> {
  const name = uniqueName('read');
  await createTopic(under.catalog, { name, partitionCount: 1, configs: {} });
  const partitions = [{ partitionIndex: 0, committedOffset: offset, committedMetadata: null }];
  const simple = { groupId, generationIdOrMemberEpoch: -1, memberId: '' };
  const { topics } = await client.request(offsetCommitApi, 8, { ...simple, topics: [{ name, partitions }] });
  expect(topics[0]?.partitions[0]?.errorCode).toBe(0);
}

/** The offsets that the topic shows for a group. */
async function shown(groupId: string): Promise<bigint[]> {
  const partition = { partition: offsetsPartitionOf(groupId), fetchOffset: 0n, partitionMaxBytes: 1_000_000 };
  const { responses } = await client.request(fetchApi, 12, {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 1_000_000,
    isolationLevel: 1,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [{ topic: NAME, partitions: [partition] }],
    forgottenTopicsData: [],
  });
  const records = responses[0]?.partitions[0]?.records ?? Buffer.alloc(0);
  const offsets: bigint[] = [];
  for (let position = 0; position < records.length;) {
    const header = readBatchHeader(records, position);
    for (const { value } of decodeBatch(records, position, header, { uncompressedBytesMax: 1_000_000 })) {
      offsets.push(decodeCoordinatorValue(offsetCommitRecord, value as Buffer).offset);
    }
    position += header.sizeBytes;
  }
  return offsets;
}

describe('__consumer_offsets', () => {
  it('is not made by a Produce, with as many partitions as any topic', async () => {
    const creating = await openDoorUnderTest({ autoCreateTopics: true });
    const producer = await creating.connect();
    const { responses } = await producer.request(produceApi, 9, {
      acks: -1,
      timeoutMs: 1_000,
      topicData: [{ name: NAME, partitionData: [{ index: 0, records: batchOf(['a']) }] }],
    });
    expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
    expect(await creating.catalog.find(NAME)).toBeUndefined();
    producer.close();
    await creating.close();
  });

  it('is in no list before anybody names it', async () => {
    const { topics } = await client.request(metadataApi, 12, { topics: null, allowAutoTopicCreation: false });
    expect(topics).toEqual([]);
  });

  it('is there as soon as somebody names it, where clients may make no topics, with what was committed', async () => {
    const groupId = uniqueName('group');
    await committed(groupId, 7n);
    const topic = await describeTopic(NAME);
    expect([topic?.errorCode, topic?.isInternal, topic?.partitions.length]).toEqual([0, true, 50]);
    expect(await shown(groupId)).toEqual([7n]);
  });

  it('has the settings that Kafka gives it', async () => {
    const resources = [{ resourceType: 2, resourceName: NAME, configurationKeys: null }];
    const { results } = await client.request(describeConfigsApi, 4, { resources, includeSynonyms: false });
    const set = results[0]?.configs.filter(({ configSource }) => configSource === 1) ?? [];
    expect(Object.fromEntries(set.map(({ name, value }) => [name, value]))).toEqual({
      'cleanup.policy': 'compact',
      'compression.type': 'producer',
      'segment.bytes': '104857600',
    });
  });

  it('is written by the service alone', async () => {
    const topicData = [{ name: NAME, partitionData: [{ index: 0, records: batchOf(['x']) }] }];
    const produce = { transactionalId: null, acks: -1, timeoutMs: 1_000, topicData };
    const produced = await client.request(produceApi, 9, produce);
    expect(errorName(produced.responses[0]?.partitionResponses[0]?.errorCode ?? -1)).toBe('INVALID_TOPIC_EXCEPTION');
    const topics = [{ name: NAME, partitions: [{ partitionIndex: 0, offset: 0n }] }];
    const trimmed = await client.request(deleteRecordsApi, 2, { timeoutMs: 1_000, topics });
    expect(errorName(trimmed.topics[0]?.partitions[0]?.errorCode ?? -1)).toBe('INVALID_TOPIC_EXCEPTION');
  });

  it.each([NAME, '__transaction_state'])('cannot be made by a client: %s', async (name) => {
    const topics = [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }];
    const made = await client.request(createTopicsApi, 7, { topics, timeoutMs: 1_000, validateOnly: false });
    expect(errorName(made.topics[0]?.errorCode ?? -1)).toBe('TOPIC_ALREADY_EXISTS');
  });

  it('can be deleted, and comes back whole when it is named again', async () => {
    const groupId = uniqueName('group');
    await committed(groupId, 9n);
    const before = (await describeTopic(NAME))?.topicId;
    const topics = [{ name: NAME, topicId: ZERO_UUID }];
    const deleted = await client.request(deleteTopicsApi, 6, { topics, topicNames: [], timeoutMs: 1_000 });
    expect(deleted.responses[0]?.errorCode).toBe(0);
    const described = await client.request(describeTopicPartitionsApi, 0, {
      topics: [{ name: NAME }],
      responsePartitionLimit: 100,
      cursor: null,
    });
    expect([described.topics[0]?.errorCode, described.topics[0]?.partitions.length]).toEqual([0, 50]);
    expect(described.topics[0]?.topicId).not.toBe(before);
    expect(await shown(groupId)).toEqual([9n]);
  });
});
