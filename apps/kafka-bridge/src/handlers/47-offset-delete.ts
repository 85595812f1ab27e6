import { type ErrorCode, errorCodes, offsetDeleteApi, type OffsetDeleteRequest } from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import { CONSUMER_PROTOCOL } from '../groups/consumer-protocol.ts';
import type { AnyGroup } from '../groups/listed-group.ts';
import { handler } from './handler.ts';

/**
 * OffsetDelete: forget committed offsets of a group, of topics that its members do not subscribe to.
 * Errors: INVALID_GROUP_ID, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE, GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP (members that are no
 * consumers); per partition UNKNOWN_TOPIC_OR_PARTITION, GROUP_SUBSCRIBED_TO_TOPIC.
 */
export const offsetDelete = handler({
  api: offsetDeleteApi,
  versions: offsetDeleteApi.advertised,
  async run({ groupId, topics }, exchange, bridge) {
    const answer = (errorCode: ErrorCode) => {
      exchange.noteError(errorCode);
      return { errorCode, throttleTimeMs: 0, topics: [] };
    };
    const inspected = await bridge.groups.inspect(groupId, (group) => ({
      isNotOfConsumers: group.memberCount > 0 && group.protocolType !== CONSUMER_PROTOCOL,
      refusals: topics.map((topic) => refusalsOf(topic, group, bridge)),
    }));
    if (typeof inspected === 'number') return answer(inspected);
    if (inspected.found === undefined) return answer(errorCodes.GROUP_ID_NOT_FOUND);
    if (inspected.found.isNotOfConsumers) return answer(errorCodes.NON_EMPTY_GROUP);
    const { refusals } = inspected.found;
    const results = topics.map(({ name, partitions }, i) => ({
      name,
      partitions: partitions.map(({ partitionIndex }, j) => ({
        partitionIndex,
        errorCode: refusals[i]?.[j] ?? errorCodes.NONE,
      })),
    }));
    const removed = results.flatMap(({ name, partitions }) =>
      partitions
        .filter(({ errorCode }) => errorCode === errorCodes.NONE)
        .map(({ partitionIndex }) => ({ topic: name, partition: partitionIndex })),
    );
    const done = await unlessUnavailable(
      bridge.groups.offsets.remove(groupId, removed).then(() => true),
      () => false,
    );
    if (!done) return answer(errorCodes.COORDINATOR_NOT_AVAILABLE);
    for (const { partitions } of results) for (const { errorCode } of partitions) exchange.noteError(errorCode);
    return { errorCode: errorCodes.NONE, throttleTimeMs: 0, topics: results };
  },
});

function refusalsOf(
  { name, partitions }: OffsetDeleteRequest['topics'][number],
  group: AnyGroup,
  { catalog }: Bridge,
): readonly (ErrorCode | undefined)[] {
  const stream = catalog.peek(name);
  const isRead = stream !== undefined && group.subscribesTo(name);
  return partitions.map(({ partitionIndex }) => {
    if (stream?.partitions[partitionIndex] === undefined) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION;
    return isRead ? errorCodes.GROUP_SUBSCRIBED_TO_TOPIC : undefined;
  });
}
