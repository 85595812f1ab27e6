import { type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import { type Refusal, type RefusalCode, StoreUnavailable } from '@tailrace/shard-core';

/** What a Kafka client is told when the core refuses. A refusal that is missing here does not compile. */
export const refusalErrors = {
  streamNotFound: errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  streamExists: errorCodes.TOPIC_ALREADY_EXISTS,
  streamNameReserved: errorCodes.INVALID_TOPIC_EXCEPTION,
  // Somebody else keeps changing the topic: the client tries again.
  streamBusy: errorCodes.REQUEST_TIMED_OUT,
  // The topic went away since we looked it up.
  shardNotFound: errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  // The partition goes on in another shard: a client that refreshes its metadata and retries gets there.
  shardSealed: errorCodes.NOT_LEADER_OR_FOLLOWER,
  // Of splits and merges, which no Kafka client can ask for.
  shardClosed: errorCodes.INVALID_REQUEST,
  hashKeyOutOfRange: errorCodes.INVALID_REQUEST,
  shardsNotAdjacent: errorCodes.INVALID_REQUEST,
  tooManyShards: errorCodes.INVALID_PARTITIONS,
  offsetOutOfRange: errorCodes.OFFSET_OUT_OF_RANGE,
  outOfOrderSequence: errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER,
  duplicateSequence: errorCodes.DUPLICATE_SEQUENCE_NUMBER,
  staleProducerEpoch: errorCodes.INVALID_PRODUCER_EPOCH,
  staleCoordinatorEpoch: errorCodes.TRANSACTION_COORDINATOR_FENCED,
  transactionOpen: errorCodes.INVALID_TXN_STATE,
  notEnoughReplicas: errorCodes.NOT_ENOUGH_REPLICAS,
  notEnoughReplicasAfterAppend: errorCodes.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  // The log itself seals what must be, so nobody is told: a client that were would try again.
  encryptionRequired: errorCodes.NOT_LEADER_OR_FOLLOWER,
  batchTooLarge: errorCodes.MESSAGE_TOO_LARGE,
} as const satisfies Record<RefusalCode, ErrorCode>;

/** The sentence that goes with a refused append, for answers that have room for one. */
export function explainRefusal(refusal: Refusal): string {
  switch (refusal.code) {
    case 'outOfOrderSequence':
      return `Producer ${refusal.producerId} sent sequence ${refusal.got}, expected is ${refusal.expected}`;
    case 'duplicateSequence':
      return `Producer ${refusal.producerId} sent sequence ${refusal.sequence} again, longer ago than is remembered`;
    case 'staleProducerEpoch':
      return `Producer ${refusal.producerId} has epoch ${refusal.epoch}, current is ${refusal.current}`;
    case 'staleCoordinatorEpoch':
      return `A coordinator of epoch ${refusal.coordinatorEpoch} ends a transaction of producer ${refusal.producerId}, current is ${refusal.current}`;
    case 'transactionOpen':
      return `Producer ${refusal.producerId} has a transaction open, and sent a batch outside of it`;
    case 'notEnoughReplicas':
      return `${refusal.required} copies are required, ${refusal.available} can be made`;
    case 'notEnoughReplicasAfterAppend':
      return `${refusal.required} copies are required, ${refusal.acknowledged} were made in time`;
    case 'batchTooLarge':
      return `The batch has ${refusal.bytes} bytes, at most ${refusal.maxBytes} are taken`;
    default:
      return refusal.code;
  }
}

/**
 * Waits for work on the store. While the store is away, answers what `unavailable` makes of it; a bug is thrown on.
 * Clients retry KAFKA_STORAGE_ERROR and NOT_LEADER_OR_FOLLOWER for partitions, COORDINATOR_NOT_AVAILABLE for groups.
 */
export async function unlessUnavailable<T, U>(
  work: Promise<T>,
  unavailable: (error: StoreUnavailable) => U,
): Promise<T | U> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof StoreUnavailable) return unavailable(error);
    throw error;
  }
}
