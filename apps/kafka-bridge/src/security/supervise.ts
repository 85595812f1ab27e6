import { hash } from 'node:crypto';
import {
  createPartitionsApi,
  createTopicsApi,
  deleteTopicsApi,
  type ErrorCode,
  fetchApi,
  produceApi,
  shareFetchApi,
} from '@tailrace/kafka-protocol';
import type { ClientQuotaKey } from '@tailrace/identity';
import type { Bridge } from '../bridge.ts';
import type { Exchange } from '../connection/exchange.ts';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import { EncodedAnswer, type Handler, NO_ANSWER } from '../handlers/handler.ts';
import { Access } from './access/access.ts';
import { accessRulesByKey } from './access/index.ts';
import type { Security } from './security.ts';

type AnyAnswer = Awaited<ReturnType<Handler['run']>>;
/** What answers have in common, as far as it is looked at here. */
type Members = Record<string, unknown>;

/** Whether anything stands between requests and their handlers: entries to keep to, or quotas. */
export function supervises({ authorizer, quotas }: Security): boolean {
  return authorizer.enforces || quotas.size > 0;
}

/** Runs a handler on what its client may do, and charges the client for it. Starts at once, as the handler does. */
export function supervise(
  handler: Handler,
  request: unknown,
  exchange: Exchange,
  bridge: Bridge,
): AnyAnswer | Promise<AnyAnswer> {
  const { authorizer, quotas } = bridge.security;
  const startedMs = performance.now();
  const answer = authorizer.enforces
    ? runAuthorized(handler, request, exchange, bridge)
    : handler.run(request as never, exchange, bridge);
  if (quotas.size === 0) return answer;
  // Only what it takes on this thread before it first waits: the rest cannot be told apart from others' work.
  const busyMs = performance.now() - startedMs;
  if (answer instanceof Promise)
    return answer.then((settled) => charge(handler, request, settled, busyMs, exchange, bridge));
  return charge(handler, request, answer, busyMs, exchange, bridge);
}

function runAuthorized(
  handler: Handler,
  request: unknown,
  exchange: Exchange,
  bridge: Bridge,
): AnyAnswer | Promise<AnyAnswer> {
  const rule = accessRulesByKey[handler.api.key];
  if (rule === undefined) throw new Error(`${handler.api.name} has no rule about who may use it`);
  const access = new Access(bridge.security.authorizer, bridge.catalog, exchange);
  const verdict = rule.judge(request as never, access);
  if (verdict.kind === 'passes') return handler.run(request as never, exchange, bridge);
  if (verdict.errorCode !== undefined) noteRefusal(verdict.errorCode, handler, exchange, bridge);
  if (verdict.kind === 'refused')
    return handler.api === produceApi ? ofProduce(request, verdict.answer, exchange) : verdict.answer;
  const complete = (answer: AnyAnswer): AnyAnswer => {
    if (answer instanceof EncodedAnswer) throw new Error(`the answer of ${handler.api.name} is encoded already`);
    if (answer === NO_ANSWER) {
      // A producer that wants no answer learns of a refusal by the end of its connection.
      if (verdict.errorCode !== undefined) exchange.closeConnection(NOT_TOLD);
      return NO_ANSWER;
    }
    return verdict.complete(answer);
  };
  const answer = handler.run(verdict.request, exchange, bridge);
  return answer instanceof Promise ? answer.then(complete) : complete(answer);
}

const NOT_TOLD = 'a Produce with acks 0 was not allowed, and has no other answer';

function ofProduce(request: unknown, answer: unknown, exchange: Exchange): AnyAnswer {
  if ((request as { readonly acks: number }).acks !== 0) return answer as AnyAnswer;
  exchange.closeConnection(NOT_TOLD);
  return NO_ANSWER;
}

