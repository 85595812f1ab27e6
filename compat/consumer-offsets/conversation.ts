import type { consumerGroupHeartbeatRequest } from '@tailrace/kafka-protocol';
import {
  consumerGroupHeartbeatApi,
  type Draft,
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  createTopicsApi,
  deleteGroupsApi,
  encode,
  endTxnApi,
  addOffsetsToTxnApi,
  initProducerIdApi,
  joinGroupApi,
  findCoordinatorApi,
  leaveGroupApi,
  offsetCommitApi,
  offsetDeleteApi,
  syncGroupApi,
  txnOffsetCommitApi,
} from '@tailrace/kafka-protocol';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WireClient } from '@tailrace/kafka-bridge/testing';

type Heartbeat = Draft<typeof consumerGroupHeartbeatRequest>;

const COORDINATOR_PATIENCE_MS = 20_000;

/** The topics of which offsets are committed. */
export const ORDERS = 'orders';
export const BILLS = 'bills';

/**
 * What groups do, once each: commits by nobody's member, with an own time to live, by topic id, overwritten, deleted; a classic
 * group with a member that comes, commits and leaves; a consumer group with two; offsets of transactions that commit and abort;
 * groups that are deleted.
 */
export async function converse(client: WireClient): Promise<void> {
  const made = await client.request(createTopicsApi, 7, {
    topics: [ORDERS, BILLS].map((name) => ({
      name,
      numPartitions: 3,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    })),
    timeoutMs: 10_000,
    validateOnly: false,
  });
  check(
    'CreateTopics',
    made.topics.map(({ errorCode }) => errorCode),
  );
  const ordersId = made.topics.find(({ name }) => name === ORDERS)?.topicId ?? '';
  for (const group of ['simple', 'doomed', 'classic', 'modern', 'exactly']) await coordinator(client, 0, group);
  await coordinator(client, 1, 'producer');
  await sleep(1_500);

  await commit(client, 9, 'simple', ORDERS, 0, 1n, 'first');
  await commit(client, 9, 'simple', ORDERS, 0, 5n, 'second');
  await commit(client, 9, 'simple', ORDERS, 1, 7n, '');
  await commit(client, 2, 'simple', BILLS, 2, 9n, 'expires');
  await commit(client, 10, 'simple', ORDERS, 2, 11n, 'by id', { topicId: ordersId });
  const removed = await client.request(offsetDeleteApi, 0, {
    groupId: 'simple',
    topics: [{ name: ORDERS, partitions: [{ partitionIndex: 1 }] }],
  });
  check('OffsetDelete', [
    removed.errorCode,
    ...removed.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode)),
  ]);

  await commit(client, 9, 'doomed', ORDERS, 0, 3n, '');
  await commit(client, 9, 'doomed', BILLS, 1, 4n, '');
  const deleted = await client.request(deleteGroupsApi, 2, { groupsNames: ['doomed'] });
  check(
    'DeleteGroups',
    deleted.results.map(({ errorCode }) => errorCode),
  );

  await classic(client);
  await modern(client);
  await exactly(client);
}

async function classic(client: WireClient): Promise<void> {
  const subscription = Buffer.concat([
    Buffer.from([0, 1]),
    ...encode(consumerProtocolSubscription, 1, { topics: [ORDERS] }),
  ]);
  const join = (memberId: string) =>
    client.request(joinGroupApi, 9, {
      groupId: 'classic',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 20_000,
      memberId,
      groupInstanceId: null,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscription }],
      reason: null,
    });
  const { memberId } = await join('');
  const joined = await join(memberId);
  check('JoinGroup', [joined.errorCode]);
  const assignment = Buffer.concat([
    Buffer.from([0, 1]),
    ...encode(consumerProtocolAssignment, 1, { assignedPartitions: [{ topic: ORDERS, partitions: [0, 1, 2] }] }),
  ]);
  const synced = await client.request(syncGroupApi, 5, {
    groupId: 'classic',
    generationId: joined.generationId,
    memberId,
    groupInstanceId: null,
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: [{ memberId, assignment }],
  });
  check('SyncGroup', [synced.errorCode]);
  await commit(client, 9, 'classic', ORDERS, 0, 100n, 'of a member', { generation: joined.generationId, memberId });
  await commit(client, 9, 'classic', ORDERS, 2, 102n, '', { generation: joined.generationId, memberId });
  const left = await client.request(leaveGroupApi, 5, {
    groupId: 'classic',
    memberId: '',
    members: [{ memberId, groupInstanceId: null, reason: null }],
  });
  check('LeaveGroup', [left.errorCode]);
}

