import { type ErrorCode, errorCodes, initProducerIdApi } from '@tailrace/kafka-protocol';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import { handler } from './handler.ts';

/**
 * InitProducerId: an id of its own for an idempotent producer. One that has an id already gets a new one, as in Kafka.
 *
 * Errors: TRANSACTIONAL_ID_AUTHORIZATION_FAILED (a transactional id: there are no transactions yet. It is the one code
 * that every client takes for final; on UNSUPPORTED_VERSION, which says it better, librdkafka tries again for ever. The log
 * has the real reason), COORDINATOR_NOT_AVAILABLE, retryable.
 */
export const initProducerId = handler({
  api: initProducerIdApi,
  versions: initProducerIdApi.advertised,
  async run({ transactionalId }, exchange, { producerIds, logger }) {
    const failed = (errorCode: ErrorCode) => {
      exchange.noteError(errorCode);
      return { throttleTimeMs: 0, errorCode, producerId: -1n, producerEpoch: -1 };
    };
    if (transactionalId !== null) {
      logger.warn({ door: 'kafka', transactionalId }, 'a producer asked for transactions, which are not supported');
      return failed(errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    }
    const producerId = await unlessUnavailable(producerIds.next(), () => undefined);
    if (producerId === undefined) return failed(errorCodes.COORDINATOR_NOT_AVAILABLE);
    return { throttleTimeMs: 0, errorCode: errorCodes.NONE, producerId, producerEpoch: 0 };
  },
});
