import { type ErrorCode, errorCodes, writeTxnMarkersApi, type WriteTxnMarkersRequest } from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';
import { refusalErrors, unlessUnavailable } from '../errors/refusal-errors.ts';
import type { Marker } from '../transactions/transaction-markers.ts';
import { handler } from './handler.ts';

type MarkerRequest = WriteTxnMarkersRequest['markers'][number];

/**
 * WriteTxnMarkers: end a producer's transaction in some partitions, without its coordinator. Bridges do not ask each other
 * so; operators do, to abort a transaction that nobody will end (`kafka-transactions.sh abort`).
 * Per partition: UNKNOWN_TOPIC_OR_PARTITION, INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED, NOT_ENOUGH_REPLICAS;
 * KAFKA_STORAGE_ERROR, retryable, when the store is away.
 */
export const writeTxnMarkers = handler({
  api: writeTxnMarkersApi,
  versions: writeTxnMarkersApi.advertised,
  async run({ markers }, exchange, bridge) {
    const answers = await Promise.all(markers.map((marker) => writeMarker(marker, bridge)));
    for (const { topics } of answers) {
      for (const { partitions } of topics) for (const { errorCode } of partitions) exchange.noteError(errorCode);
    }
    return { markers: answers };
  },
});

async function writeMarker(request: MarkerRequest, bridge: Bridge) {
  const { producerId, producerEpoch, coordinatorEpoch, transactionResult: commit } = request;
  const marker: Marker = { producerId, producerEpoch, coordinatorEpoch, commit };
  const topics = await Promise.all(
    request.topics.map(async ({ name, partitionIndexes }) => ({
      name,
      partitions: await Promise.all(
        partitionIndexes.map(async (partitionIndex) => ({
          partitionIndex,
          errorCode: await unlessUnavailable(
            writeToPartition(marker, name, partitionIndex, bridge),
            () => errorCodes.KAFKA_STORAGE_ERROR,
          ),
        })),
      ),
    })),
  );
  return { producerId, topics };
}

async function writeToPartition(
  marker: Marker,
  topic: string,
  partition: number,
  { catalog, transactionMarkers }: Bridge,
): Promise<ErrorCode> {
  // What no producer can have would stand in the log for ever.
  if (marker.producerId < 0n || marker.producerEpoch < 0) return errorCodes.INVALID_PRODUCER_EPOCH;
  const stream = await catalog.find(topic);
  if (stream?.partitions[partition] === undefined) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION;
  const refusal = await transactionMarkers.writeOne(marker, stream, partition);
  return refusal === undefined ? errorCodes.NONE : refusalErrors[refusal.code];
}
