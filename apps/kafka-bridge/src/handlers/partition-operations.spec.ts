import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { crc32c } from '@tailrace/hashing';
import {
  alterPartitionReassignmentsApi,
  alterReplicaLogDirsApi,
  BATCH_HEADER_BYTES,
  BATCH_PREFIX_BYTES,
  COMPRESSIONS,
  createPartitionsApi,
  deleteRecordsApi,
  describeClusterApi,
  describeLogDirsApi,
  describeTopicPartitionsApi,
  electLeadersApi,
  errorName,
  fetchApi,
  listConfigResourcesApi,
  listOffsetsApi,
  listPartitionReassignmentsApi,
  metadataApi,
  offsetForLeaderEpochApi,
  produceApi,
  readBatchHeader,
} from '@tailrace/kafka-protocol';
import { mergeShards, splitShard } from '@tailrace/shard-core';
import { temporaryDirectory, uniqueName } from '@tailrace/testkit';
import { type DoorUnderTest, openDoorUnderTest } from '../testing/door-under-test.ts';
import { batchOf } from '../testing/records.ts';
import type { WireClient } from '../testing/wire-client.ts';
import { createTopic } from '../topics/topic-creation.ts';

let under: DoorUnderTest;
let client: WireClient;
let logDir: string;
let removeLogDir: () => Promise<void>;
beforeAll(async () => {
  const directory = await temporaryDirectory();
  logDir = directory.path;
  removeLogDir = () => directory.remove();
  under = await openDoorUnderTest({ nodeId: 7, rack: 'zone-a', logDir });
  client = await under.connect();
});
afterAll(async () => {
  client.close();
  await under.close();
  await removeLogDir();
});

async function newTopic(partitionCount = 1, configs: Record<string, string> = {}): Promise<string> {
  const created = await createTopic(under.catalog, { name: uniqueName('topic'), partitionCount, configs });
  if (!created.ok) throw new Error(created.refusal.code);
  return created.value.name;
}

async function produce(name: string, values: readonly string[], index = 0): Promise<string | undefined> {
  const topicData = [{ name, partitionData: [{ index, records: batchOf(values) }] }];
  const { responses } = await client.request(produceApi, 9, { acks: -1, timeoutMs: 5_000, topicData });
  return errorName(responses[0]?.partitionResponses[0]?.errorCode ?? NaN);
}

async function grow(
  topics: readonly { name: string; count: number; assignments?: { brokerIds: number[] }[] | null }[],
  validateOnly = false,
) {
  const full = topics.map((topic) => ({ assignments: null, ...topic }));
  const { results } = await client.request(createPartitionsApi, 3, { topics: full, timeoutMs: 10_000, validateOnly });
  return results.map(({ errorCode, errorMessage }) => [errorName(errorCode), errorMessage]);
}

async function partitionsOf(name: string): Promise<number[]> {
  const { topics } = await client.request(metadataApi, 12, { topics: [{ name }], allowAutoTopicCreation: false });
  return topics[0]?.partitions.map(({ partitionIndex }) => partitionIndex) ?? [];
}

