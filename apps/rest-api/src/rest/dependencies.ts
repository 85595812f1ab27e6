import type { ShardLimits } from '@tailrace/quota';
import type { Store, StreamCatalog } from '@tailrace/shard-core';
import type { BodyBudget } from '../http/body-budget.ts';
import type { Ingest } from '../ingest/index.ts';

/** What the REST API logs with: structured, one object of facts and a message. */
export interface RestLogger {
  info(facts: Readonly<Record<string, unknown>>, message: string): void;
  warn(facts: Readonly<Record<string, unknown>>, message: string): void;
  error(facts: Readonly<Record<string, unknown>>, message: string): void;
}

export interface RestDependencies {
  readonly store: Store;
  readonly catalog: StreamCatalog;
  readonly ingest: Ingest;
  /** What a reader may read of a shard. */
  readonly limits: ShardLimits;
  readonly logger: RestLogger;
  /** Copies that an acknowledgement needs where a stream sets none. */
  readonly minInsyncReplicas: number;
  /** The version of the service, for the OpenAPI document and the welcome page. */
  readonly version: string;
  /** Where Kafka clients find the same streams, if anywhere: `127.0.0.1:9092`. */
  readonly kafkaAddress?: string | undefined;
  /** What the bodies that are gathered whole may hold together; of its own if absent. */
  readonly bodies?: BodyBudget;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
}