function noteRefusal(errorCode: ErrorCode, { api }: Handler, exchange: Exchange, { logger }: Bridge): void {
  exchange.noteError(errorCode);
  const { principal, host } = exchange.peer;
  logger.debug({ door: 'kafka', client: host, principal, api: api.name, errorCode }, 'not allowed');
}

/** Charges what a request cost to the quotas that apply to its client, and asks the client to pause where one is used up. */
async function charge(
  { api }: Handler,
  request: unknown,
  answer: AnyAnswer,
  busyMs: number,
  exchange: Exchange,
  bridge: Bridge,
): Promise<AnyAnswer> {
  const { quotas, clientLimits } = bridge.security;
  const user = exchange.peer.principal.slice('User:'.length);
  const clientId = exchange.header.clientId ?? '';
  const costs: [ClientQuotaKey, number][] = [['request_percentage', busyMs]];
  if (api === produceApi) costs.push(['producer_byte_rate', exchange.frame.bytes.length]);
  else if (api === fetchApi || api === shareFetchApi) costs.push(['consumer_byte_rate', recordBytes(answer)]);
  else costs.push(['controller_mutation_rate', mutations(api.key, request, bridge)]);
  let pauseMs = 0;
  for (const [key, cost] of costs) {
    const quota = cost === 0 ? undefined : quotas.find(key, user, clientId);
    if (quota === undefined) continue;
    // A hundredth of a thread is ten of its milliseconds a second.
    const rate = key === 'request_percentage' ? quota.value * 10 : quota.value;
    const charged = clientLimits.charge(`${key}/${hash('sha256', quota.sharedBy, 'base64url')}`, rate, cost);
    // It is done: whether the buckets can be reached changes nothing about that.
    pauseMs = Math.max(pauseMs, typeof charged === 'number' ? charged : await unlessUnavailable(charged, () => 0));
  }
  if (pauseMs === 0) return answer;
  exchange.throttleMs = Math.max(exchange.throttleMs, Math.ceil(pauseMs));
  if (answer === NO_ANSWER || answer instanceof EncodedAnswer) return answer;
  const { throttleTimeMs = 0 } = answer as Members;
  const told = { ...(answer as object), throttleTimeMs: Math.max(exchange.throttleMs, Number(throttleTimeMs)) };
  return told;
}

function recordBytes(answer: AnyAnswer): number {
  const { responses = [] } = answer as {
    readonly responses?: readonly {
      readonly partitions: readonly { readonly records: Buffer | readonly Buffer[] | null }[];
    }[];
  };
  let bytes = 0;
  for (const { partitions } of responses) {
    for (const { records } of partitions) {
      if (records === null) continue;
      if (Buffer.isBuffer(records)) bytes += records.length;
      else for (const chunk of records) bytes += chunk.length;
    }
  }
  return bytes;
}

/** Partitions that a request makes or drops (KIP-599). */
function mutations(key: number, request: unknown, { catalog, options }: Bridge): number {
  if (key === createTopicsApi.key) {
    const { topics, validateOnly } = request as {
      topics: { numPartitions: number; assignments: unknown[] }[];
      validateOnly: boolean;
    };
    if (validateOnly) return 0;
    return sum(topics, ({ numPartitions, assignments }) =>
      assignments.length > 0 ? assignments.length : numPartitions < 0 ? options.defaultPartitions : numPartitions,
    );
  }
  if (key === createPartitionsApi.key) {
    const { topics, validateOnly } = request as { topics: { name: string; count: number }[]; validateOnly: boolean };
    if (validateOnly) return 0;
    return sum(topics, ({ name, count }) => Math.max(0, count - (catalog.peek(name)?.partitions.length ?? count)));
  }
  if (key === deleteTopicsApi.key) {
    const { topics, topicNames } = request as {
      topics: { name: string | null; topicId: string }[];
      topicNames: string[];
    };
    return topics.length + topicNames.length;
  }
  return 0;
}

function sum<T>(list: readonly T[], of: (one: T) => number): number {
  return list.reduce((total, one) => total + of(one), 0);
}
