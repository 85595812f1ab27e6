import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  apiVersionsApi,
  createTopicsApi,
  type CreateTopicsRequest,
  deleteTopicsApi,
  errorName,
  initProducerIdApi,
  listOffsetsApi,
  metadataApi,
  produceApi,
  ZERO_UUID,
} from '@tailrace/kafka-protocol';
import { uniqueName } from '@tailrace/testkit';
import { type DoorUnderTest, openDoorUnderTest } from '../testing/door-under-test.ts';
import { batchOf } from '../testing/records.ts';
import type { WireClient } from '../testing/wire-client.ts';
import { topicConfigs } from '../topics/configs/topic-configs.ts';
import { createTopic } from '../topics/topic-creation.ts';
import { handlers } from './index.ts';

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

async function newTopic(partitionCount = 1) {
  const created = await createTopic(under.catalog, { name: uniqueName('topic'), partitionCount, configs: {} });
  if (!created.ok) throw new Error(created.refusal.code);
  return created.value;
}

describe('ApiVersions', () => {
  it.each([0, 1, 2, 3, 4])('names every operation that there is in version %i', async (version) => {
    const software = version >= 3 ? { clientSoftwareName: 'spec', clientSoftwareVersion: '1.0' } : {};
    const answer = await client.request(apiVersionsApi, version, software);
    expect([answer.errorCode, answer.apiKeys]).toEqual([
      0,
      handlers.map(({ api, versions }) => ({ apiKey: api.key, minVersion: versions[0], maxVersion: versions[1] })),
    ]);
  });

  it('advertises every operation in the versions that Kafka 4.3 has', () => {
    for (const { api, versions } of handlers) expect([api.name, versions]).toEqual([api.name, api.advertised]);
  });

  it('refuses a software name that is no word', async () => {
    const answer = await client.request(apiVersionsApi, 3, { clientSoftwareName: 'a b', clientSoftwareVersion: '1' });
    expect(errorName(answer.errorCode)).toBe('INVALID_REQUEST');
  });
});

describe('Metadata', () => {
  it.each(Array.from({ length: 14 }, (_, i) => i))('describes brokers and topics in version %i', async (version) => {
    const topic = await newTopic(2);
    const named = [{ name: topic.name, ...(version >= 10 && { topicId: topic.id }) }];
    const one = await client.request(metadataApi, version, { topics: named });
    const partition = {
      errorCode: 0,
      leaderId: 1,
      leaderEpoch: version >= 7 ? 0 : -1,
      replicaNodes: [1],
      isrNodes: [1],
      offlineReplicas: [],
    };
    expect(one).toEqual({
      throttleTimeMs: 0,
      brokers: [{ nodeId: 1, host: '127.0.0.1', port: under.address.port, rack: null }],
      clusterId: version >= 2 ? expect.stringMatching(/^[\w-]{22}$/) : null,
      controllerId: version >= 1 ? 1 : -1,
      topics: [
        {
          errorCode: 0,
          name: topic.name,
          topicId: version >= 10 ? topic.id : ZERO_UUID,
          isInternal: false,
          partitions: [{ ...partition, partitionIndex: 0 }, { ...partition, partitionIndex: 1 }],
          topicAuthorizedOperations: -0x8000_0000,
        },
      ],
      clusterAuthorizedOperations: -0x8000_0000,
      errorCode: 0,
    }); // prettier-ignore
    const all = await client.request(metadataApi, version, { topics: version === 0 ? [] : null });
    expect(all.topics.find(({ name }) => name === topic.name)).toEqual(one.topics[0]);
    if (version > 0) expect((await client.request(metadataApi, version, { topics: [] })).topics).toEqual([]);
  });

  it('has a topic that was made since the last full answer, and none that was deleted', async () => {
    const names = async () => (await client.request(metadataApi, 9, { topics: null })).topics.map(({ name }) => name);
    const before = await names();
    const topic = await newTopic();
    expect((await names()).filter((name) => !before.includes(name))).toEqual([topic.name]);
    await under.catalog.delete(topic.name);
    expect(await names()).toEqual(before);
  });

  it('makes a topic that is named, unless the client does not want it', async () => {
    const name = uniqueName('auto');
    const ask = async (allowAutoTopicCreation: boolean) =>
      (await client.request(metadataApi, 9, { topics: [{ name }], allowAutoTopicCreation })).topics[0];
    const refused = await ask(false);
    expect([errorName(refused?.errorCode ?? NaN), refused?.partitions]).toEqual(['UNKNOWN_TOPIC_OR_PARTITION', []]);
    const made = await ask(true);
    expect([made?.errorCode, made?.partitions.length]).toEqual([0, 4]);
  });

  it('refuses names that are none and ids that nobody has', async () => {
    const codes = async (topics: { name: string | null; topicId?: string }[], version = 12) =>
      (await client.request(metadataApi, version, { topics })).topics.map(({ errorCode, name }) => [
        errorName(errorCode),
        name,
      ]);
    expect(await codes([{ name: 'a/b' }, { name: '..' }])).toEqual([['INVALID_TOPIC_EXCEPTION', 'a/b'], ['INVALID_TOPIC_EXCEPTION', '..']]); // prettier-ignore
    expect(await codes([{ name: null, topicId: 'BBBBBBBBBBBBBBBBBBBBBA' }])).toEqual([['UNKNOWN_TOPIC_ID', null]]);
    expect(await codes([{ name: null, topicId: 'BBBBBBBBBBBBBBBBBBBBBA' }], 10)).toEqual([['UNKNOWN_TOPIC_ID', '']]);
    const topic = await newTopic();
    expect(await codes([{ name: null, topicId: topic.id }])).toEqual([['NONE', topic.name]]);
  });
});

