import { parseShardKey, type ShardKey, shardIdOf, StoreUnavailable } from '@tailrace/shard-core';
import type { IngestRefusal } from '../ingest/index.ts';
import type { JsonError } from './json-text.ts';

/** One complaint about a part of the request. */
export interface ProblemDetail {
  /** JSON pointer into the body (`/records/3/data`), `?name` for a query parameter, `{name}` for a part of the path. */
  readonly pointer: string;
  readonly message: string;
}

export interface ProblemFacts {
  readonly status: number;
  /** For programs; stays the same while the texts may improve. */
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly errors?: readonly ProblemDetail[];
  /** The same request may succeed later. */
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Members beside those of the RFC, such as the bounds of a log. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** Thrown by operations and answered as `application/problem+json` (RFC 9457). */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly facts: ProblemFacts;

  constructor(facts: ProblemFacts, options?: { cause?: unknown }) {
    super(facts.detail, options);
    this.facts = facts;
  }

  get status(): number {
    return this.facts.status;
  }
}

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** `streamNotFound` → `urn:tailrace:problem:stream-not-found`. */
export function problemType(code: string): string {
  return `urn:tailrace:problem:${code.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The body of the answer. `instance` is the path of the request. */
export function problemBody({ facts }: Problem, instance?: string): Record<string, unknown> {
  return {
    type: problemType(facts.code),
    title: facts.title,
    status: facts.status,
    detail: facts.detail,
    ...(instance === undefined ? {} : { instance }),
    code: facts.code,
    retryable: facts.retryable ?? false,
    ...(facts.errors === undefined ? {} : { errors: facts.errors }),
    ...facts.extra,
  };
}

/** Whole seconds, at least one: the header knows no fractions, and 0 would invite a busy loop. */
export function retryAfterSeconds(waitMs: number): number {
  return Math.max(1, Math.ceil(waitMs / 1000));
}

const STORE_UNAVAILABLE =
  'The store cannot be reached or cannot write now. Whether a record was appended is unknown; try again.';
const UNAVAILABLE_RETRY_AFTER_MS = 1000;

interface RefusalAnswer {
  readonly status: number;
  readonly title: string;
  readonly retryable: boolean;
}

/** What each refusal of the core and of the way in means over HTTP. */
const refusalAnswers = {
  streamNotFound: { status: 404, title: 'Stream not found', retryable: false },
  streamExists: { status: 409, title: 'Stream exists', retryable: false },
  streamNameReserved: { status: 400, title: 'Stream name is reserved', retryable: false },
  streamBusy: { status: 409, title: 'Stream is being changed', retryable: true },
  shardNotFound: { status: 404, title: 'Shard not found', retryable: false },
  shardSealed: { status: 503, title: 'Shard is closed', retryable: true },
  shardClosed: { status: 409, title: 'Shard is closed already', retryable: false },
  hashKeyOutOfRange: { status: 400, title: 'Hash key outside the shard', retryable: false },
  shardsNotAdjacent: { status: 400, title: 'Shards are not adjacent', retryable: false },
  tooManyShards: { status: 409, title: 'Too many shards', retryable: false },
  offsetOutOfRange: { status: 400, title: 'Offset out of range', retryable: false },
  outOfOrderSequence: { status: 409, title: 'Producer sequence out of order', retryable: false },
  duplicateSequence: { status: 409, title: 'Producer sequence repeated', retryable: false },
  staleProducerEpoch: { status: 409, title: 'Producer was fenced', retryable: false },
  staleCoordinatorEpoch: { status: 409, title: 'Stale coordinator epoch', retryable: false },
  transactionOpen: { status: 409, title: 'Transaction open', retryable: false },
  notEnoughReplicas: { status: 503, title: 'Not enough replicas', retryable: true },
  notEnoughReplicasAfterAppend: { status: 503, title: 'Not enough replicas acknowledged', retryable: true },
  encryptionRequired: { status: 503, title: 'Encryption has begun', retryable: true },
  batchTooLarge: { status: 413, title: 'Batch too large', retryable: false },
  throttled: { status: 429, title: 'Shard limit reached', retryable: true },
  overloaded: { status: 503, title: 'Overloaded', retryable: true },
  storeUnavailable: { status: 503, title: 'Store unavailable', retryable: true },
} as const satisfies Record<IngestRefusal['code'], RefusalAnswer>;

/** For the result of one record among several. */
export function refusalCodes(): readonly IngestRefusal['code'][] {
  return Object.keys(refusalAnswers) as IngestRefusal['code'][];
}

/** One sentence with the thing, the value and the limit. */
function refusalDetail(refusal: IngestRefusal): string {
  switch (refusal.code) {
    case 'streamNotFound':
      return `There is no stream ${refusal.stream}.`;
    case 'streamExists':
      return `A stream ${refusal.stream} is there already.`;
    case 'streamNameReserved':
      return `The name ${refusal.stream} is kept for a stream of another account or region, which CreateStream makes there.`;
    case 'streamBusy':
      return `Stream ${refusal.stream} is ${refusal.status}; try again.`;
    case 'shardNotFound':
      return 'The shard is not there (any more): its stream may have been deleted.';
    case 'shardSealed':
      return 'The shard was closed by a split or merge just now; try again, and its children take the record.';
    case 'shardClosed':
      return `Shard ${shardIdOfKey(refusal.shard)} has been split or merged already.`;
    case 'hashKeyOutOfRange':
      return (
        `Shard ${shardIdOfKey(refusal.shard)} can be split above hash key ${refusal.hashRange.start + 1n} ` +
        `and below ${refusal.hashRange.end}, not at ${refusal.hashKey}.`
      );
    case 'shardsNotAdjacent':
      return `The hash ranges of ${shardIdOfKey(refusal.shard)} and ${shardIdOfKey(refusal.adjacentShard)} do not touch.`;
    case 'tooManyShards':
      return `Stream ${refusal.stream} would have ${refusal.shards} shards, open and closed; ${refusal.shardsMax} are kept.`;
    case 'offsetOutOfRange':
      return (
        `Offset ${refusal.offset} lies outside the log, which begins at ${refusal.logStartOffset} ` +
        `and ends before ${refusal.logEndOffset}.`
      );
    case 'outOfOrderSequence':
      return `Producer ${refusal.producerId} sent sequence ${refusal.got}; ${refusal.expected} was expected.`;
    case 'duplicateSequence':
      return `Producer ${refusal.producerId} sent sequence ${refusal.sequence} again, too late to recognise it.`;
    case 'staleProducerEpoch':
      return `Producer ${refusal.producerId} has epoch ${refusal.epoch}; ${refusal.current} has written since.`;
    case 'staleCoordinatorEpoch':
      return `A coordinator of epoch ${refusal.coordinatorEpoch} ends what producer ${refusal.producerId} wrote; ${refusal.current} has since.`;
    case 'transactionOpen':
      return `Producer ${refusal.producerId} has a transaction open, and this is not part of it.`;
    case 'notEnoughReplicas':
      return `${refusal.required} copies are required and ${refusal.available} are there; nothing was written.`;
    case 'notEnoughReplicasAfterAppend':
      return (
        `${refusal.required} copies are required and ${refusal.acknowledged} acknowledged in time; ` +
        'the record was written and may or may not survive a failover.'
      );
    case 'encryptionRequired':
      return 'The stream is encrypted since just now; try again.';
    case 'batchTooLarge':
      return `The record takes ${refusal.bytes} bytes; the store takes ${refusal.maxBytes}.`;
    case 'throttled':
      return `The write limit of ${refusal.shard.shardId} (1 MiB and 1,000 records a second) is spent; try again.`;
    case 'overloaded':
      return `${refusal.queuedBytes} of ${refusal.maxBytes} bytes wait for ${refusal.shard.shardId} already; try again.`;
    case 'storeUnavailable':
      return STORE_UNAVAILABLE;
  }
}

function shardIdOfKey(shard: ShardKey): string {
  return shardIdOf(parseShardKey(shard).shardNumber);
}

export function problemOfRefusal(refusal: IngestRefusal): Problem {
  const answer: RefusalAnswer = refusalAnswers[refusal.code];
  const { status, title, retryable } = answer;
  return new Problem({
    status,
    code: refusal.code,
    title,
    retryable,
    detail: refusalDetail(refusal),
    ...(refusal.code === 'throttled' ? { retryAfterMs: refusal.retryAfterMs } : {}),
    ...(status === 503 ? { retryAfterMs: UNAVAILABLE_RETRY_AFTER_MS } : {}),
    ...(refusal.code === 'offsetOutOfRange'
      ? { extra: { logStartOffset: String(refusal.logStartOffset), logEndOffset: String(refusal.logEndOffset) } }
      : {}),
  });
}

/** What any thrown value is answered with; a bug gets a 500 without its inner details. */
export function problemOfError(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof StoreUnavailable) {
    return problemOfRefusal({ code: 'storeUnavailable', message: error.message });
  }
  return new Problem(
    { status: 500, code: 'internalError', title: 'Internal error', detail: 'Something failed here; see the log.' },
    { cause: error },
  );
}

export function invalidRequest(errors: readonly ProblemDetail[]): Problem {
  return new Problem({
    status: 400,
    code: 'invalidRequest',
    title: 'Invalid request',
    detail: errors.map(({ pointer, message }) => `${pointer}: ${message}`).join('; '),
    errors,
  });
}

export function invalidJson({ position, line, column, message }: JsonError): Problem {
  return new Problem({
    status: 400,
    code: 'invalidJson',
    title: 'Invalid JSON',
    detail: message,
    errors: [{ pointer: '', message }],
    extra: { position, line, column },
  });
}

export function streamNotFound(stream: string): Problem {
  return problemOfRefusal({ code: 'streamNotFound', stream });
}

export function shardNotFound(stream: string, shardId: string): Problem {
  return new Problem({
    status: 404,
    code: 'shardNotFound',
    title: 'Shard not found',
    detail: `Stream ${stream} has no shard ${shardId}.`,
  });
}
