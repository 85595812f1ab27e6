import {
  errorCodes,
  offsetForLeaderEpochApi,
  type OffsetForLeaderEpochRequest,
  type OffsetForLeaderEpochResponse,
} from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import { endOfLeaderEpoch } from '../fetch/leader-epochs.ts';
import { partitionBounds } from '../fetch/partition-read.ts';
import { handler } from './handler.ts';

type PartitionRequest = OffsetForLeaderEpochRequest['topics'][number]['partitions'][number];
type PartitionAnswer = OffsetForLeaderEpochResponse['topics'][number]['partitions'][number];

const NO_CHECK = -1;
const UNKNOWN = { leaderEpoch: -1, endOffset: -1n } as const;

/**
 * OffsetForLeaderEpoch: where an epoch ends, by partition. A consumer whose last record is of that epoch and that was further
 * has read what a failover took back. See `endOfLeaderEpoch` for the rules.
 *
 * Per partition: UNKNOWN_TOPIC_OR_PARTITION, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH; KAFKA_STORAGE_ERROR, retryable, when the
 * store is away.
 */
export const offsetForLeaderEpoch = handler({
  api: offsetForLeaderEpochApi,
  versions: offsetForLeaderEpochApi.advertised,
  async run({ topics }, exchange, bridge) {
    const answers = await Promise.all(
      topics.map(async ({ topic, partitions }) => ({
        topic,
        partitions: await Promise.all(
          partitions.map((partition) =>
            unlessUnavailable(answerPartition(topic, partition, bridge), () =>
              failed(partition, errorCodes.KAFKA_STORAGE_ERROR),
            ),
          ),
        ),
      })),
    );
    for (const { partitions } of answers) for (const { errorCode } of partitions) exchange.noteError(errorCode ?? 0);
    return { throttleTimeMs: 0, topics: answers };
  },
});

async function answerPartition(topic: string, request: PartitionRequest, bridge: Bridge): Promise<PartitionAnswer> {
  const { partition: index, currentLeaderEpoch, leaderEpoch } = request;
  const partition = (await bridge.catalog.find(topic))?.partitions[index];
  const bounds = partition && (await partitionBounds(partition, bridge));
  if (partition === undefined || bounds === undefined) return failed(request, errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  bridge.leaderEpochs.observe(partition.appendTo.key, bounds.leaderEpoch);
  if (currentLeaderEpoch !== NO_CHECK && currentLeaderEpoch !== bounds.leaderEpoch) {
    const fenced = currentLeaderEpoch < bounds.leaderEpoch;
    return failed(request, fenced ? errorCodes.FENCED_LEADER_EPOCH : errorCodes.UNKNOWN_LEADER_EPOCH);
  }
  const found = (await endOfLeaderEpoch(leaderEpoch, partition, bounds, bridge)) ?? UNKNOWN;
  return { errorCode: errorCodes.NONE, partition: index, ...found };
}

function failed({ partition }: PartitionRequest, errorCode: number): PartitionAnswer {
  return { errorCode, partition, ...UNKNOWN };
}
