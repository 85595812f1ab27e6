import type { Span } from '@opentelemetry/api';
import type { z } from 'zod';
import type { RestDependencies } from './dependencies.ts';
import type { RequestBody } from './request-body.ts';

/** What an operation gets to see of a request: no socket, no framework. */
export interface RestInput<Path, Query> {
  readonly path: Path;
  readonly query: Query;
  readonly body: RequestBody;
  /** One header, by its name in lower case. */
  readonly header: (name: string) => string | undefined;
  /** `http://localhost:4567`: how the caller addressed us. */
  readonly origin: string;
  /** The span of the request: what is written carries its trace context. */
  readonly span: Span;
  /** Fires when the client has gone or the door closes. */
  readonly signal: AbortSignal;
}

/** What it answers. Of `chunks` the next one is asked for when the client has taken the last. */
export type RestAnswer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
} & (
  | { readonly json: unknown }
  | { readonly text: string; readonly contentType: string }
  | { readonly chunks: AsyncIterable<string | Buffer>; readonly contentType: string }
  | { readonly empty: true }
);

/** How one media type of a request or an answer looks, for the OpenAPI document. */
export interface ContentFacts {
  readonly schema: z.ZodType;
  readonly example?: unknown;
}

export interface AnswerFacts {
  readonly description: string;
  readonly content?: Readonly<Record<string, ContentFacts>>;
}

/** One operation: what is checked and what is documented are the same schemas. */
export interface RestOperation<Path extends z.ZodType = z.ZodType, Query extends z.ZodType = z.ZodType> {
  readonly id: string;
  readonly method: 'get' | 'post' | 'delete';
  /** OpenAPI's form: `/v1/streams/{stream}`. */
  readonly route: string;
  readonly tag: 'streams' | 'records' | 'service';
  readonly summary: string;
  readonly description?: string;
  readonly path: Path;
  readonly query: Query;
  /** Request headers that it reads, for the document. */
  readonly headers?: z.ZodObject;
  /** By media type; any other gets 415. Left out: there is no body to read. */
  readonly body?: Readonly<Record<string, ContentFacts>>;
  readonly answers: Readonly<Record<number, AnswerFacts>>;
  /** Statuses that are answered with problem+json. */
  readonly problems: readonly number[];
  run(
    input: RestInput<z.output<Path>, z.output<Query>>,
    dependencies: RestDependencies,
  ): RestAnswer | Promise<RestAnswer>;
}

/** Keeps the types of path and query for `run`, and forgets them for the table of operations. */
export function operation<Path extends z.ZodType, Query extends z.ZodType>(
  declaration: RestOperation<Path, Query>,
): RestOperation {
  return declaration;
}