describe('CreatePartitions', () => {
  it('gives a topic exactly as many partitions, and all of them take records', async () => {
    const name = await newTopic(2);
    await produce(name, ['before'], 1);
    expect(await grow([{ name, count: 7 }])).toEqual([['NONE', null]]);
    expect(await partitionsOf(name)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    for (let index = 0; index < 7; index++) expect(await produce(name, [`p${index}`], index)).toBe('NONE');
    const stream = under.catalog.peek(name);
    // Every partition has an open shard of its own, and their ranges cover everything.
    expect([stream?.openShards.length, stream?.partitions.every(({ chain }) => chain.at(-1)?.closedAtMs === undefined)]).toEqual([7, true]); // prettier-ignore
  });

  it('leaves records and offsets of the partitions that there were where they are', async () => {
    const name = await newTopic(1);
    await produce(name, ['a', 'b']);
    await grow([{ name, count: 3 }]);
    await produce(name, ['c']);
    const fetched: string[] = [];
    for (let fetchOffset = 0n; fetchOffset < 3n;) {
      const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 100_000 }];
      const topics = [{ topic: name, partitions }];
      const { responses } = await client.request(fetchApi, 12, { maxWaitMs: 100, minBytes: 1, topics });
      const records = responses[0]?.partitions[0]?.records as Buffer;
      const { baseOffset, recordCount } = readBatchHeader(records, 0);
      fetched.push(`${baseOffset}+${recordCount}`);
      fetchOffset = baseOffset + BigInt(recordCount);
    }
    expect(fetched).toEqual(['0+2', '2+1']);
  });

  it('wakes dormant partitions first, and still makes exactly as many', async () => {
    const name = await newTopic(4);
    await mergeShards(under.catalog, name, 0, 1);
    expect((await partitionsOf(name)).length).toBe(4);
    expect(await grow([{ name, count: 5 }])).toEqual([['NONE', null]]);
    expect((await partitionsOf(name)).length).toBe(5);
    expect(under.catalog.peek(name)?.openShards.length).toBe(5);
  });

  it('is done once for two that ask at once', async () => {
    const name = await newTopic(1);
    const answers = await Promise.all([grow([{ name, count: 3 }]), grow([{ name, count: 3 }])]);
    expect(answers.flat().map(([error]) => error)).toContain('NONE');
    expect(await partitionsOf(name)).toEqual([0, 1, 2]);
  });

  it('only looks when asked to', async () => {
    const name = await newTopic(2);
    expect(await grow([{ name, count: 3 }], true)).toEqual([['NONE', null]]);
    expect(await partitionsOf(name)).toEqual([0, 1]);
  });

  it.each<[string, number, { brokerIds: number[] }[] | null, string, string]>([
    ['as many as there are', 2, null, 'INVALID_PARTITIONS', 'Topic already has 2 partition(s).'],
    [
      'fewer',
      1,
      null,
      'INVALID_PARTITIONS',
      'The topic NAME currently has 2 partition(s); 1 would not be an increase.',
    ],
    ['none', 0, null, 'INVALID_PARTITIONS', 'The topic NAME currently has 2 partition(s); 0 would not be an increase.'],
    [
      'more than one topic can have',
      1_252,
      null,
      'INVALID_PARTITIONS',
      'The topic NAME has 2 partition(s) and no room for 1252.',
    ],
    [
      'more than anybody can have',
      2_000_000_000,
      null,
      'INVALID_PARTITIONS',
      'The topic NAME has 2 partition(s) and no room for 2000000000.',
    ],
    [
      'too few brokers',
      4,
      [{ brokerIds: [7] }],
      'INVALID_REPLICA_ASSIGNMENT',
      'Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.',
    ],
    [
      'no broker',
      3,
      [{ brokerIds: [] }],
      'INVALID_REPLICA_ASSIGNMENT',
      'The manual partition assignment includes an empty replica list.',
    ],
    [
      'a broker twice',
      3,
      [{ brokerIds: [7, 7] }],
      'INVALID_REPLICA_ASSIGNMENT',
      'The manual partition assignment includes the broker 7 more than once.',
    ],
    [
      'a broker that there is not',
      3,
      [{ brokerIds: [9] }],
      'INVALID_REPLICA_ASSIGNMENT',
      'The manual partition assignment includes broker 9, but no such broker is registered.',
    ],
  ])('refuses %s', async (_, count, assignments, error, message) => {
    // prettier-ignore
    const name = await newTopic(2);
    expect(await grow([{ name, count, assignments }])).toEqual([[error, message.replace('NAME', name)]]);
    expect(await partitionsOf(name)).toEqual([0, 1]);
  });

  it('takes requests of 10,000 partitions', async () => {
    const [a, b] = [await newTopic(1), await newTopic(1)];
    const codes = async (count: number) => (await grow([{ name: a, count: 2 }, { name: b, count }], true)).map(([code]) => code); // prettier-ignore
    expect([await codes(9_998), await codes(9_999)]).toEqual([['NONE', 'INVALID_PARTITIONS'], ['POLICY_VIOLATION', 'POLICY_VIOLATION']]); // prettier-ignore
  });

  it('takes brokers that there are, and knows topics', async () => {
    const name = await newTopic(1);
    expect(await grow([{ name, count: 2, assignments: [{ brokerIds: [7] }] }, { name: 'no-such-topic', count: 2 }])).toEqual([
      ['NONE', null],
      ['UNKNOWN_TOPIC_OR_PARTITION', null],
    ]); // prettier-ignore
    expect(
      await grow([
        { name, count: 3 },
        { name, count: 4 },
      ]),
    ).toEqual([['INVALID_REQUEST', 'Duplicate topic name.']]);
  });
});