type TopicRequest = Partial<CreateTopicsRequest['topics'][number]>;

function creating(topic: TopicRequest, validateOnly = false) {
  const full = {
    name: uniqueName('made'),
    numPartitions: 2,
    replicationFactor: 1,
    assignments: [],
    configs: [],
    ...topic,
  };
  return { topics: [full], timeoutMs: 1_000, validateOnly };
}

describe('CreateTopics', () => {
  it.each([2, 3, 4, 5, 6, 7])('makes a topic and describes it in version %i', async (version) => {
    const request = creating({ configs: [{ name: 'retention.ms', value: '1000' }] }); // prettier-ignore
    const { topics } = await client.request(createTopicsApi, version, request);
    const name = request.topics[0]?.name as string;
    const made = under.catalog.peek(name);
    expect([made?.partitions.length, made?.document.retentionMs, made?.document.configs, made?.writeLimited]).toEqual([
      2,
      1_000,
      { 'retention.ms': '1000' },
      false,
    ]);
    expect({ ...topics[0], configs: [] }).toEqual({
      name,
      topicId: version >= 7 ? made?.id : ZERO_UUID,
      errorCode: 0,
      errorMessage: null,
      topicConfigErrorCode: 0,
      numPartitions: version >= 5 ? 2 : -1,
      replicationFactor: version >= 5 ? 1 : -1,
      configs: [],
    });
    if (version < 5) return;
    const configs = topics[0]?.configs ?? [];
    expect(configs.map((config) => config.name).sort()).toEqual(Object.keys(topicConfigs).sort());
    expect(configs.find((config) => config.name === 'retention.ms')).toMatchObject({ value: '1000', configSource: 1 });
    expect(configs.find((config) => config.name === 'segment.ms')).toMatchObject({
      value: '604800000',
      configSource: 5,
    });
  });

  it.each<[string, TopicRequest, string]>([
    ['an empty name', { name: '' }, 'INVALID_TOPIC_EXCEPTION'],
    ['a name with a slash', { name: 'a/b' }, 'INVALID_TOPIC_EXCEPTION'],
    ['a name of 249 characters', { name: 'n'.repeat(249) }, 'NONE'],
    ['a name of 250 characters', { name: 'n'.repeat(250) }, 'INVALID_TOPIC_EXCEPTION'],
    ['no partitions', { numPartitions: 0 }, 'INVALID_PARTITIONS'],
    ['-2 partitions', { numPartitions: -2 }, 'INVALID_PARTITIONS'],
    ['the default of partitions', { numPartitions: -1 }, 'NONE'],
    ['2,500 partitions', { numPartitions: 2_500 }, 'NONE'],
    ['2,501 partitions', { numPartitions: 2_501 }, 'INVALID_PARTITIONS'],
    ['10,001 partitions', { numPartitions: 10_001 }, 'POLICY_VIOLATION'],
    ['a setting without a value', { configs: [{ name: 'retention.ms', value: null }] }, 'INVALID_CONFIG'],
    [
      'settings of 64 KiB',
      { configs: [{ name: 'leader.replication.throttled.replicas', value: `0:${'1'.repeat(65_497)}` }] },
      'NONE',
    ],
    [
      'settings of a byte more',
      { configs: [{ name: 'leader.replication.throttled.replicas', value: `0:${'1'.repeat(65_498)}` }] },
      'INVALID_CONFIG',
    ],
    ["Kafka's metadata topic", { name: '__cluster_metadata' }, 'INVALID_REQUEST'],
    [
      'assignments to a broker twice',
      { numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [1, 1] }] },
      'INVALID_REPLICA_ASSIGNMENT',
    ],
    [
      'assignments to a broker that there is not',
      { numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [9] }] },
      'INVALID_REPLICA_ASSIGNMENT',
    ],
    ['no replicas', { replicationFactor: 0 }, 'INVALID_REPLICATION_FACTOR'],
    ['the default of replicas', { replicationFactor: -1 }, 'NONE'],
    ['three replicas', { replicationFactor: 3 }, 'NONE'],
    ['a setting that nobody knows', { configs: [{ name: 'no.such', value: '1' }] }, 'INVALID_CONFIG'],
    ['a setting with a wrong value', { configs: [{ name: 'retention.ms', value: 'soon' }] }, 'INVALID_CONFIG'],
    ['assignments beside numbers', { assignments: [{ partitionIndex: 0, brokerIds: [1] }] }, 'INVALID_REQUEST'],
    [
      'assignments with a gap',
      { numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 1, brokerIds: [1] }] },
      'INVALID_REPLICA_ASSIGNMENT',
    ],
    [
      'assignments',
      { numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [1] }] },
      'NONE',
    ],
  ])('answers to %s', async (_, topic, expected) => {
    const { topics } = await client.request(createTopicsApi, 5, creating(topic, true));
    expect([errorName(topics[0]?.errorCode ?? NaN), topics[0]?.configs === null]).toEqual([expected, false]);
  });

  it('makes 10,000 partitions with one request, and refuses one more before it makes any', async () => {
    const names = Array.from({ length: 5 }, () => uniqueName('many'));
    const ask = async (numPartitions: number) => {
      const topics = names.flatMap((name) => creating({ name, numPartitions }).topics);
      const answer = await client.request(createTopicsApi, 7, { topics, timeoutMs: 1_000, validateOnly: true });
      return [...new Set(answer.topics.map(({ errorCode }) => errorName(errorCode)))];
    };
    expect([await ask(2_000), await ask(2_001)]).toEqual([['NONE'], ['POLICY_VIOLATION']]);
  });

  it('only looks when asked to, and makes nothing twice', async () => {
    const name = uniqueName('once');
    const code = async (validateOnly: boolean) =>
      errorName(
        (await client.request(createTopicsApi, 7, creating({ name }, validateOnly))).topics[0]?.errorCode ?? NaN,
      );
    expect([await code(true), await code(true), await code(false), await code(true), await code(false)]).toEqual([
      'NONE', 'NONE', 'NONE', 'TOPIC_ALREADY_EXISTS', 'TOPIC_ALREADY_EXISTS',
    ]); // prettier-ignore
    const { topics } = await client.request(createTopicsApi, 7, {
      topics: [...creating({ name: 'twice' }).topics, ...creating({ name: 'twice' }).topics],
      timeoutMs: 1,
    });
    expect(topics.map(({ errorCode }) => errorName(errorCode))).toEqual(['INVALID_REQUEST']);
  });
});

