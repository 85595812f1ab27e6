import { errorCodes, saslHandshakeApi } from '@tailrace/kafka-protocol';
import { handler } from './handler.ts';

/**
 * SaslHandshake: a client names the mechanism by which it will show who it is. After version 0 the mechanism's messages come as
 * bare frames, after version 1 in SaslAuthenticate.
 * Errors: ILLEGAL_SASL_STATE (nobody is asked here; authenticated a moment ago), UNSUPPORTED_SASL_MECHANISM, which ends the connection.
 */
export const saslHandshake = handler({
  api: saslHandshakeApi,
  versions: saslHandshakeApi.advertised,
  run({ mechanism }, exchange, { logger }) {
    const { sasl, host } = exchange.peer;
    if (sasl === undefined) {
      exchange.noteError(errorCodes.ILLEGAL_SASL_STATE);
      return { errorCode: errorCodes.ILLEGAL_SASL_STATE, mechanisms: [] };
    }
    const { errorCode, ends } = sasl.handshake(mechanism, exchange.header.apiVersion === 0);
    exchange.noteError(errorCode);
    if (ends) {
      const reason = `the client asked for ${JSON.stringify(mechanism.slice(0, 100))}, which is not offered`;
      logger.info({ door: 'kafka', client: host, reason }, 'authentication failed');
      exchange.closeConnection(reason);
    }
    return { errorCode, mechanisms: [...sasl.mechanisms] };
  },
});