async function deleteBefore(name: string, ...partitions: readonly [number, bigint][]) {
  const wanted = partitions.map(([partitionIndex, offset]) => ({ partitionIndex, offset }));
  const { topics } = await client.request(deleteRecordsApi, 2, { topics: [{ name, partitions: wanted }], timeoutMs: 1_000 }); // prettier-ignore
  return topics[0]?.partitions.map(({ partitionIndex, lowWatermark, errorCode }) => [
    partitionIndex,
    lowWatermark,
    errorName(errorCode),
  ]);
}

async function earliest(name: string, partitionIndex = 0): Promise<bigint | undefined> {
  const partitions = [{ partitionIndex, timestamp: -2n }];
  const { topics } = await client.request(listOffsetsApi, 5, { replicaId: -1, topics: [{ name, partitions }] });
  return topics[0]?.partitions[0]?.offset;
}

describe('ListOffsets by time', () => {
  it('answers with the batch where its records would come to more than may be taken apart', async () => {
    const name = await newTopic();
    const batch = batchOf(['a']);
    // A raw snappy block that says it holds 4 GiB.
    const bomb = Buffer.concat([batch.subarray(0, BATCH_HEADER_BYTES), Buffer.from('ffffffff0f00', 'hex')]);
    bomb.writeInt32BE(bomb.length - BATCH_PREFIX_BYTES, 8);
    bomb.writeInt16BE(COMPRESSIONS.indexOf('snappy'), 21);
    bomb.writeUInt32BE(crc32c(bomb.subarray(21)), 17);
    const topicData = [{ name, partitionData: [{ index: 0, records: bomb }] }];
    const { responses } = await client.request(produceApi, 9, { acks: -1, timeoutMs: 5_000, topicData });
    expect(errorName(responses[0]?.partitionResponses[0]?.errorCode ?? NaN)).toBe('NONE');
    const partitions = [{ partitionIndex: 0, timestamp: 0n }];
    const { topics } = await client.request(listOffsetsApi, 5, { replicaId: -1, topics: [{ name, partitions }] });
    expect(topics[0]?.partitions.map(({ errorCode, offset }) => [errorName(errorCode), offset])).toEqual([
      ['NONE', 0n],
    ]);
  });
});