describe('DeleteTopics', () => {
  it.each([1, 2, 3, 4, 5, 6])('drops a topic, and says when there is none, in version %i', async (version) => {
    const { name, id } = await newTopic();
    const wanted = [name, 'no-such-topic'];
    const request =
      version >= 6 ? { topics: wanted.map((one) => ({ name: one, topicId: ZERO_UUID })) } : { topicNames: wanted };
    const { responses } = await client.request(deleteTopicsApi, version, { ...request, timeoutMs: 1_000 });
    expect(responses.map((one) => [one.name, one.topicId, errorName(one.errorCode)])).toEqual([
      [name, version >= 6 ? id : ZERO_UUID, 'NONE'],
      ['no-such-topic', ZERO_UUID, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ]);
    expect(under.catalog.peek(name)).toBeUndefined();
  });

  it('deletes nothing that is named twice', async () => {
    const { name } = await newTopic();
    const topics = [{ name, topicId: ZERO_UUID }, { name, topicId: ZERO_UUID }]; // prettier-ignore
    const { responses } = await client.request(deleteTopicsApi, 6, { topics, timeoutMs: 1_000 });
    expect(responses.map((one) => [one.name, errorName(one.errorCode), one.errorMessage])).toEqual([
      [name, 'INVALID_REQUEST', 'Duplicate topic name.'],
    ]);
    expect(under.catalog.peek(name)?.name).toBe(name);
  });

  it('takes ids, but one name for one topic', async () => {
    const { name, id } = await newTopic();
    const topics = [{ name, topicId: id }, { name: null, topicId: ZERO_UUID }, { name: null, topicId: 'BBBBBBBBBBBBBBBBBBBBBA' }, { name: null, topicId: id }]; // prettier-ignore
    const { responses } = await client.request(deleteTopicsApi, 6, { topics, timeoutMs: 1_000 });
    expect(responses.map((one) => [one.name, errorName(one.errorCode)])).toEqual([
      [name, 'INVALID_REQUEST'], [null, 'INVALID_REQUEST'], [null, 'UNKNOWN_TOPIC_ID'], [name, 'NONE'],
    ]); // prettier-ignore
  });
});

describe('ListOffsets', () => {
  it('finds places and times, down to the record', async () => {
    const { name } = await newTopic();
    for (const [timestampMs, compression] of [
      [1_000, 'none'],
      [3_000, 'gzip'],
      [2_000, 'none'],
    ] as const) {
      // prettier-ignore
      const records = batchOf(['a', 'b'], { timestampMs, compression });
      await client.request(produceApi, 9, {
        acks: -1,
        timeoutMs: 1,
        topicData: [{ name, partitionData: [{ index: 0, records }] }],
      });
    }
    const at = async (timestamp: number, version: number) => {
      const topics = [{ name, partitions: [{ partitionIndex: 0, timestamp: BigInt(timestamp) }] }];
      const answer = await client.request(listOffsetsApi, version, {
        replicaId: -1,
        ...(version >= 2 && { isolationLevel: 0 }),
        topics,
      });
      const {
        errorCode,
        offset,
        timestamp: found,
        leaderEpoch,
      } = answer.topics[0]?.partitions[0] ?? { errorCode: NaN };
      return [errorName(errorCode), offset, found, leaderEpoch];
    };
    for (let version = 1; version <= 11; version++) {
      const epoch = version >= 4 ? 0 : -1;
      expect(await at(-1, version)).toEqual(['NONE', 6n, -1n, epoch]);
      expect(await at(-2, version)).toEqual(['NONE', 0n, -1n, epoch]);
      expect(await at(0, version)).toEqual(['NONE', 0n, 1_000n, epoch]);
      expect(await at(1_001, version)).toEqual(['NONE', 2n, 3_000n, epoch]);
      expect(await at(3_001, version)).toEqual(['NONE', -1n, -1n, -1]);
      expect(await at(-3, version)).toEqual(
        version >= 7 ? ['NONE', 2n, 3_000n, 0] : ['UNSUPPORTED_VERSION', -1n, -1n, -1],
      );
      expect(await at(-4, version)).toEqual(
        version >= 8 ? ['NONE', 0n, -1n, 0] : ['UNSUPPORTED_VERSION', -1n, -1n, -1],
      );
      expect(await at(-5, version)).toEqual([version >= 9 ? 'NONE' : 'UNSUPPORTED_VERSION', -1n, -1n, -1]);
    }
  });

  it('finds the record within a batch of several times', async () => {
    const { name } = await newTopic();
    const { encodeBatch } = await import('@tailrace/kafka-protocol');
    const records = encodeBatch([10, 40, 20, 40].map((timestampMs) => ({ key: null, value: null, timestampMs })));
    await client.request(produceApi, 9, {
      acks: -1,
      timeoutMs: 1,
      topicData: [{ name, partitionData: [{ index: 0, records }] }],
    });
    const partitions = (timestamp: bigint) => [{ name, partitions: [{ partitionIndex: 0, timestamp }] }];
    const offset = async (timestamp: bigint) =>
      (await client.request(listOffsetsApi, 7, { replicaId: -1, isolationLevel: 0, topics: partitions(timestamp) }))
        .topics[0]?.partitions[0]?.offset;
    expect([await offset(11n), await offset(41n), await offset(-3n)]).toEqual([1n, -1n, 1n]);
  });

  it('refuses what is not there or asked twice', async () => {
    const { name } = await newTopic();
    const one = { partitionIndex: 0, timestamp: -1n };
    const topics = [{ name, partitions: [{ ...one, partitionIndex: 7 }, one, one] }, { name: 'no-such-topic', partitions: [one] }, { name, partitions: [{ ...one, partitionIndex: 1, currentLeaderEpoch: 3 }] }]; // prettier-ignore
    const answer = await client.request(listOffsetsApi, 7, { replicaId: -1, isolationLevel: 0, topics });
    expect(answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorName(errorCode)))).toEqual([
      'UNKNOWN_TOPIC_OR_PARTITION', 'INVALID_REQUEST', 'INVALID_REQUEST', 'UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_OR_PARTITION',
    ]); // prettier-ignore
  });
});