async function modern(client: WireClient): Promise<void> {
  const memberId = 'bW9kZXJuLW1lbWJlci0wMQ';
  const beat = (more: Omit<Heartbeat, 'groupId' | 'memberId'>) => heartbeat(client, { memberId, ...more });
  let { memberEpoch } = await beat({
    memberEpoch: 0,
    rebalanceTimeoutMs: 30_000,
    subscribedTopicNames: [ORDERS],
    topicPartitions: [],
    serverAssignor: 'range',
  });
  const answer = await beat({ memberEpoch, rebalanceTimeoutMs: 30_000, subscribedTopicNames: [ORDERS, BILLS] });
  memberEpoch = answer.memberEpoch;
  await commit(client, 9, 'modern', ORDERS, 1, 201n, 'of a consumer', { generation: memberEpoch, memberId });
  await beat({ memberEpoch: -1 });
}

async function heartbeat(client: WireClient, more: Omit<Heartbeat, 'groupId'>) {
  const answer = await client.request(consumerGroupHeartbeatApi, 1, { groupId: 'modern', ...more });
  check('ConsumerGroupHeartbeat', [answer.errorCode]);
  return answer;
}

async function exactly(client: WireClient): Promise<void> {
  const transactionalId = 'producer';
  for (const committed of [true, false, true]) {
    const init = { transactionalId, transactionTimeoutMs: 60_000, producerId: -1n, producerEpoch: -1 };
    const producer = await whenLoaded(() => client.request(initProducerIdApi, 4, init));
    check('InitProducerId', [producer.errorCode]);
    const { producerId, producerEpoch } = producer;
    const of = { transactionalId, producerId, producerEpoch };
    check('AddOffsetsToTxn', [(await client.request(addOffsetsToTxnApi, 3, { ...of, groupId: 'exactly' })).errorCode]);
    const sent = await client.request(txnOffsetCommitApi, 3, {
      ...of,
      groupId: 'exactly',
      topics: [
        {
          name: BILLS,
          partitions: [
            {
              partitionIndex: 0,
              committedOffset: committed ? 300n : 666n,
              committedMetadata: committed ? 'committed' : 'aborted',
            },
          ],
        },
      ],
    });
    check(
      'TxnOffsetCommit',
      sent.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode)),
    );
    check('EndTxn', [(await client.request(endTxnApi, 3, { ...of, committed })).errorCode]);
  }
}

async function commit(
  client: WireClient,
  version: number,
  groupId: string,
  topic: string,
  partition: number,
  offset: bigint,
  metadata: string,
  more: { topicId?: string; generation?: number; memberId?: string } = {},
) {
  const answer = await client.request(offsetCommitApi, version, {
    groupId,
    generationIdOrMemberEpoch: more.generation ?? -1,
    memberId: more.memberId ?? '',
    groupInstanceId: null,
    ...(version <= 4 ? { retentionTimeMs: 86_400_000n } : {}),
    topics: [
      {
        ...(version >= 10 ? { topicId: more.topicId } : { name: topic }),
        partitions: [
          {
            partitionIndex: partition,
            committedOffset: offset,
            committedLeaderEpoch: version >= 6 ? 0 : -1,
            committedMetadata: metadata,
          },
        ],
      },
    ],
  });
  check(
    'OffsetCommit',
    answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode)),
  );
}

/** A coordinator that has just been made answers COORDINATOR_LOAD_IN_PROGRESS, and CONCURRENT_TRANSACTIONS while one ends. */
async function whenLoaded<T extends { readonly errorCode: number }>(ask: () => Promise<T>): Promise<T> {
  const deadlineMs = performance.now() + COORDINATOR_PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    const isBusy = [14, 15, 16, 51].includes(answer.errorCode);
    if (!isBusy || performance.now() > deadlineMs) return answer;
    await sleep(100);
  }
}

async function coordinator(client: WireClient, keyType: number, key: string): Promise<void> {
  const deadlineMs = performance.now() + COORDINATOR_PATIENCE_MS;
  for (;;) {
    const answer = await client.request(findCoordinatorApi, 4, { keyType, coordinatorKeys: [key] });
    const errorCode = answer.coordinators[0]?.errorCode;
    if (errorCode === 0) return;
    if (performance.now() > deadlineMs) throw new Error(`FindCoordinator answers ${errorCode}`);
    await sleep(200);
  }
}

function check(what: string, errorCodes: readonly number[]): void {
  if (errorCodes.some((errorCode) => errorCode !== 0)) throw new Error(`${what} answers ${errorCodes.join(', ')}`);
}