describe('DeleteRecords', () => {
  it('forgets what lies before an offset, and never brings it back', async () => {
    const name = await newTopic(2);
    await produce(name, ['a', 'b', 'c', 'd']);
    expect(await deleteBefore(name, [0, 2n], [1, 0n])).toEqual([[0, 2n, 'NONE'], [1, 0n, 'NONE']]); // prettier-ignore
    expect(await deleteBefore(name, [0, 1n])).toEqual([[0, 2n, 'NONE']]);
    expect(await earliest(name)).toBe(2n);
    expect(await deleteBefore(name, [0, -1n], [1, -1n])).toEqual([[0, 4n, 'NONE'], [1, 0n, 'NONE']]); // prettier-ignore
    expect(await earliest(name)).toBe(4n);
    expect(await produce(name, ['e'])).toBe('NONE');
    expect(await earliest(name)).toBe(4n);
  });

  it('goes over all shards that a partition has been', async () => {
    const name = await newTopic(1);
    const halve = async () => {
      const stream = under.catalog.peek(name);
      const shard = stream?.partitions[0]?.appendTo;
      if (shard === undefined) throw new Error('no shard');
      const { start, end } = shard.hashRange;
      await splitShard(under.catalog, name, shard.number, (start + end) / 2n + 1n);
    };
    await produce(name, ['0', '1', '2']);
    await halve();
    await produce(name, ['3', '4']);
    await halve();
    await produce(name, ['5']);
    expect(under.catalog.peek(name)?.partitions[0]?.chain.length).toBe(3);
    expect(await deleteBefore(name, [0, 1n])).toEqual([[0, 1n, 'NONE']]);
    expect(await deleteBefore(name, [0, 4n])).toEqual([[0, 4n, 'NONE']]);
    expect(await earliest(name)).toBe(4n);
    expect(await deleteBefore(name, [0, 3n])).toEqual([[0, 4n, 'NONE']]);
    expect(await deleteBefore(name, [0, 5n])).toEqual([[0, 5n, 'NONE']]);
    expect(await deleteBefore(name, [0, -1n])).toEqual([[0, 6n, 'NONE']]);
    expect(await deleteBefore(name, [0, 7n])).toEqual([[0, -1n, 'OFFSET_OUT_OF_RANGE']]);
  });

  it.each<[string, Record<string, string>, number, bigint, string]>([
    ['an offset beyond the end', {}, 0, 2n, 'OFFSET_OUT_OF_RANGE'],
    ['a negative offset', {}, 0, -2n, 'OFFSET_OUT_OF_RANGE'],
    ['a partition that there is not', {}, 1, 0n, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['a partition below 0', {}, -1, 0n, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['a topic that is only compacted', { 'cleanup.policy': 'compact' }, 0, 1n, 'POLICY_VIOLATION'],
  ])('refuses %s', async (_, configs, partition, offset, error) => {
    const name = await newTopic(1, configs);
    await produce(name, configs['cleanup.policy'] === undefined ? ['a'] : []).catch(() => undefined);
    expect(await deleteBefore(name, [partition, offset])).toEqual([[partition, -1n, error]]);
  });

  it('knows no topics that there are not', async () => {
    expect(await deleteBefore('no-such-topic', [0, 0n])).toEqual([[0, -1n, 'UNKNOWN_TOPIC_OR_PARTITION']]);
  });
});

describe('OffsetForLeaderEpoch', () => {
  it.each<[string, number, number, number, string, number, bigint]>([
    ['the epoch that there is', 0, -1, 0, 'NONE', 0, 3n],
    ['the same, and what the client believes', 0, 0, 0, 'NONE', 0, 3n],
    ['an epoch to come', 0, -1, 5, 'NONE', -1, -1n],
    ['no epoch', 0, -1, -1, 'NONE', -1, -1n],
    ['a client ahead of its time', 0, 5, 0, 'UNKNOWN_LEADER_EPOCH', -1, -1n],
    ['a partition that there is not', 9, -1, 0, 'UNKNOWN_TOPIC_OR_PARTITION', -1, -1n],
  ])('%s', async (_, partition, currentLeaderEpoch, leaderEpoch, error, epoch, endOffset) => {
    const name = await newTopic(1);
    await produce(name, ['a', 'b', 'c']);
    for (const version of [2, 3, 4]) {
      const partitions = [{ partition, currentLeaderEpoch, leaderEpoch }];
      const { topics } = await client.request(offsetForLeaderEpochApi, version, {
        topics: [{ topic: name, partitions }],
      });
      expect(topics[0]?.partitions.map((one) => [errorName(one.errorCode), one.leaderEpoch, one.endOffset])).toEqual([
        [error, epoch, endOffset],
      ]);
    }
  });
});

describe('DescribeLogDirs', () => {
  it('tells the size of every partition, over all shards it has been, and of the volume', async () => {
    const name = await newTopic(2);
    const batch = batchOf(['a', 'b', 'c']);
    await produce(name, ['a', 'b', 'c'], 1);
    const { results, errorCode } = await client.request(describeLogDirsApi, 5, { topics: [{ topic: name, partitions: [0, 1, 9] }, { topic: 'no-such-topic', partitions: [0] }] }); // prettier-ignore
    expect([errorCode, results.length]).toEqual([0, 1]);
    const { topics, totalBytes, usableBytes, ...dir } = results[0] as (typeof results)[number];
    expect(dir).toEqual({ errorCode: 0, logDir, isCordoned: false });
    expect(totalBytes).toBeGreaterThan(usableBytes);
    expect(usableBytes).toBeGreaterThan(0n);
    expect(topics).toEqual([
      {
        name,
        partitions: [
          { partitionIndex: 0, partitionSize: 0n, offsetLag: 0n, isFutureKey: false },
          { partitionIndex: 1, partitionSize: BigInt(batch.length), offsetLag: 0n, isFutureKey: false },
        ],
      },
    ]);
  });

  it('tells of all topics where none is named, and of none where the list is empty', async () => {
    const name = await newTopic(1);
    const all = await client.request(describeLogDirsApi, 1, { topics: null });
    expect(all.results[0]?.topics.map((topic) => topic.name)).toContain(name);
    const none = await client.request(describeLogDirsApi, 1, { topics: [] });
    expect(none.results[0]?.topics).toEqual([]);
  });
});

describe('AlterReplicaLogDirs', () => {
  it('finds what lies there already, and no other directory', async () => {
    const name = await newTopic(1);
    const { results } = await client.request(alterReplicaLogDirsApi, 2, {
      dirs: [
        { path: logDir, topics: [{ name, partitions: [0, 3] }, { name: 'no-such-topic', partitions: [0] }] },
        { path: '/elsewhere', topics: [{ name, partitions: [0] }] },
      ],
    }); // prettier-ignore
    expect(results.map(({ topicName, partitions }) => [topicName, partitions.map((one) => [one.partitionIndex, errorName(one.errorCode)])])).toEqual([
      [name, [[0, 'LOG_DIR_NOT_FOUND'], [3, 'UNKNOWN_TOPIC_OR_PARTITION']]],
      ['no-such-topic', [[0, 'UNKNOWN_TOPIC_OR_PARTITION']]],
    ]); // prettier-ignore
  });
});

describe('ElectLeaders', () => {
  it('has nothing to elect', async () => {
    const name = await newTopic(1);
    const topicPartitions = [{ topic: name, partitions: [0, 5] }, { topic: 'no-such-topic', partitions: [0] }]; // prettier-ignore
    const answer = await client.request(electLeadersApi, 2, { electionType: 0, topicPartitions, timeoutMs: 1_000 });
    expect([answer.errorCode, answer.replicaElectionResults]).toEqual([
      0,
      [
        {
          topic: name,
          partitionResult: [
            { partitionId: 0, errorCode: 84, errorMessage: 'Leader election not needed for topic partition.' },
            { partitionId: 5, errorCode: 3, errorMessage: `No such partition as ${name}-5` },
          ],
        },
        {
          topic: 'no-such-topic',
          partitionResult: [{ partitionId: 0, errorCode: 3, errorMessage: 'No such topic as no-such-topic' }],
        },
      ],
    ]);
    const all = await client.request(electLeadersApi, 1, { electionType: 1, topicPartitions: null, timeoutMs: 1_000 });
    expect(all.replicaElectionResults.find(({ topic }) => topic === name)).toEqual({
      topic: name,
      partitionResult: [],
    });
  });

  it('knows two kinds of elections', async () => {
    const topicPartitions = [{ topic: await newTopic(1), partitions: [0] }];
    const answer = await client.request(electLeadersApi, 2, { electionType: 5, topicPartitions, timeoutMs: 1_000 });
    expect([answer.errorCode, answer.replicaElectionResults[0]?.partitionResult]).toEqual([
      42,
      [{ partitionId: 0, errorCode: 42, errorMessage: 'Unknown election type 5' }],
    ]);
  });
});

describe('partition reassignments', () => {
  it('are taken where they are so already, and none is ever under way', async () => {
    const name = await newTopic(1);
    const ask = async (partitionIndex: number, replicas: number[] | null, topic = name) => {
      const topics = [{ name: topic, partitions: [{ partitionIndex, replicas }] }];
      const { responses } = await client.request(alterPartitionReassignmentsApi, 1, { timeoutMs: 1_000, topics });
      return responses[0]?.partitions.map(({ errorCode, errorMessage }) => [errorName(errorCode), errorMessage])[0];
    };
    expect(await ask(0, [7])).toEqual(['NONE', null]);
    expect(await ask(0, null)).toEqual(['NO_REASSIGNMENT_IN_PROGRESS', null]);
    expect(await ask(0, [])).toEqual(['INVALID_REPLICA_ASSIGNMENT', 'The manual partition assignment includes an empty replica list.']); // prettier-ignore
    expect(await ask(0, [9])).toEqual(['INVALID_REPLICA_ASSIGNMENT', 'The manual partition assignment includes broker 9, but no such broker is registered.']); // prettier-ignore
    expect(await ask(4, [7])).toEqual(['UNKNOWN_TOPIC_OR_PARTITION', `Unable to find partition ${name}:4.`]);
    expect(await ask(0, [7], 'no-such-topic')).toEqual(['UNKNOWN_TOPIC_OR_PARTITION', 'Unable to find a topic named no-such-topic.']); // prettier-ignore
    const listed = await client.request(listPartitionReassignmentsApi, 0, { timeoutMs: 1_000, topics: null });
    expect([listed.errorCode, listed.topics]).toEqual([0, []]);
  });
});

describe('DescribeCluster', () => {
  it.each([0, 1, 2])('names the brokers with their racks in version %i', async (version) => {
    const answer = await client.request(describeClusterApi, version, { includeClusterAuthorizedOperations: true });
    expect(answer).toEqual({
      throttleTimeMs: 0,
      errorCode: 0,
      errorMessage: null,
      endpointType: 1,
      clusterId: expect.stringMatching(/^[\w-]{22}$/),
      controllerId: 7,
      brokers: [{ brokerId: 7, host: '127.0.0.1', port: under.address.port, rack: 'zone-a', isFenced: false }],
      clusterAuthorizedOperations: 8096,
    });
  });

  it('is no controller, and nothing else', async () => {
    const error = async (endpointType: number) => {
      const answer = await client.request(describeClusterApi, 2, { includeClusterAuthorizedOperations: false, endpointType }); // prettier-ignore
      return [errorName(answer.errorCode), answer.brokers, answer.controllerId];
    };
    expect(await error(2)).toEqual(['MISMATCHED_ENDPOINT_TYPE', [], -1]);
    expect(await error(3)).toEqual(['UNSUPPORTED_ENDPOINT_TYPE', [], -1]);
  });

  it('is the same in Metadata, which tells what may be done when asked', async () => {
    const name = await newTopic(1);
    const ask = async (topics: { name: string }[] | null) => {
      const flags = { includeClusterAuthorizedOperations: true, includeTopicAuthorizedOperations: true };
      const answer = await client.request(metadataApi, 8, { topics, ...flags });
      const topic = answer.topics.find((one) => one.name === name);
      return [answer.clusterAuthorizedOperations, topic?.topicAuthorizedOperations, answer.brokers[0]?.rack];
    };
    expect(await ask([{ name }])).toEqual([8096, 3576, 'zone-a']);
    expect(await ask(null)).toEqual([8096, 3576, 'zone-a']);
  });
});

describe('DescribeTopicPartitions', () => {
  async function page(
    topics: readonly string[],
    responsePartitionLimit: number,
    cursor: { topicName: string; partitionIndex: number } | null = null,
  ) {
    const answer = await client.request(describeTopicPartitionsApi, 0, { topics: topics.map((name) => ({ name })), responsePartitionLimit, cursor }); // prettier-ignore
    const seen = answer.topics.map((topic) => [topic.name, errorName(topic.errorCode), topic.partitions.map(({ partitionIndex }) => partitionIndex)]); // prettier-ignore
    return { seen, next: answer.nextCursor, topics: answer.topics };
  }

  it('goes through topics and partitions in order, page by page', async () => {
    const prefix = uniqueName('pages');
    const names = [`${prefix}-a`, `${prefix}-b`, `${prefix}-c`] as const;
    for (const [index, name] of names.entries())
      await createTopic(under.catalog, { name, partitionCount: index + 1, configs: {} });
    const [a, b, c] = names;
    const first = await page([c, a, b], 2);
    expect([first.seen, first.next]).toEqual([
      [
        [a, 'NONE', [0]],
        [b, 'NONE', [0]],
      ],
      { topicName: b, partitionIndex: 1 },
    ]);
    const second = await page([c, a, b], 2, first.next);
    expect([second.seen, second.next]).toEqual([
      [
        [b, 'NONE', [1]],
        [c, 'NONE', [0]],
      ],
      { topicName: c, partitionIndex: 1 },
    ]);
    const third = await page([c, a, b], 2, second.next);
    expect([third.seen, third.next]).toEqual([[[c, 'NONE', [1, 2]]], null]);
    const last = await page([], 0, { topicName: c, partitionIndex: 0 });
    expect([last.seen[0], last.next]).toEqual([[c, 'NONE', [0]], { topicName: c, partitionIndex: 1 }]);
  });

  it('ends a page between topics', async () => {
    const prefix = uniqueName('edge');
    const names = [`${prefix}-a`, `${prefix}-b`] as const;
    for (const name of names) await createTopic(under.catalog, { name, partitionCount: 2, configs: {} });
    const first = await page(names, 2);
    expect([first.seen, first.next]).toEqual([
      [[names[0], 'NONE', [0, 1]]],
      { topicName: names[1], partitionIndex: 0 },
    ]);
  });

  it('describes a partition as Metadata does', async () => {
    const name = await newTopic(1);
    const { topics } = await page([name], 10);
    expect(topics).toEqual([
      {
        errorCode: 0,
        name,
        topicId: under.catalog.peek(name)?.id,
        isInternal: false,
        partitions: [
          {
            errorCode: 0,
            partitionIndex: 0,
            leaderId: 7,
            leaderEpoch: 0,
            replicaNodes: [7],
            isrNodes: [7],
            eligibleLeaderReplicas: [],
            lastKnownElr: [],
            offlineReplicas: [],
          },
        ],
        topicAuthorizedOperations: 3576,
      },
    ]);
  });

  it.each<[string, string[], { topicName: string; partitionIndex: number } | null, unknown]>([
    [
      'names that are none',
      ['a/b', 'no-such-topic'],
      null,
      [
        ['a/b', 'INVALID_TOPIC_EXCEPTION', []],
        ['no-such-topic', 'UNKNOWN_TOPIC_OR_PARTITION', []],
      ],
    ],
    ['a cursor behind everything', [], { topicName: '~', partitionIndex: 3 }, []],
    ['a cursor before partition 0', ['x'], { topicName: 'x', partitionIndex: -1 }, [['x', 'INVALID_REQUEST', []]]],
  ])('answers to %s', async (_, names, cursor, expected) => {
    // prettier-ignore
    expect((await page(names, 10, cursor)).seen).toEqual(expected);
  });
});

describe('ListConfigResources', () => {
  it('names everything that has settings, by type', async () => {
    const name = await newTopic(1);
    const ask = async (resourceTypes: number[], version = 1) => {
      const answer = await client.request(listConfigResourcesApi, version, { resourceTypes });
      return [answer.errorCode, answer.configResources.map((one) => `${one.resourceType} ${one.resourceName}`)];
    };
    expect(await ask([2])).toEqual([0, under.catalog.names().map((one) => `2 ${one}`)]);
    expect(await ask([4, 8])).toEqual([0, ['4 7', '8 7']]);
    expect(await ask([])).toEqual([0, expect.arrayContaining([`2 ${name}`, '4 7', '8 7'])]);
    expect(await ask([], 0)).toEqual([0, []]);
    expect(await ask([64])).toEqual([35, []]);
  });
});
