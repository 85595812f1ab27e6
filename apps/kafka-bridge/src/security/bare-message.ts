import type { RequestHeader } from '@tailrace/kafka-protocol';
import type { Exchange } from '../connection/exchange.ts';
import type { SaslSession } from './sasl-session.ts';

export const NO_MESSAGE: Buffer = Buffer.alloc(0);

/** Stands for the header that a bare message does not have. No API has this key. */
export const bareMessageHeader: RequestHeader = {
  apiKey: -1,
  apiVersion: 0,
  correlationId: 0,
  clientId: null,
  api: undefined,
  bodyPosition: 0,
};

/** A message of the mechanism in a frame of its own (SaslHandshake 0), answered in another. A failure has no answer. */
export async function serveBareMessage(exchange: Exchange, sasl: SaslSession): Promise<void> {
  const step = await sasl.step(exchange.frame.bytes);
  if (step.kind === 'failed') {
    exchange.closeConnection(`authentication failed, ${step.detail}`);
    exchange.answer([]);
    return;
  }
  const length = Buffer.alloc(4);
  length.writeInt32BE(step.message.length);
  exchange.answer([length, step.message]);
}