describe('InitProducerId', () => {
  it('never gives an id twice, also not after a restart', async () => {
    const before = await openDoorUnderTest();
    const ids: bigint[] = [];
    const first = await before.connect();
    for (let version = 0; version <= 5; version++) {
      const answer = await first.request(initProducerIdApi, version, {
        transactionalId: null,
        transactionTimeoutMs: 1,
      });
      expect([answer.errorCode, answer.producerEpoch]).toEqual([0, 0]);
      ids.push(answer.producerId);
    }
    const after = await before.restart();
    const second = await after.connect();
    ids.push(
      (await second.request(initProducerIdApi, 5, { transactionalId: null, transactionTimeoutMs: 1 })).producerId,
    );
    expect(new Set(ids).size).toBe(7);
    second.close();
    await after.close();
  });
});

describe('where accounts and regions are kept apart', () => {
  it('names of streams of other places are refused, however a topic is made', async () => {
    const apart = await openDoorUnderTest({ reservesOwnedNames: true });
    const asking = await apart.connect();
    const name = '444455556666.eu-west-1.orders';
    const wanted = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
    for (const validateOnly of [true, false]) {
      const { topics } = await asking.request(createTopicsApi, 5, { topics: [wanted], timeoutMs: 5_000, validateOnly });
      expect(topics.map(({ errorCode, errorMessage }) => [errorName(errorCode), errorMessage])).toEqual([
        [
          'INVALID_TOPIC_EXCEPTION',
          `Topic name is invalid: '${name}' is reserved for a stream of another account or region, which CreateStream makes`,
        ],
      ]);
    }
    const metadata = async () => {
      const { topics } = await asking.request(metadataApi, 9, { topics: [{ name }], allowAutoTopicCreation: true });
      return topics.map(({ errorCode, partitions }) => [errorName(errorCode), partitions.length]);
    };
    expect(await metadata()).toEqual([['INVALID_TOPIC_EXCEPTION', 0]]);
    const owner = { account: '444455556666', region: 'eu-west-1' };
    await apart.catalog.create({ name, owner, shardCount: 2, mode: 'PROVISIONED', origin: 'kinesis' });
    expect(await metadata()).toEqual([['NONE', 2]]);
    asking.close();
    await apart.close();
  });
});
