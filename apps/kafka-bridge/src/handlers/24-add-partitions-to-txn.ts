import { addPartitionsToTxnApi, type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import type { TransactionTopic } from '../transactions/transaction-document.ts';
import { type ProducerIdentity, verifyPartition } from '../transactions/transaction-transitions.ts';
import { handler } from './handler.ts';

interface TopicRequest {
  readonly name: string;
  readonly partitions: readonly number[];
}

interface TopicAnswer {
  readonly name: string;
  readonly resultsByPartition: readonly { readonly partitionIndex: number; readonly partitionErrorCode: ErrorCode }[];
}

/** Several transactions in one request: brokers ask so. */
const BATCHED_SINCE = 4;
/** Clients know PRODUCER_FENCED from here on; before, INVALID_PRODUCER_EPOCH says it. */
const FENCED_SINCE = 2;

/**
 * AddPartitionsToTxn: partitions become part of a transaction before they are written to, all of them or none.
 * Per partition: UNKNOWN_TOPIC_OR_PARTITION, and OPERATION_NOT_ATTEMPTED for the others of the same transaction; else for all of
 * them INVALID_REQUEST, NOT_COORDINATOR, INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED, CONCURRENT_TRANSACTIONS,
 * COORDINATOR_NOT_AVAILABLE; where it is only asked whether they are part of it, TRANSACTION_ABORTABLE.
 */
export const addPartitionsToTxn = handler({
  api: addPartitionsToTxnApi,
  versions: addPartitionsToTxnApi.advertised,
  coordinated: true,
  async run(request, exchange, bridge) {
    const { apiVersion } = exchange.header;
    if (apiVersion >= BATCHED_SINCE) {
      const resultsByTransaction = await Promise.all(
        request.transactions.map(async ({ transactionalId, topics, verifyOnly, ...producer }) => ({
          transactionalId,
          topicResults: await addTo(transactionalId, producer, topics, verifyOnly, bridge),
        })),
      );
      for (const { topicResults } of resultsByTransaction) note(topicResults);
      return { throttleTimeMs: 0, errorCode: errorCodes.NONE, resultsByTransaction };
    }
    const producer = {
      producerId: request.v3AndBelowProducerId,
      producerEpoch: request.v3AndBelowProducerEpoch,
    };
    const { v3AndBelowTransactionalId: id, v3AndBelowTopics: topics } = request;
    const results = await addTo(id, producer, topics, false, bridge);
    note(results);
    return {
      throttleTimeMs: 0,
      resultsByTopicV3AndBelow: apiVersion < FENCED_SINCE ? forOldClients(results) : results,
    };

    function note(answers: readonly TopicAnswer[]): void {
      for (const { resultsByPartition } of answers) {
        for (const { partitionErrorCode } of resultsByPartition) exchange.noteError(partitionErrorCode);
      }
    }
  },
});

async function addTo(
  transactionalId: string,
  { producerId, producerEpoch }: ProducerIdentity,
  requested: readonly TopicRequest[],
  verifyOnly: boolean,
  bridge: Bridge,
): Promise<TopicAnswer[]> {
  const found = await unlessUnavailable(findTopics(requested, bridge), () => undefined);
  if (found === undefined) return answerAll(requested, () => errorCodes.COORDINATOR_NOT_AVAILABLE);
  const isThere = (name: string, partition: number) => found.get(name)?.has(partition) === true;
  if (requested.some(({ name, partitions }) => partitions.some((partition) => !isThere(name, partition)))) {
    return answerAll(requested, (name, partition) =>
      isThere(name, partition) ? errorCodes.OPERATION_NOT_ATTEMPTED : errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
    );
  }
  const topics = requested.map(({ name, partitions }): TransactionTopic => ({
    name,
    topicId: found.get(name)?.topicId ?? '',
    partitions,
  }));
  const producer = { producerId, producerEpoch };
  if (!verifyOnly) {
    const errorCode = await bridge.transactions.add(transactionalId, producer, { topics, groups: [] });
    return answerAll(requested, () => errorCode);
  }
  const refused = bridge.transactions.refuse(transactionalId);
  if (refused !== undefined) return answerAll(requested, () => refused);
  const transaction = await unlessUnavailable(bridge.transactions.read(transactionalId), () => 'unavailable' as const);
  if (transaction === 'unavailable') return answerAll(requested, () => errorCodes.COORDINATOR_NOT_AVAILABLE);
  return answerAll(requested, (name, partition) =>
    verifyPartition(transaction, producer, found.get(name)?.topicId ?? '', partition),
  );
}

/** What there is of the topics that are asked for, by name. */
async function findTopics(requested: readonly TopicRequest[], { catalog }: Bridge) {
  const found = new Map<string, { readonly topicId: string; has(partition: number): boolean }>();
  for (const { name } of requested) {
    const stream = await catalog.find(name);
    if (stream === undefined) continue;
    found.set(name, { topicId: stream.id, has: (partition) => stream.partitions[partition] !== undefined });
  }
  return found;
}

function answerAll(
  topics: readonly TopicRequest[],
  codeOf: (name: string, partition: number) => ErrorCode,
): TopicAnswer[] {
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partition) => ({
      partitionIndex: partition,
      partitionErrorCode: codeOf(name, partition),
    })),
  }));
}

function forOldClients(topics: readonly TopicAnswer[]): TopicAnswer[] {
  return topics.map(({ name, resultsByPartition }) => ({
    name,
    resultsByPartition: resultsByPartition.map(({ partitionIndex, partitionErrorCode }) => ({
      partitionIndex,
      partitionErrorCode:
        partitionErrorCode === errorCodes.PRODUCER_FENCED ? errorCodes.INVALID_PRODUCER_EPOCH : partitionErrorCode,
    })),
  }));
}
