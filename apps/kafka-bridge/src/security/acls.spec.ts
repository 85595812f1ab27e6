import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  addPartitionsToTxnApi,
  alterClientQuotasApi,
  consumerGroupHeartbeatApi,
  createAclsApi,
  createPartitionsApi,
  createTopicsApi,
  deleteAclsApi,
  deleteRecordsApi,
  deleteTopicsApi,
  describeAclsApi,
  describeTopicPartitionsApi,
  describeClientQuotasApi,
  describeClusterApi,
  describeConfigsApi,
  describeGroupsApi,
  describeUserScramCredentialsApi,
  errorCodes,
  fetchApi,
  findCoordinatorApi,
  heartbeatApi,
  initProducerIdApi,
  joinGroupApi,
  listGroupsApi,
  listOffsetsApi,
  metadataApi,
  offsetCommitApi,
  offsetFetchApi,
  produceApi,
  ZERO_UUID,
} from '@tailrace/kafka-protocol';
import { Acls } from '@tailrace/identity';
import { eventually } from '@tailrace/testkit';
import { type DoorUnderTest, openDoorUnderTest } from '../testing/door-under-test.ts';
import { batchOf } from '../testing/records.ts';
import type { WireClient } from '../testing/wire-client.ts';

const {
  CLUSTER_AUTHORIZATION_FAILED,
  GROUP_AUTHORIZATION_FAILED,
  INVALID_REQUEST,
  NONE,
  SECURITY_DISABLED,
  TOPIC_AUTHORIZATION_FAILED,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
  UNKNOWN_TOPIC_OR_PARTITION,
} = errorCodes;
const [TOPIC, GROUP, CLUSTER, TRANSACTIONAL_ID] = [2, 3, 4, 5];
const [ANY, MATCH, LITERAL, PREFIXED] = [1, 2, 3, 4];
const [DENY, ALLOW] = [2, 3];
const [ALL, READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE] = [2, 3, 4, 5, 6, 7, 8];

const anything = {
  resourceTypeFilter: ANY,
  resourceNameFilter: null,
  patternTypeFilter: ANY,
  principalFilter: null,
  hostFilter: null,
  operation: ANY,
  permissionType: ANY,
};

function entry(
  resourceType: number,
  resourceName: string,
  operation: number,
  permissionType: number,
  more: { resourcePatternType?: number; principal?: string; host?: string } = {},
) {
  const { resourcePatternType = LITERAL, principal = 'User:*', host = '*' } = more;
  return { resourceType, resourceName, resourcePatternType, principal, host, operation, permissionType };
}

