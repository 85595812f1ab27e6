import { errorCodes, saslAuthenticateApi } from '@tailrace/kafka-protocol';
import { NO_MESSAGE } from '../security/bare-message.ts';
import { handler } from './handler.ts';

/**
 * SaslAuthenticate: a message of the mechanism, and ours in return. The last answer says for how long it holds.
 * Errors: ILLEGAL_SASL_STATE (none was due), SASL_AUTHENTICATION_FAILED, which ends the connection; its answer is held back a
 * moment, so that guessing takes time.
 */
export const saslAuthenticate = handler({
  api: saslAuthenticateApi,
  versions: saslAuthenticateApi.advertised,
  async run({ authBytes }, exchange, { logger }) {
    const { sasl, host } = exchange.peer;
    if (sasl === undefined || !sasl.expectsMessage) {
      exchange.noteError(errorCodes.ILLEGAL_SASL_STATE);
      const errorMessage =
        'SaslAuthenticate request received after successful authentication, or without SaslHandshake';
      return { errorCode: errorCodes.ILLEGAL_SASL_STATE, errorMessage, authBytes: NO_MESSAGE };
    }
    const step = await sasl.step(authBytes);
    if (step.kind === 'failed') {
      exchange.noteError(errorCodes.SASL_AUTHENTICATION_FAILED);
      logger.info({ door: 'kafka', client: host, reason: step.detail }, 'authentication failed');
      exchange.closeConnection(`authentication failed, ${step.detail}`);
      return { errorCode: errorCodes.SASL_AUTHENTICATION_FAILED, errorMessage: step.reason, authBytes: NO_MESSAGE };
    }
    return {
      errorCode: errorCodes.NONE,
      errorMessage: null,
      authBytes: step.message,
      sessionLifetimeMs: step.kind === 'done' ? BigInt(step.sessionLifetimeMs) : 0n,
    };
  },
});
