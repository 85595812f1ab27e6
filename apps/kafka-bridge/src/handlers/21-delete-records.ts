import {
  deleteRecordsApi,
  type DeleteRecordsRequest,
  type DeleteRecordsResponse,
  errorCodes,
} from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import { hasCleanupPolicy } from '../topics/configs/topic-configs.ts';
import { isInternalTopic } from '../topics/internal-topics.ts';
import { deleteRecordsBefore } from '../topics/record-deletion.ts';
import { handler } from './handler.ts';

type PartitionRequest = DeleteRecordsRequest['topics'][number]['partitions'][number];
type PartitionAnswer = DeleteRecordsResponse['topics'][number]['partitions'][number];

/** "Up to the high watermark." */
const ALL_THERE_IS = -1n;

/**
 * DeleteRecords: forget what lies before an offset, in each of some partitions. Kafka Streams calls it for what it has
 * read of its repartition topics. Records come back into nobody's sight; their space is freed behind that.
 * Per partition: INVALID_TOPIC_EXCEPTION (a topic that the service writes), UNKNOWN_TOPIC_OR_PARTITION, POLICY_VIOLATION (a topic that is compacted and nothing else),
 * OFFSET_OUT_OF_RANGE (above the high watermark, or below 0); KAFKA_STORAGE_ERROR, retryable, when the store is away.
 */
export const deleteRecords = handler({
  api: deleteRecordsApi,
  versions: deleteRecordsApi.advertised,
  async run({ topics }, exchange, bridge) {
    const answers = await Promise.all(
      topics.map(async ({ name, partitions }) => ({
        name,
        partitions: await Promise.all(
          distinct(partitions).map((partition) =>
            unlessUnavailable(answerPartition(name, partition, bridge), () =>
              failed(partition, errorCodes.KAFKA_STORAGE_ERROR),
            ),
          ),
        ),
      })),
    );
    for (const { partitions } of answers) for (const { errorCode } of partitions) exchange.noteError(errorCode);
    return { throttleTimeMs: 0, topics: answers };
  },
});

/** A partition that is named twice is answered once, for the last one named: as in Kafka. */
function distinct(partitions: readonly PartitionRequest[]): PartitionRequest[] {
  return [...new Map(partitions.map((partition) => [partition.partitionIndex, partition])).values()];
}

async function answerPartition(name: string, request: PartitionRequest, bridge: Bridge): Promise<PartitionAnswer> {
  const { partitionIndex, offset } = request;
  if (isInternalTopic(name)) return failed(request, errorCodes.INVALID_TOPIC_EXCEPTION);
  const stream = await bridge.catalog.find(name);
  const partition = stream?.partitions[partitionIndex];
  if (stream === undefined || partition === undefined) return failed(request, errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  if (!hasCleanupPolicy(stream.document.configs, 'delete')) return failed(request, errorCodes.POLICY_VIOLATION);
  const before = offset === ALL_THERE_IS ? 'highWatermark' : offset;
  const outcome = await deleteRecordsBefore(partition, before, bridge);
  return outcome.ok
    ? { partitionIndex, lowWatermark: outcome.logStartOffset, errorCode: errorCodes.NONE }
    : failed(request, outcome.errorCode);
}

function failed({ partitionIndex }: PartitionRequest, errorCode: number): PartitionAnswer {
  return { partitionIndex, lowWatermark: -1n, errorCode };
}
