import { isGroupId } from '@tailrace/shard-core';
import { addOffsetsToTxnApi, type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import { handler } from './handler.ts';

/** Clients know PRODUCER_FENCED from here on; before, INVALID_PRODUCER_EPOCH says it. */
const FENCED_SINCE = 2;

/**
 * AddOffsetsToTxn: offsets of a group are going to be committed by the transaction.
 * Errors: INVALID_GROUP_ID, INVALID_REQUEST, NOT_COORDINATOR, INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED,
 * CONCURRENT_TRANSACTIONS, COORDINATOR_NOT_AVAILABLE.
 */
export const addOffsetsToTxn = handler({
  api: addOffsetsToTxnApi,
  versions: addOffsetsToTxnApi.advertised,
  coordinated: true,
  async run({ transactionalId, producerId, producerEpoch, groupId }, exchange, { transactions }) {
    const added = { topics: [], groups: [groupId] };
    let errorCode: ErrorCode = isGroupId(groupId)
      ? await transactions.add(transactionalId, { producerId, producerEpoch }, added)
      : errorCodes.INVALID_GROUP_ID;
    if (errorCode === errorCodes.PRODUCER_FENCED && exchange.header.apiVersion < FENCED_SINCE) {
      errorCode = errorCodes.INVALID_PRODUCER_EPOCH;
    }
    exchange.noteError(errorCode);
    return { throttleTimeMs: 0, errorCode };
  },
});
