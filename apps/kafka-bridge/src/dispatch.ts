import {
  apiVersionsApi,
  apiVersionsResponse,
  encodeResponse,
  errorCodes,
  errorName,
  produceApi,
  readRequestBody,
} from '@tailrace/kafka-protocol';
import { requestMetrics, type RequestMetrics, setKafkaError, tracing, withKafkaSpan } from '@tailrace/telemetry';
import type { Bridge } from './bridge.ts';
import type { Exchange } from './connection/exchange.ts';
import { apiVersionsOfUnknownVersion } from './handlers/18-api-versions.ts';
import { OLD_PRODUCE_VERSION_MAX, refuseOldProduce } from './handlers/00-produce-before-3.ts';
import { EncodedAnswer, type Handler, NO_ANSWER } from './handlers/handler.ts';
import { handlers, handlersByKey } from './handlers/index.ts';
import { unsupportedAnswer } from './handlers/unsupported-answer.ts';
import { serveBareMessage } from './security/bare-message.ts';
import { supervise, supervises } from './security/supervise.ts';

const NO_CHUNKS: readonly Buffer[] = [];
const metrics: readonly (RequestMetrics | undefined)[] = handlersByKey.map(
  (handler) => handler && requestMetrics('kafka', handler.api.name),
);

/** Finds the handler of a request, lets it work, and puts the encoded answer into the exchange. Throws what ends the connection. */
export function dispatch(exchange: Exchange, bridge: Bridge): void | Promise<void> {
  const { header, peer } = exchange;
  const { sasl } = peer;
  if (sasl !== undefined) {
    if (sasl.takesBareMessages) return serveBareMessage(exchange, sasl);
    const refusal = sasl.refuse(header.apiKey);
    if (refusal !== undefined) return exchange.endUnanswered(refusal);
  }
  const handler = handlersByKey[header.apiKey];
  if (handler === undefined || header.api === undefined) return refuse(exchange);
  if (handler.coordinated === true && peer.term !== bridge.brokers.term) {
    return exchange.endUnanswered('the lease of this bridge has ended since the client connected');
  }
  return tracing.enabled ? serveTraced(handler, exchange, bridge) : serve(handler, exchange, bridge);
}

function serve(handler: Handler, exchange: Exchange, bridge: Bridge): void | Promise<void> {
  const request = readRequestBody(handler.api.request, exchange.header, exchange.frame.bytes);
  const answer = supervises(bridge.security)
    ? supervise(handler, request, exchange, bridge)
    : handler.run(request, exchange, bridge);
  if (answer instanceof Promise) return answer.then((settled) => finish(handler, exchange, settled));
  finish(handler, exchange, answer);
}

function serveTraced(handler: Handler, exchange: Exchange, bridge: Bridge): void | Promise<void> {
  const { header, peer } = exchange;
  const facts = {
    api: handler.api.name,
    apiVersion: header.apiVersion,
    clientId: header.clientId,
    serverAddress: bridge.brokers.self.host,
    serverPort: bridge.brokers.self.port,
    clientAddress: peer.host,
    clientPort: peer.port,
  };
  return withKafkaSpan(facts, (span) => {
    exchange.span = span;
    const noteError = () => setKafkaError(span, errorName(exchange.errorCode) ?? String(exchange.errorCode));
    const served = serve(handler, exchange, bridge);
    if (served !== undefined) return served.then(noteError);
    noteError();
  });
}

function finish({ api }: Handler, exchange: Exchange, answer: Awaited<ReturnType<Handler['run']>>): void {
  const { apiVersion, correlationId } = exchange.header;
  if (answer === NO_ANSWER) exchange.answer(NO_CHUNKS);
  else if (answer instanceof EncodedAnswer) exchange.answer(answer.chunks);
  else exchange.answer(encodeResponse(api.response, apiVersion, correlationId, answer));
  metrics[api.key]?.observe((performance.now() - exchange.startedMs) / 1000, exchange.errorCode);
}

/**
 * A key or version that is not offered. A client reads an answer in the version it asked for, so a well-formed one can be
 * given only where that version is known here; otherwise the connection is closed, as Kafka closes it, and the log says why.
 */
function refuse(exchange: Exchange): void {
  const { api, apiKey, apiVersion, correlationId } = exchange.header;
  if (apiKey === apiVersionsApi.key) {
    exchange.answer(encodeResponse(apiVersionsResponse, 0, correlationId, apiVersionsOfUnknownVersion(handlers)));
    return;
  }
  exchange.noteError(errorCodes.UNSUPPORTED_VERSION);
  if (apiKey === produceApi.key && apiVersion >= 0 && apiVersion <= OLD_PRODUCE_VERSION_MAX) {
    const { bodyPosition } = exchange.header;
    const answer = refuseOldProduce(exchange.frame.bytes, bodyPosition, apiVersion, correlationId);
    exchange.answer(answer === undefined ? NO_CHUNKS : [answer]);
    if (answer === undefined) exchange.closeConnection('a Produce before version 3 with acks 0 has no other answer');
    return;
  }
  const draft = api && unsupportedAnswer(api);
  if (api !== undefined && draft !== undefined) {
    exchange.answer(encodeResponse(api.response, apiVersion, correlationId, draft));
    return;
  }
  exchange.closeConnection(`version ${apiVersion} of the API with key ${apiKey} is not supported`);
}
