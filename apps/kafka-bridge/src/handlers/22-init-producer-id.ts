import { type ErrorCode, errorCodes, initProducerIdApi } from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import type { InitAnswer } from '../transactions/transaction-coordinator.ts';
import { handler } from './handler.ts';

/** Clients know PRODUCER_FENCED from here on; before, INVALID_PRODUCER_EPOCH says it. */
const FENCED_SINCE = 4;

/**
 * InitProducerId: the id under which a producer's sequences are checked. With a transactional id, the same as before with a
 * higher epoch, which fences older holders; a producer that names what it has already (KIP-360) gets it only if nobody has
 * taken over since. One without a transactional id gets a new id each time, as in Kafka.
 *
 * Errors: INVALID_REQUEST (half an identity, an empty id), then as `TransactionCoordinator.init`; COORDINATOR_NOT_AVAILABLE,
 * retryable.
 */
export const initProducerId = handler({
  api: initProducerIdApi,
  versions: initProducerIdApi.advertised,
  coordinated: true,
  async run({ transactionalId, transactionTimeoutMs, producerId, producerEpoch }, exchange, bridge) {
    const initialized = await init();
    const { errorCode } = initialized;
    const isOld = exchange.header.apiVersion < FENCED_SINCE && errorCode === errorCodes.PRODUCER_FENCED;
    const known = isOld ? errorCodes.INVALID_PRODUCER_EPOCH : errorCode;
    exchange.noteError(known);
    return { throttleTimeMs: 0, ...initialized, errorCode: known };

    async function init(): Promise<InitAnswer> {
      if (producerId < 0n !== producerEpoch < 0) return failed(errorCodes.INVALID_REQUEST);
      if (transactionalId === null) return idempotent(bridge);
      const expected = producerId < 0n ? undefined : { producerId, producerEpoch };
      return bridge.transactions.init(transactionalId, transactionTimeoutMs, expected);
    }
  },
});

async function idempotent({ producerIds }: Bridge): Promise<InitAnswer> {
  const producerId = await unlessUnavailable(producerIds.next(), () => undefined);
  if (producerId === undefined) return failed(errorCodes.COORDINATOR_NOT_AVAILABLE);
  return { errorCode: errorCodes.NONE, producerId, producerEpoch: 0 };
}

function failed(errorCode: ErrorCode): InitAnswer {
  return { errorCode, producerId: -1n, producerEpoch: -1 };
}