describe('an open door', () => {
  let under: DoorUnderTest;
  let client: WireClient;

  const add = async (...creations: ReturnType<typeof entry>[]) => {
    const { results } = await client.request(createAclsApi, 3, { creations });
    expect(results.map(({ errorCode }) => errorCode)).toEqual(creations.map(() => NONE));
  };
  const produceTo = async (name: string) => {
    const answer = await client.request(produceApi, 9, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 1_000,
      topicData: [{ name, partitionData: [{ index: 0, records: batchOf(['x']) }] }],
    });
    return answer.responses.flatMap(({ partitionResponses }) => partitionResponses.map(({ errorCode }) => errorCode));
  };
  const fetchRequest = (name: string, more = {}) => ({
    maxWaitMs: 0,
    minBytes: 0,
    topics: [{ topic: name, partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1000 }] }],
    ...more,
  });
  const fetchFrom = async (name: string) => {
    const answer = await client.request(fetchApi, 11, fetchRequest(name));
    return answer.responses.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
  };

  beforeAll(async () => {
    under = await openDoorUnderTest();
    client = await under.connect();
    for (const name of ['orders', 'orders-eu', 'secret'])
      await client.request(metadataApi, 9, { topics: [{ name }], allowAutoTopicCreation: true });
  });
  beforeEach(async () => {
    // Behind the door: some entries keep everybody from changing entries.
    const acls = await Acls.open(under.store.documents);
    await acls.remove([...acls.entries()].map(([id]) => id));
    await acls.close();
    await eventually(async () => {
      const { errorCode, resources } = await client.request(describeAclsApi, 3, anything);
      expect({ errorCode, resources }).toEqual({ errorCode: NONE, resources: [] });
    });
  });
  afterAll(() => under.close());

  it('lets everybody do everything while there are no entries', async () => {
    expect(await produceTo('orders')).toEqual([NONE]);
    expect(await fetchFrom('orders')).toEqual([NONE]);
  });

  it('keeps out an anonymous client by a DENY for everybody, and lets it do the rest', async () => {
    await add(entry(TOPIC, 'orders', WRITE, DENY), entry(TOPIC, 'orders', READ, ALLOW));
    expect(await produceTo('orders')).toEqual([TOPIC_AUTHORIZATION_FAILED]);
    expect(await fetchFrom('orders')).toEqual([NONE]);
    expect(await produceTo('orders-eu')).toEqual([NONE]);
  });

  it('lets nobody do what the entries about a topic do not name', async () => {
    await add(entry(TOPIC, 'orders', ALL, ALLOW, { principal: 'User:alice' }));
    expect(await produceTo('orders')).toEqual([TOPIC_AUTHORIZATION_FAILED]);
    expect(await produceTo('secret')).toEqual([NONE]);
  });

  it('takes prefixes, wildcards and hosts together, and a DENY of any of them wins', async () => {
    await add(entry(TOPIC, 'orders', ALL, ALLOW, { resourcePatternType: PREFIXED }));
    expect(await produceTo('orders-eu')).toEqual([NONE]);
    await add(entry(TOPIC, '*', WRITE, DENY, { host: '10.1.1.1' }));
    expect(await produceTo('orders-eu')).toEqual([NONE]);
    await add(entry(TOPIC, '*', WRITE, DENY, { host: '127.0.0.1' }));
    expect(await produceTo('orders-eu')).toEqual([TOPIC_AUTHORIZATION_FAILED]);
  });

  it('answers each topic of a request by itself', async () => {
    await add(entry(TOPIC, 'secret', ALL, DENY));
    const topics = ['orders', 'secret'].map((name) => ({
      name,
      partitions: [{ partitionIndex: 0, timestamp: -1n }],
    }));
    const { topics: answered } = await client.request(listOffsetsApi, 6, { replicaId: -1, topics });
    expect(answered.map(({ name, partitions }) => [name, partitions[0]?.errorCode])).toEqual([
      ['orders', NONE],
      ['secret', TOPIC_AUTHORIZATION_FAILED],
    ]);
    const topicData = ['secret', 'orders'].map((name) => ({
      name,
      partitionData: [{ index: 0, records: batchOf(['x']) }],
    }));
    const produced = await client.request(produceApi, 9, {
      transactionalId: null,
      acks: 1,
      timeoutMs: 1_000,
      topicData,
    });
    expect(produced.responses.map(({ name, partitionResponses }) => [name, partitionResponses[0]?.errorCode])).toEqual([
      ['orders', NONE],
      ['secret', TOPIC_AUTHORIZATION_FAILED],
    ]);
  });

  it('hides topics from who may not see them, in every version', async () => {
    await add(entry(TOPIC, 'secret', DESCRIBE, DENY));
    for (const version of [0, 1, 9, 12]) {
      const topics = version === 0 ? [] : null;
      const all = await client.request(metadataApi, version, { topics, allowAutoTopicCreation: true });
      expect(all.topics.map(({ name }) => name)).toEqual(['orders', 'orders-eu']);
      const named = await client.request(metadataApi, version, {
        topics: [{ name: 'secret' }],
        allowAutoTopicCreation: true,
      });
      expect(named.topics).toEqual([
        expect.objectContaining({
          name: 'secret',
          errorCode: TOPIC_AUTHORIZATION_FAILED,
          topicId: ZERO_UUID,
          partitions: [],
        }),
      ]);
    }
    await add(entry(TOPIC, '*', DESCRIBE, DENY));
    for (const version of [0, 9]) {
      const topics = version === 0 ? [] : null;
      expect((await client.request(metadataApi, version, { topics, allowAutoTopicCreation: true })).topics).toEqual([]);
    }
  });

  it('does not make a topic for who may not, by whatever request', async () => {
    await add(
      entry(CLUSTER, 'kafka-cluster', CREATE, DENY),
      entry(TOPIC, 'fresh', CREATE, DENY),
      entry(TOPIC, 'fresh', ALL, ALLOW),
    );
    const asked = await client.request(metadataApi, 9, { topics: [{ name: 'fresh' }], allowAutoTopicCreation: true });
    expect(asked.topics.map(({ errorCode }) => errorCode)).toEqual([TOPIC_AUTHORIZATION_FAILED]);
    const looked = await client.request(metadataApi, 9, { topics: [{ name: 'fresh' }], allowAutoTopicCreation: false });
    expect(looked.topics.map(({ errorCode }) => errorCode)).toEqual([UNKNOWN_TOPIC_OR_PARTITION]);
    expect(await produceTo('fresh')).toEqual([UNKNOWN_TOPIC_OR_PARTITION]);
    const made = await client.request(createTopicsApi, 7, {
      topics: [{ name: 'fresh', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
    });
    expect(made.topics.map(({ errorCode }) => errorCode)).toEqual([TOPIC_AUTHORIZATION_FAILED]);
    expect(await under.catalog.find('fresh')).toBeUndefined();
  });

  it('looks at every partition of a fetch session again with each fetch', async () => {
    const opened = await client.request(fetchApi, 11, fetchRequest('orders', { sessionId: 0, sessionEpoch: 0 }));
    expect(opened.responses.map(({ partitions }) => partitions[0]?.errorCode)).toEqual([NONE]);
    await add(entry(TOPIC, 'orders', READ, DENY));
    const next = { sessionId: opened.sessionId, sessionEpoch: 1, topics: [] };
    const answer = await client.request(fetchApi, 11, fetchRequest('orders', next));
    expect(answer.responses[0]?.partitions[0]?.records).toHaveLength(0);
    expect(answer.responses.map(({ topic, partitions }) => [topic, partitions[0]?.errorCode])).toEqual([
      ['orders', TOPIC_AUTHORIZATION_FAILED],
    ]);
  });

  it('asks by id as by name', async () => {
    const { topics } = await client.request(metadataApi, 12, {
      topics: [{ name: 'secret' }],
      allowAutoTopicCreation: false,
    });
    const topicId = topics[0]?.topicId as string;
    await add(entry(TOPIC, 'secret', ALL, DENY));
    const fetched = await client.request(fetchApi, 13, {
      maxWaitMs: 0,
      minBytes: 0,
      topics: [{ topicId, partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1000 }] }],
    });
    expect(fetched.responses[0]?.partitions[0]?.errorCode).toBe(TOPIC_AUTHORIZATION_FAILED);
    const produced = await client.request(produceApi, 13, {
      transactionalId: null,
      acks: 1,
      timeoutMs: 1_000,
      topicData: [{ topicId, partitionData: [{ index: 0, records: batchOf(['x']) }] }],
    });
    expect(produced.responses.map((topic) => [topic.topicId, topic.partitionResponses[0]?.errorCode])).toEqual([
      [topicId, TOPIC_AUTHORIZATION_FAILED],
    ]);
    const described = await client.request(metadataApi, 12, {
      topics: [{ name: null, topicId }],
      allowAutoTopicCreation: false,
    });
    expect(described.topics).toEqual([
      expect.objectContaining({ name: null, topicId, errorCode: TOPIC_AUTHORIZATION_FAILED }),
    ]);
    const dropped = await client.request(deleteTopicsApi, 6, { topics: [{ name: null, topicId }], timeoutMs: 1_000 });
    expect(dropped.responses).toEqual([
      expect.objectContaining({ name: null, topicId, errorCode: TOPIC_AUTHORIZATION_FAILED }),
    ]);
    expect(await under.catalog.find('secret')).not.toBeUndefined();
  });

  it('ends the connection of a producer without acknowledgements that may not write', async () => {
    await add(entry(TOPIC, 'orders', WRITE, DENY));
    const quiet = await under.connect();
    quiet.tell(produceApi, 9, {
      transactionalId: null,
      acks: 0,
      timeoutMs: 1_000,
      topicData: [{ name: 'orders', partitionData: [{ index: 0, records: batchOf(['x']) }] }],
    });
    await quiet.closed;
  });

  it('keeps groups, transactional ids and the cluster by their own entries', async () => {
    await add(
      entry(GROUP, 'team-', ALL, DENY, { resourcePatternType: PREFIXED }),
      entry(TRANSACTIONAL_ID, 'tx', ALL, DENY),
      entry(CLUSTER, 'kafka-cluster', ALL, DENY, { principal: 'User:nobody' }),
      entry(CLUSTER, 'kafka-cluster', ALTER, ALLOW),
      entry(TOPIC, '*', WRITE, DENY),
    );
    const groupId = 'team-1';
    const member = { groupId, memberId: '', generationId: -1 };
    expect((await client.request(heartbeatApi, 4, member)).errorCode).toBe(GROUP_AUTHORIZATION_FAILED);
    const joined = await client.request(joinGroupApi, 9, {
      groupId, sessionTimeoutMs: 10_000, memberId: '', protocolType: 'consumer', protocols: [],
    }); // prettier-ignore
    expect(joined.errorCode).toBe(GROUP_AUTHORIZATION_FAILED);
    const offsets = [
      { name: 'orders', partitions: [{ partitionIndex: 0, committedOffset: 1n, committedMetadata: null }] },
    ];
    const committed = await client.request(offsetCommitApi, 8, { ...member, topics: offsets });
    expect(committed.topics[0]?.partitions[0]?.errorCode).toBe(GROUP_AUTHORIZATION_FAILED);
    const fetched = await client.request(offsetFetchApi, 8, {
      groups: [
        { groupId, topics: null },
        { groupId: 'free', topics: null },
      ],
    });
    expect(fetched.groups.map((group) => [group.groupId, group.errorCode])).toEqual([
      ['free', NONE],
      ['team-1', GROUP_AUTHORIZATION_FAILED],
    ]);
    const found = await client.request(findCoordinatorApi, 4, { keyType: 0, coordinatorKeys: [groupId, 'free'] });
    expect(found.coordinators.map(({ key, errorCode }) => [key, errorCode])).toEqual([
      ['free', NONE],
      [groupId, GROUP_AUTHORIZATION_FAILED],
    ]);
    const beaten = await client.request(consumerGroupHeartbeatApi, 1, { groupId, memberId: 'a', memberEpoch: 0 });
    expect(beaten.errorCode).toBe(GROUP_AUTHORIZATION_FAILED);
    const named = await client.request(describeGroupsApi, 5, { groups: [groupId], includeAuthorizedOperations: true });
    expect(named.groups).toEqual([expect.objectContaining({ groupId, errorCode: GROUP_AUTHORIZATION_FAILED })]);

    const ofTx = await client.request(initProducerIdApi, 4, { transactionalId: 'tx', transactionTimeoutMs: 1_000 });
    expect(ofTx.errorCode).toBe(TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    const idempotent = await client.request(initProducerIdApi, 4, {
      transactionalId: null,
      transactionTimeoutMs: 1_000,
    });
    expect(idempotent.errorCode).toBe(CLUSTER_AUTHORIZATION_FAILED);
    const added = await client.request(addPartitionsToTxnApi, 3, {
      v3AndBelowTransactionalId: 'tx', v3AndBelowProducerId: 1n, v3AndBelowProducerEpoch: 0, v3AndBelowTopics: [{ name: 'orders', partitions: [0] }],
    }); // prettier-ignore
    expect(added.resultsByTopicV3AndBelow[0]?.resultsByPartition[0]?.partitionErrorCode).toBe(
      TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    );

    expect((await client.request(describeClientQuotasApi, 1, { components: [], strict: false })).errorCode).toBe(
      CLUSTER_AUTHORIZATION_FAILED,
    );
    expect((await client.request(describeUserScramCredentialsApi, 0, { users: null })).errorCode).toBe(NONE);
    const altered = await client.request(alterClientQuotasApi, 1, {
      entries: [{ entity: [{ entityType: 'user', entityName: 'a' }], ops: [] }], validateOnly: false,
    }); // prettier-ignore
    expect(altered.entries.map(({ errorCode }) => errorCode)).toEqual([CLUSTER_AUTHORIZATION_FAILED]);
  });

  it('gives a member by its expression only topics that it may see', async () => {
    await add(entry(TOPIC, 'orders-eu', DESCRIBE, DENY));
    const beat = async (groupId: string, memberId: string, more = {}) => {
      const joining = {
        memberEpoch: 0,
        rebalanceTimeoutMs: 1_000,
        subscribedTopicRegex: 'orders.*',
        topicPartitions: [],
      };
      const answer = await client.request(consumerGroupHeartbeatApi, 1, { groupId, memberId, ...joining, ...more });
      return (answer.assignment?.topicPartitions ?? []).map(({ topicId }) => under.catalog.peekById(topicId)?.name);
    };
    expect(await beat('by-expression', 'a')).toEqual(['orders']);
    const { topics } = await client.request(metadataApi, 9, {
      topics: [{ name: 'orders' }],
      allowAutoTopicCreation: false,
    });
    expect(topics[0]?.errorCode).toBe(NONE);
    // It still is who it was when it says nothing of its subscription.
    const quiet = { memberEpoch: 1, rebalanceTimeoutMs: -1, subscribedTopicRegex: null, topicPartitions: null };
    expect(await beat('by-expression', 'a', quiet)).toEqual([]);
    await client.request(metadataApi, 9, { topics: [{ name: 'orders-us' }], allowAutoTopicCreation: true });
    await eventually(async () => expect((await beat('by-expression', 'a')).sort()).toEqual(['orders', 'orders-us']));
  });

  it('keeps settings, partitions, records and topics from who may not change them', async () => {
    await add(entry(TOPIC, 'secret', ALL, DENY));
    const described = await client.request(describeConfigsApi, 4, {
      resources: [{ resourceType: 2, resourceName: 'secret', configurationKeys: null }],
    });
    expect(described.results).toEqual([
      expect.objectContaining({ resourceName: 'secret', errorCode: TOPIC_AUTHORIZATION_FAILED, configs: [] }),
    ]);
    const grown = await client.request(createPartitionsApi, 3, {
      topics: [{ name: 'secret', count: 9, assignments: null }],
      timeoutMs: 1_000,
      validateOnly: false,
    });
    expect(grown.results.map(({ errorCode }) => errorCode)).toEqual([TOPIC_AUTHORIZATION_FAILED]);
    const cut = await client.request(deleteRecordsApi, 2, {
      topics: [{ name: 'secret', partitions: [{ partitionIndex: 0, offset: 0n }] }],
      timeoutMs: 1_000,
    });
    expect(cut.topics[0]?.partitions[0]).toMatchObject({ errorCode: TOPIC_AUTHORIZATION_FAILED, lowWatermark: -1n });
    const dropped = await client.request(deleteTopicsApi, 5, { topicNames: ['secret'], timeoutMs: 1_000 });
    expect(dropped.responses.map(({ errorCode }) => errorCode)).toEqual([TOPIC_AUTHORIZATION_FAILED]);
  });

  it('tells what a client may do where it asks for it', async () => {
    await add(
      entry(TOPIC, 'orders', READ, ALLOW),
      entry(TOPIC, 'orders', DELETE, ALLOW),
      entry(CLUSTER, 'kafka-cluster', ALTER, ALLOW),
    );
    const bits = (...codes: number[]) => codes.reduce((set, code) => set | (1 << code), 0);
    const topics = [{ name: 'orders' }];
    const of = await client.request(metadataApi, 9, {
      topics,
      allowAutoTopicCreation: false,
      includeTopicAuthorizedOperations: true,
    });
    expect(of.topics[0]?.topicAuthorizedOperations).toBe(bits(READ, DELETE, DESCRIBE));
    const cluster = await client.request(describeClusterApi, 0, { includeClusterAuthorizedOperations: true });
    expect(cluster.clusterAuthorizedOperations).toBe(bits(ALTER, DESCRIBE));
    const group = await client.request(describeGroupsApi, 5, { groups: ['free'], includeAuthorizedOperations: true });
    expect(group.groups[0]?.authorizedOperations).toBe(bits(READ, DELETE, DESCRIBE, 10, 11));
    await add(entry(CLUSTER, 'kafka-cluster', DESCRIBE, DENY));
    const hidden = await client.request(describeClusterApi, 0, { includeClusterAuthorizedOperations: true });
    expect(hidden.clusterAuthorizedOperations).toBe(0);
    expect((await client.request(listGroupsApi, 4, {})).errorCode).toBe(NONE);
  });

  it("shows and removes entries by Kafka's filters", async () => {
    await add(
      entry(TOPIC, 'orders', READ, ALLOW, { principal: 'User:a' }),
      entry(TOPIC, 'ord', WRITE, ALLOW, { principal: 'User:a', resourcePatternType: PREFIXED }),
      entry(TOPIC, '*', DESCRIBE, ALLOW, { principal: 'User:b' }),
      entry(GROUP, 'orders', READ, ALLOW, { principal: 'User:a' }),
    );
    const found = async (
      filter: Partial<typeof anything> & { resourceNameFilter?: string | null; principalFilter?: string | null },
    ) => {
      const answer = await client.request(describeAclsApi, 3, { ...anything, ...filter });
      expect(answer.errorCode).toBe(NONE);
      return answer.resources
        .flatMap(({ resourceName, patternType, acls }) =>
          acls.map(({ principal }) => `${resourceName} ${patternType} ${principal}`),
        )
        .sort();
    };
    expect(await found({})).toHaveLength(4);
    const name = { resourceTypeFilter: TOPIC, resourceNameFilter: 'orders' } as const;
    expect(await found({ ...name, patternTypeFilter: LITERAL } as never)).toEqual(['orders 3 User:a']);
    expect(await found({ ...name, patternTypeFilter: MATCH } as never)).toEqual([
      '* 3 User:b',
      'ord 4 User:a',
      'orders 3 User:a',
    ]);
    expect(await found({ resourceTypeFilter: TOPIC, patternTypeFilter: PREFIXED })).toEqual(['ord 4 User:a']);
    expect(await found({ principalFilter: 'User:b' } as never)).toEqual(['* 3 User:b']);
    expect(await found({ operation: READ })).toEqual(['orders 3 User:a', 'orders 3 User:a']);
    const { filterResults } = await client.request(deleteAclsApi, 3, {
      filters: [
        { ...anything, resourceTypeFilter: TOPIC },
        { ...anything, operation: 99 },
      ],
    });
    expect(filterResults.map(({ errorCode, matchingAcls }) => [errorCode, matchingAcls.length])).toEqual([
      [NONE, 3],
      [INVALID_REQUEST, 0],
    ]);
    expect(await found({})).toEqual(['orders 3 User:a']);
    expect((await client.request(describeAclsApi, 3, { ...anything, resourceTypeFilter: 99 })).errorCode).toBe(
      INVALID_REQUEST,
    );
  });

  it.each([
    entry(TOPIC, '', READ, ALLOW),
    entry(CLUSTER, 'other', ALTER, ALLOW),
    entry(TOPIC, 'a', READ, ALLOW, { principal: 'alice' }),
    entry(TOPIC, 'a', READ, ALLOW, { host: '' }),
    entry(GROUP, 'a', WRITE, ALLOW),
    entry(1, 'a', READ, ALLOW),
    entry(TOPIC, 'a', READ, 1),
    entry(TOPIC, 'a', 1, ALLOW),
    entry(TOPIC, 'a', READ, ALLOW, { resourcePatternType: MATCH }),
  ])('refuses what is no entry: %p', async (wrong) => {
    const { results } = await client.request(createAclsApi, 3, { creations: [wrong, entry(TOPIC, 'b', READ, ALLOW)] });
    expect(results.map(({ errorCode }) => errorCode)).toEqual([INVALID_REQUEST, NONE]);
  });

  it('lets nobody do anything as long as an entry cannot be read, for it may be what denies it', async () => {
    await under.catalog.create({ name: 'guarded', shardCount: 1, mode: 'ON_DEMAND', origin: 'kafka' });
    expect(await produceTo('guarded')).toEqual([NONE]);
    const key = 'identity/acl/unreadable';
    await under.store.documents.write([{ key, value: '{"permission":"DENY"}', expected: 'any' }]);
    await eventually(async () => expect(await produceTo('guarded')).toEqual([TOPIC_AUTHORIZATION_FAILED]));
    await under.store.documents.write([{ key, value: undefined, expected: 'any' }]);
    await eventually(async () => expect(await produceTo('guarded')).toEqual([NONE]));
  });

  it('shows a super user an entry that cannot be read, and removes it and no other', async () => {
    const guarded = await openDoorUnderTest({ security: { acls: 'strict', superUsers: ['User:ANONYMOUS'] } });
    const admin = await guarded.connect();
    await admin.request(createAclsApi, 3, { creations: [entry(TOPIC, 'orders', WRITE, DENY)] });
    // Of another version, and one that this version can read and would keep under another id.
    const { documents } = guarded.store;
    const readable =
      '{"permission":"ALLOW","operation":"READ","host":"*","principal":"User:a","patternType":"LITERAL","resourceName":"t","resourceType":"TOPIC"}';
    await documents.write([
      { key: 'identity/acl/of-tomorrow', value: '{"permission":"MAYBE"}', expected: 'any' },
      { key: 'identity/acl/elsewhere', value: readable, expected: 'any' },
    ]);
    const shown = async () =>
      (await admin.request(describeAclsApi, 3, anything)).resources.map(({ resourceName }) => resourceName).sort();
    await eventually(async () => expect(await shown()).toEqual(['orders', 't', 'unreadable:of-tomorrow']));
    const remove = async (resourceNameFilter: string) => {
      const filters = [{ ...anything, resourceTypeFilter: TOPIC, resourceNameFilter }];
      const { filterResults } = await admin.request(deleteAclsApi, 3, { filters });
      return filterResults.map(({ errorCode, matchingAcls }) => [errorCode, matchingAcls.length]);
    };
    expect(await remove('unreadable:of-tomorrow')).toEqual([[NONE, 1]]);
    expect(await shown()).toEqual(['orders', 't']);
    expect(await remove('t')).toEqual([[NONE, 1]]);
    expect(await shown()).toEqual(['orders']);
    expect(await documents.list('identity/acl/')).toHaveLength(1);
    await guarded.close();
  });

  it('keeps what it was told over a restart', async () => {
    const first = await openDoorUnderTest();
    const before = await first.connect();
    await before.request(createAclsApi, 3, { creations: [entry(TOPIC, 'orders', WRITE, DENY)] });
    const second = await first.restart();
    const after = await second.connect();
    const { resources } = await after.request(describeAclsApi, 3, anything);
    expect(resources.map(({ resourceName, acls }) => [resourceName, acls])).toEqual([
      ['orders', [expect.objectContaining({ operation: WRITE, permissionType: DENY })]],
    ]);
    await second.close();
  });
});

