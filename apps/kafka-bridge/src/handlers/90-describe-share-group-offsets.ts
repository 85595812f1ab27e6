import {
  type DescribeShareGroupOffsetsRequest,
  type DescribeShareGroupOffsetsResponse,
  describeShareGroupOffsetsApi,
  errorCodes,
  ZERO_UUID,
} from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import { handler } from './handler.ts';

type GroupRequest = DescribeShareGroupOffsetsRequest['groups'][number];
type GroupAnswer = DescribeShareGroupOffsetsResponse['groups'][number];
type TopicAnswer = GroupAnswer['topics'][number];

const NOT_BEGUN = -1n;

/**
 * DescribeShareGroupOffsets: how far share groups (KIP-932) are, and how much they have before them.
 * Per group: INVALID_GROUP_ID, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE. A partition that the group has not begun, or that does not
 * exist, has the offset -1 and no error; so has each partition of a group that does not exist, as in Kafka.
 */
export const describeShareGroupOffsets = handler({
  api: describeShareGroupOffsetsApi,
  versions: describeShareGroupOffsetsApi.advertised,
  async run({ groups }, exchange, bridge) {
    const answers = await Promise.all(
      groups.map(
        (group) =>
        unlessUnavailable(describeOne(group, bridge), (): GroupAnswer => ({
          groupId: group.groupId,
          topics: [],
          errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE,
        })), // prettier-ignore
      ),
    );
    for (const { errorCode } of answers) exchange.noteError(errorCode);
    return { throttleTimeMs: 0, groups: answers };
  },
});

async function describeOne({ groupId, topics }: GroupRequest, bridge: Bridge): Promise<GroupAnswer> {
  const refused = bridge.groups.refuseRead(groupId);
  if (refused !== undefined) return { groupId, topics: [], errorCode: refused };
  const answered: TopicAnswer[] = [];
  if (topics === null) {
    for (const [topicId, partitions] of await bridge.shareGroups.offsets.partitionsOf(groupId)) {
      const topicName = bridge.catalog.peekById(topicId)?.name;
      if (topicName !== undefined) answered.push(await describeTopic(groupId, topicName, partitions, bridge));
    }
  } else {
    for (const { topicName, partitions } of topics)
      answered.push(await describeTopic(groupId, topicName, partitions, bridge));
  }
  return { groupId, topics: answered, errorCode: errorCodes.NONE };
}

async function describeTopic(
  groupId: string,
  topicName: string,
  partitions: readonly number[],
  { catalog, shareGroups, leaderEpochs }: Bridge,
): Promise<TopicAnswer> {
  const stream = await catalog.find(topicName);
  return {
    topicName,
    topicId: stream?.id ?? ZERO_UUID,
    partitions: await Promise.all(
      partitions.map(async (partitionIndex) => {
        const found = stream && (await shareGroups.offsets.find(groupId, stream, partitionIndex));
        const shard = stream?.partitions[partitionIndex]?.appendTo;
        return {
          partitionIndex,
          startOffset: found?.startOffset ?? NOT_BEGUN,
          leaderEpoch: found === undefined || shard === undefined ? 0 : leaderEpochs.of(shard.key),
          lag: found?.lag ?? -1n,
          errorCode: errorCodes.NONE,
        };
      }),
    ),
  };
}
