import type { IncomingHttpHeaders } from 'node:http';
import { ShardLimits } from '@tailrace/quota';
import { StreamCatalog } from '@tailrace/shard-core';
import { logger } from '@tailrace/telemetry';
import { AwsProtocol, TARGET_PREFIX } from '../src/aws/aws-protocol.ts';
import type { Authentication } from '../src/aws/caller.ts';
import type { OperationName } from '../src/aws/operation-names.ts';
import type { WireStructure } from '../src/aws/wire/wire-codec.ts';
import { SealedTokens } from '../src/aws/sealed-tokens.ts';
import type { StreamPlace } from '../src/aws/stream-places.ts';
import { CBOR_MEDIA_TYPE, cborCodec } from '../src/aws/wire/cbor-codec.ts';
import { readCbor } from '../src/aws/wire/cbor-reader.ts';
import { JSON_MEDIA_TYPE, jsonCodec } from '../src/aws/wire/json-codec.ts';
import type { Answer, Exchange } from '../src/http/exchange.ts';
import { Ingest } from '../src/ingest/index.ts';
import { type MemoryStore, memoryStore } from './memory-store.ts';

export interface AwsAnswer {
  readonly statusCode: number;
  readonly contentType: string | undefined;
  /** Parsed where it is JSON or CBOR; '' where there is none. */
  readonly body: unknown;
}

export interface AwsHarness {
  readonly store: MemoryStore;
  readonly catalog: StreamCatalog;
  readonly ingest: Ingest;
  readonly protocol: AwsProtocol;
  /** Moves by hand. */
  readonly clock: { nowMs: number };
  /** In JSON. */
  call(operation: OperationName, input: object): Promise<AwsAnswer>;
  /** In the form of a media type. Bytes are Buffers and times are Dates in both. */
  callAs(mediaType: string, operation: OperationName, input: object): Promise<AwsAnswer>;
  /** The body of an answer that must be 200. */
  ok<T>(operation: OperationName, input: object): Promise<T>;
  send(request: {
    readonly method?: string;
    readonly headers?: IncomingHttpHeaders;
    readonly body: string | Buffer;
  }): Promise<AwsAnswer>;
}

// Specs make the store fail on purpose.
logger.level = 'silent';

export const START_MS = Date.UTC(2026, 10, 23, 12, 0, 0, 250);
export const ACCOUNT = '000000000000';

/** The AWS protocol over a store in memory, without sockets. */
export async function awsHarness({
  limits: enabled = false,
  authentication,
  home,
}: {
  readonly limits?: boolean;
  readonly authentication?: Authentication;
  readonly home?: StreamPlace;
} = {}): Promise<AwsHarness> {
  const clock = { nowMs: START_MS };
  const now = (): number => clock.nowMs;
  const store = memoryStore(now);
  const catalog = await StreamCatalog.open(store, now, { reservesOwnedNames: home !== undefined });
  const limits = new ShardLimits(store.tokenBuckets, { enabled, clock: now });
  const ingest = new Ingest({ store, catalog, limits, clock: now });
  const tokens = await SealedTokens.open(store.documents);
  const protocol = new AwsProtocol({ store, catalog, ingest, limits, tokens, authentication, home, clock: now });

  const send: AwsHarness['send'] = async ({ method = 'POST', headers = {}, body }) => {
    let answer: Answer | undefined;
    const keep = (given: Answer): void => {
      answer = given;
    };
    const exchange: Exchange = {
      method,
      path: '/',
      headers,
      rawHeaders: [],
      httpVersion: '1.1',
      remoteAddress: '127.0.0.1',
      requestId: '00000000-0000-4000-8000-000000000000',
      respond: keep,
      startEventStream: () => undefined,
    };
    await protocol.handle(exchange, Buffer.from(body as string));
    const { statusCode, contentType, body: given } = answer as Answer;
    const bytes = typeof given === 'string' ? Buffer.from(given, 'latin1') : given;
    return { statusCode, contentType, body: parsed(contentType, bytes) };
  };
  const callAs: AwsHarness['callAs'] = (mediaType, operation, input) =>
    send({
      headers: { 'content-type': mediaType, 'x-amz-target': `${TARGET_PREFIX}.${operation}` },
      body: (mediaType === CBOR_MEDIA_TYPE ? cborCodec : jsonCodec).encode(input as WireStructure),
    });
  const call: AwsHarness['call'] = (operation, input) =>
    send({
      headers: { 'content-type': JSON_MEDIA_TYPE, 'x-amz-target': `${TARGET_PREFIX}.${operation}` },
      body: JSON.stringify(input),
    });
  return {
    store,
    catalog,
    ingest,
    protocol,
    clock,
    send,
    call,
    callAs,
    async ok<T>(operation: OperationName, input: object): Promise<T> {
      const { statusCode, body } = await call(operation, input);
      if (statusCode !== 200) throw new Error(`${operation}: ${statusCode} ${JSON.stringify(body)}`);
      return body as T;
    },
  };
}

function parsed(contentType: string | undefined, bytes: Buffer): unknown {
  if (bytes.length > 0 && contentType === CBOR_MEDIA_TYPE) return readCbor(bytes);
  const text = bytes.toString('utf8');
  return text.startsWith('{') ? (JSON.parse(text) as unknown) : text;
}

/** An error as the protocol answers it. */
export function awsError(type: string, message: string, statusCode = 400): AwsAnswer {
  const member = type === 'SerializationException' ? 'Message' : 'message';
  return {
    statusCode,
    contentType: 'application/x-amz-json-1.1',
    body: { __type: type, [member]: message },
  };
}

/** `1 validation error detected: Value … at '…' failed to satisfy constraint: …` */
export function validationError(...faults: readonly [value: string, path: string, constraint: string][]): AwsAnswer {
  const texts = faults.map(
    ([value, path, constraint]) => `Value ${value} at '${path}' failed to satisfy constraint: ${constraint}`,
  );
  return awsError(
    'ValidationException',
    `${faults.length} validation error${faults.length > 1 ? 's' : ''} detected: ${texts.join('; ')}`,
  );
}

export const NOT_NULL = 'Member must not be null';
export const STREAM_NAME_PATTERN = 'Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+';
export const longest = (max: number): string => `Member must have length less than or equal to ${max}`;
export const shortest = (min: number): string => `Member must have length greater than or equal to ${min}`;
export const most = (max: number): string => `Member must have value less than or equal to ${max}`;
export const least = (min: number): string => `Member must have value greater than or equal to ${min}`;
