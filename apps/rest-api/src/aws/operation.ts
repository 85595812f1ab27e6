import type { Store, StreamCatalog } from '@tailrace/shard-core';
import type { ShardLimits } from '@tailrace/quota';
import type { offSpan } from '@tailrace/telemetry';
import type { EventStream } from '../http/event-stream.ts';
import type { Ingest } from '../ingest/index.ts';
import type { Caller } from './caller.ts';
import type { ConsumerRegister } from './consumers/consumer-register.ts';
import type { Subscriptions } from './consumers/subscriptions.ts';
import type { SealedTokens } from './sealed-tokens.ts';
import type { NamedStreams } from './named-streams.ts';
import type { StreamPlaces } from './stream-places.ts';
import type { InputOf, Members } from './wire/shapes.ts';
import type { WireCodec, WireStructure } from './wire/wire-codec.ts';

/** What operations stand on; one for the whole door. */
export interface OperationDependencies {
  readonly store: Store;
  readonly catalog: StreamCatalog;
  readonly ingest: Ingest;
  readonly limits: ShardLimits;
  readonly tokens: SealedTokens;
  readonly consumers: ConsumerRegister;
  readonly subscriptions: Subscriptions;
  readonly places: StreamPlaces;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/** What an operation gets to know beside its input. */
export interface OperationContext extends OperationDependencies {
  readonly caller: Caller;
  /** Streams by name or ARN, in the words of the caller's account. */
  readonly streams: NamedStreams;
  /** Of the request; `offSpan` while tracing is off. */
  readonly span: typeof offSpan;
}

export interface Operation<Output = unknown> {
  readonly name: string;
  readonly input: Members;
  run(input: never, context: OperationContext): Promise<Output>;
  /** The answer in the words of the service model, for any codec. Left out where the output is that already. */
  toWire?(output: Output): WireStructure;
  /** A faster way to the same JSON, for answers of many records. ASCII text or bytes. */
  toJson?(output: Output): string | Buffer;
  /** The same for CBOR. */
  toCbor?(output: Output): Buffer;
  /** Lets go of what the output borrows, once it is written. */
  release?(output: Output): void;
  /**
   * The answer is a stream of events: `run` checks and prepares, and what it answers goes on in here, while frames are
   * written to `events`, until one side ends it. Returns at once and never throws. `codec`: of the events' contents, as
   * the request was written in it.
   */
  stream?(output: Output, events: EventStream, codec: WireCodec): void;
}

/** The media type of an answer that is a stream of events. */
export const EVENT_STREAM_MEDIA_TYPE = 'application/vnd.amazon.eventstream';

/** An output that is in the words of the service model already; `undefined`: the answer has no body. */
type PlainOutput = WireStructure | undefined;

/** Declares an operation: name, limits as data, and what it does. Errors are thrown as AwsError. */
export function operation<const M extends Members, Output extends PlainOutput>(declaration: {
  readonly name: string;
  readonly input: M;
  run(input: InputOf<M>, context: OperationContext): Promise<Output>;
}): Operation;
export function operation<const M extends Members, Output>(declaration: {
  readonly name: string;
  readonly input: M;
  run(input: InputOf<M>, context: OperationContext): Promise<Output>;
  toWire(output: Output): WireStructure;
  toJson(output: Output): string | Buffer;
  toCbor?(output: Output): Buffer;
  release?(output: Output): void;
}): Operation;
export function operation<const M extends Members, Output>(declaration: {
  readonly name: string;
  readonly input: M;
  run(input: InputOf<M>, context: OperationContext): Promise<Output>;
  stream(output: Output, events: EventStream, codec: WireCodec): void;
  /** Called instead of `stream` when there is no room for one more stream of events. */
  release?(output: Output): void;
}): Operation;
export function operation(declaration: Operation): Operation {
  return declaration;
}
