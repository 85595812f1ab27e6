import {
  errorCodes,
  offsetFetchApi,
  type OffsetFetchRequest,
  type OffsetFetchResponse,
  ZERO_UUID,
} from '@tailrace/kafka-protocol';
import type { CommittedOffset } from '@tailrace/shard-core';
import type { Bridge } from '../bridge.ts';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import { handler } from './handler.ts';

type GroupAnswer = NonNullable<OffsetFetchResponse['groups']>[number];
type TopicAnswer = GroupAnswer['topics'][number];
type PartitionAnswer = TopicAnswer['partitions'][number];

interface WantedTopic {
  readonly name: string;
  readonly topicId: string;
  readonly partitionIndexes: readonly number[];
}

const BATCHED_SINCE = 8;
const TOPIC_ID_SINCE = 10;
const NOTHING_UNSTABLE: ReadonlySet<string> = new Set();

/**
 * OffsetFetch: where groups will read on; -1 for a partition that has no commit, without an error. A group that nobody knows
 * has none.
 * Per group: INVALID_GROUP_ID, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE (before version 8: named for every partition too);
 * of a member of a consumer group UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH.
 * Per partition: UNKNOWN_TOPIC_ID, UNSTABLE_OFFSET_COMMIT (asked for stable ones, and an open transaction may change it).
 */
export const offsetFetch = handler({
  api: offsetFetchApi,
  versions: offsetFetchApi.advertised,
  async run(request, exchange, bridge) {
    const { apiVersion } = exchange.header;
    const byId = apiVersion >= TOPIC_ID_SINCE;
    if (apiVersion >= BATCHED_SINCE) {
      const groups = await Promise.all(
        request.groups.map((group) => answerGroup(group, group.topics, byId, request.requireStable, bridge)),
      );
      for (const { errorCode } of groups) exchange.noteError(errorCode ?? errorCodes.NONE);
      return { throttleTimeMs: 0, groups };
    }
    const topics = request.topics?.map((topic) => ({ ...topic, topicId: ZERO_UUID })) ?? null;
    const { topics: answered, errorCode = errorCodes.NONE } = await answerGroup(
      { groupId: request.groupId, memberId: null, memberEpoch: -1 },
      topics,
      false,
      request.requireStable,
      bridge,
    );
    exchange.noteError(errorCode);
    if (errorCode === errorCodes.NONE) return { throttleTimeMs: 0, errorCode, topics: answered.map(named) };
    return { throttleTimeMs: 0, errorCode, topics: refuseEach(request, errorCode) };
  },
});

async function answerGroup(
  {
    groupId,
    memberId,
    memberEpoch,
  }: Pick<OffsetFetchRequest['groups'][number], 'groupId' | 'memberId' | 'memberEpoch'>,
  topics: readonly WantedTopic[] | null,
  byId: boolean,
  requireStable: boolean,
  bridge: Bridge,
): Promise<GroupAnswer> {
  const refused = await bridge.groups.refuseFetch(groupId, memberId, memberEpoch);
  if (refused !== undefined) return { groupId, topics: [], errorCode: refused };
  const unstable = requireStable
    ? await unlessUnavailable(bridge.transactions.pendingOffsets.unstable(groupId), () => undefined)
    : NOTHING_UNSTABLE;
  if (unstable === undefined) return { groupId, topics: [], errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE };
  const answering =
    topics === null
      ? allTopics(groupId, bridge)
      : Promise.all(topics.map((topic) => answerTopic(groupId, topic, byId, bridge)));
  const answered = await unlessUnavailable(answering, () => undefined);
  if (answered === undefined) return { groupId, topics: [], errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE };
  const stable = unstable.size === 0 ? answered : answered.map((topic) => withoutUnstable(topic, unstable, bridge));
  return { groupId, topics: stable, errorCode: errorCodes.NONE };
}

async function answerTopic(
  groupId: string,
  { name, topicId, partitionIndexes }: WantedTopic,
  byId: boolean,
  bridge: Bridge,
): Promise<TopicAnswer> {
  const stream = byId ? bridge.catalog.peekById(topicId) : await bridge.catalog.find(name);
  if (byId && stream === undefined) {
    return {
      name,
      topicId,
      partitions: partitionIndexes.map((index) => answerPartition(index, undefined, errorCodes.UNKNOWN_TOPIC_ID)),
    };
  }
  const committed = stream === undefined ? undefined : await bridge.groups.offsets.ofTopic(groupId, stream.name);
  const partitions = partitionIndexes.map((index) => {
    const offset = committed?.get(index);
    return answerPartition(index, offset?.topicId === stream?.id ? offset : undefined);
  });
  return { name, topicId, partitions };
}

/** An open transaction may change these offsets: who wants only those that stay has to ask again. */
function withoutUnstable(topic: TopicAnswer, unstable: ReadonlySet<string>, { catalog }: Bridge): TopicAnswer {
  const topicId = catalog.peek(topic.name ?? '')?.id ?? topic.topicId;
  const partitions = topic.partitions.map((partition) =>
    unstable.has(`${topicId}/${partition.partitionIndex}`)
      ? answerPartition(partition.partitionIndex, undefined, errorCodes.UNSTABLE_OFFSET_COMMIT)
      : partition,
  );
  return { ...topic, partitions };
}

async function allTopics(groupId: string, bridge: Bridge): Promise<TopicAnswer[]> {
  const topics: TopicAnswer[] = [];
  for (const [name, offsets] of await bridge.groups.offsets.ofGroup(groupId)) {
    const stream = await bridge.catalog.find(name);
    const partitions: PartitionAnswer[] = [];
    for (const [index, offset] of offsets)
      if (offset.topicId === stream?.id) partitions.push(answerPartition(index, offset));
    partitions.sort((a, b) => a.partitionIndex - b.partitionIndex);
    if (stream !== undefined && partitions.length > 0) topics.push({ name, topicId: stream.id, partitions });
  }
  return topics;
}

function answerPartition(
  partitionIndex: number,
  offset: CommittedOffset | undefined,
  errorCode: number = errorCodes.NONE,
): PartitionAnswer {
  return {
    partitionIndex,
    committedOffset: offset?.offset ?? -1n,
    committedLeaderEpoch: offset?.leaderEpoch ?? -1,
    metadata: offset?.metadata ?? '',
    errorCode,
  };
}

/** Before version 8 topics have names alone. */
function named({ name = '', partitions }: TopicAnswer) {
  return { name, partitions };
}

/** Versions 0 and 1 have no other place for the error of a group. */
function refuseEach({ topics }: OffsetFetchRequest, errorCode: number) {
  return (topics ?? []).map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((index) => answerPartition(index, undefined, errorCode)),
  }));
}
