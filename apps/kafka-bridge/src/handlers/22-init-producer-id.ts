import { errorCodes, initProducerIdApi } from '@tailrace/kafka-protocol';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import { handler } from './handler.ts';

const NONE = { throttleTimeMs: 0, producerId: -1n, producerEpoch: -1 };

/**
 * InitProducerId: an id of its own for an idempotent producer. One that has an id already gets a new one, as in Kafka.
 * Errors: UNSUPPORTED_VERSION (a transactional id: there are no transactions yet; of the codes that clients take for final it
 * is the one that does not send people to look for a missing permission), COORDINATOR_NOT_AVAILABLE, retryable.
 */
export const initProducerId = handler({
  api: initProducerIdApi,
  versions: initProducerIdApi.advertised,
  async run({ transactionalId }, exchange, { producerIds }) {
    if (transactionalId !== null) {
      exchange.noteError(errorCodes.UNSUPPORTED_VERSION);
      return { ...NONE, errorCode: errorCodes.UNSUPPORTED_VERSION };
    }
    const producerId = await unlessUnavailable(producerIds.next(), () => undefined);
    if (producerId === undefined) {
      exchange.noteError(errorCodes.COORDINATOR_NOT_AVAILABLE);
      return { ...NONE, errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE };
    }
    return { throttleTimeMs: 0, errorCode: errorCodes.NONE, producerId, producerEpoch: 0 };
  },
});
