import { endTxnApi, errorCodes } from '@tailrace/kafka-protocol';
import { handler } from './handler.ts';

/** Clients know PRODUCER_FENCED from here on; before, INVALID_PRODUCER_EPOCH says it. */
const FENCED_SINCE = 2;
/** The producer goes on with a higher epoch, or another id, that the answer names (KIP-890). */
const EPOCH_GROWS_SINCE = 5;

/**
 * EndTxn: commit or abort. The answer means that it is decided, whatever dies then.
 * Errors: INVALID_REQUEST, NOT_COORDINATOR, INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED, CONCURRENT_TRANSACTIONS,
 * INVALID_TXN_STATE (it was ended the other way, or there is nothing to end), COORDINATOR_NOT_AVAILABLE.
 */
export const endTxn = handler({
  api: endTxnApi,
  versions: endTxnApi.advertised,
  coordinated: true,
  async run({ transactionalId, producerId, producerEpoch, committed }, exchange, { transactions }) {
    const { apiVersion } = exchange.header;
    const bumpsEpoch = apiVersion >= EPOCH_GROWS_SINCE;
    const producer = { producerId, producerEpoch };
    const ended = await transactions.end(transactionalId, producer, { commit: committed, bumpsEpoch });
    const isOld = ended.errorCode === errorCodes.PRODUCER_FENCED && apiVersion < FENCED_SINCE;
    const errorCode = isOld ? errorCodes.INVALID_PRODUCER_EPOCH : ended.errorCode;
    exchange.noteError(errorCode);
    return bumpsEpoch ? { throttleTimeMs: 0, ...ended, errorCode } : { throttleTimeMs: 0, errorCode };
  },
});
