import { describeTransactionsApi, errorCodes } from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';
import { handler } from './handler.ts';

/**
 * DescribeTransactions: how transactional ids stand. The start of the last transaction stays when it is over, as in Kafka.
 * Per id: INVALID_REQUEST, NOT_COORDINATOR, TRANSACTIONAL_ID_NOT_FOUND, COORDINATOR_NOT_AVAILABLE.
 */
export const describeTransactions = handler({
  api: describeTransactionsApi,
  versions: describeTransactionsApi.advertised,
  async run({ transactionalIds }, exchange, bridge) {
    const transactionStates = await Promise.all(transactionalIds.map((id) => describeOne(id, bridge)));
    for (const { errorCode } of transactionStates) exchange.noteError(errorCode);
    return { throttleTimeMs: 0, transactionStates };
  },
});

async function describeOne(transactionalId: string, { transactions }: Bridge) {
  const described = await transactions.describe(transactionalId);
  if (typeof described === 'number') {
    return {
      errorCode: described,
      transactionalId,
      transactionState: '',
      transactionTimeoutMs: 0,
      transactionStartTimeMs: 0n,
      producerId: 0n,
      producerEpoch: 0,
      topics: [],
    };
  }
  return {
    errorCode: errorCodes.NONE,
    transactionalId,
    transactionState: described.state,
    transactionTimeoutMs: described.timeoutMs,
    transactionStartTimeMs: BigInt(described.startedAtMs),
    producerId: described.producerId,
    producerEpoch: described.producerEpoch,
    topics: described.topics.map(({ name, partitions }) => ({
      topic: name,
      partitions: [...partitions].sort((a, b) => a - b),
    })),
  };
}