describe('a strict door', () => {
  it('lets only super users do what no entry allows', async () => {
    const under = await openDoorUnderTest({ security: { acls: 'strict' } });
    const client = await under.connect();
    const { results } = await client.request(createAclsApi, 3, { creations: [entry(TOPIC, 'a', READ, ALLOW)] });
    expect(results.map(({ errorCode }) => errorCode)).toEqual([CLUSTER_AUTHORIZATION_FAILED]);
    expect(
      (await client.request(metadataApi, 9, { topics: [{ name: 'a' }], allowAutoTopicCreation: true })).topics[0]
        ?.errorCode,
    ).toBe(TOPIC_AUTHORIZATION_FAILED);
    await under.close();
    const above = await openDoorUnderTest({ security: { acls: 'strict', superUsers: ['User:ANONYMOUS'] } });
    const admin = await above.connect();
    expect(
      (await admin.request(createAclsApi, 3, { creations: [entry(TOPIC, 'a', READ, ALLOW)] })).results[0]?.errorCode,
    ).toBe(NONE);
    expect(
      (await admin.request(metadataApi, 9, { topics: [{ name: 'a' }], allowAutoTopicCreation: true })).topics[0]
        ?.errorCode,
    ).toBe(NONE);
    await above.close();
  });
});

describe('__consumer_offsets at a strict door', () => {
  it('does not come into being by who may not see it, by whatever request', async () => {
    const name = '__consumer_offsets';
    const strict = await openDoorUnderTest({ security: { acls: 'strict' } });
    const client = await strict.connect();
    const made = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
    const resources = [{ resourceType: 2, resourceName: name, configurationKeys: null }];
    const codes = [
      (await client.request(metadataApi, 9, { topics: [{ name }], allowAutoTopicCreation: true })).topics[0],
      (
        await client.request(describeTopicPartitionsApi, 0, {
          topics: [{ name }],
          responsePartitionLimit: 9,
          cursor: null,
        })
      ).topics[0],
      (await client.request(createTopicsApi, 5, { topics: [made], timeoutMs: 1_000, validateOnly: false })).topics[0],
      (await client.request(describeConfigsApi, 4, { resources, includeSynonyms: false })).results[0],
    ].map((answer) => answer?.errorCode);
    expect(codes).toEqual(Array.from({ length: 4 }, () => TOPIC_AUTHORIZATION_FAILED));
    expect(strict.catalog.peek(name)).toBeUndefined();
    await strict.close();
  });
});

describe('a door without access control lists', () => {
  it('says so', async () => {
    const under = await openDoorUnderTest({ security: { acls: 'off' } });
    const client = await under.connect();
    const { results } = await client.request(createAclsApi, 3, { creations: [entry(TOPIC, 'a', READ, ALLOW)] });
    expect(results.map(({ errorCode }) => errorCode)).toEqual([SECURITY_DISABLED]);
    expect((await client.request(describeAclsApi, 3, anything)).errorCode).toBe(SECURITY_DISABLED);
    const { filterResults } = await client.request(deleteAclsApi, 3, { filters: [anything] });
    expect(filterResults.map(({ errorCode }) => errorCode)).toEqual([SECURITY_DISABLED]);
    await under.close();
  });
});
