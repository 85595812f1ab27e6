import { describeProducersApi, type DescribeProducersResponse, errorCodes } from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';
import { refusalErrors, unlessUnavailable } from '../errors/refusal-errors.ts';
import { handler } from './handler.ts';

type PartitionAnswer = DescribeProducersResponse['topics'][number]['partitions'][number];

/**
 * DescribeProducers: the idempotent producers that partitions remember, with their open transactions.
 * Per partition: UNKNOWN_TOPIC_OR_PARTITION; KAFKA_STORAGE_ERROR, retryable, when the store is away.
 */
export const describeProducers = handler({
  api: describeProducersApi,
  versions: describeProducersApi.advertised,
  async run({ topics }, exchange, bridge) {
    const answers = await Promise.all(
      topics.map(async ({ name, partitionIndexes }) => ({
        name,
        partitions: await Promise.all(
          partitionIndexes.map((index) =>
            unlessUnavailable(describePartition(name, index, bridge), () =>
              failed(index, errorCodes.KAFKA_STORAGE_ERROR),
            ),
          ),
        ),
      })),
    );
    for (const { partitions } of answers) for (const { errorCode } of partitions) exchange.noteError(errorCode);
    return { throttleTimeMs: 0, topics: answers };
  },
});

async function describePartition(topic: string, index: number, { catalog, store }: Bridge): Promise<PartitionAnswer> {
  const partition = (await catalog.find(topic))?.partitions[index];
  if (partition === undefined) return failed(index, errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  const outcome = await store.log.producers(partition.appendTo.key);
  if (!outcome.ok) return failed(index, refusalErrors[outcome.refusal.code]);
  const activeProducers = outcome.value
    // A shard that took over from others knows the producers of all of them.
    .filter((producer) => producer.partition === index)
    .map((producer) => ({
      producerId: producer.producerId,
      producerEpoch: producer.producerEpoch,
      lastSequence: producer.lastSequence,
      lastTimestamp: BigInt(producer.lastTimestampMs),
      coordinatorEpoch: producer.coordinatorEpoch,
      currentTxnStartOffset: producer.currentTransactionStartOffset ?? -1n,
    }));
  return { partitionIndex: index, errorCode: errorCodes.NONE, errorMessage: null, activeProducers };
}

function failed(partitionIndex: number, errorCode: number): PartitionAnswer {
  return { partitionIndex, errorCode, errorMessage: null, activeProducers: [] };
}
