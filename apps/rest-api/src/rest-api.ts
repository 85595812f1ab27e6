import type { ShardLimits } from '@tailrace/quota';
import type { Store, StreamCatalog } from '@tailrace/shard-core';
import type { Logger } from '@tailrace/telemetry';
import { createHttpDoor, type HttpDoor } from './http/http-door.ts';
import { Ingest } from './ingest/index.ts';
import { createRestHandler } from './rest/index.ts';

export interface RestApiDependencies {
  readonly store: Store;
  readonly catalog: StreamCatalog;
  readonly limits: ShardLimits;
  readonly logger: Logger;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
}

export interface RestApiOptions {
  /** The version of the service, as its OpenAPI document names it. */
  readonly version: string;
  /** Where Kafka clients find the same streams, if anywhere: `127.0.0.1:9092`. */
  readonly kafkaAddress?: string | undefined;
  /** Copies that an acknowledgement needs where a stream sets none. */
  readonly minInsyncReplicas?: number;
}

/** The whole HTTP door: the AWS protocol and plain REST over one way in. */
export function createRestApi(dependencies: RestApiDependencies, options: RestApiOptions): HttpDoor {
  const { store, catalog, limits, logger, clock = Date.now } = dependencies;
  const { version, kafkaAddress, minInsyncReplicas = 1 } = options;
  const ingest = new Ingest({ store, catalog, limits, minInsyncReplicas, clock });
  const restHandler = createRestHandler({ store, catalog, ingest, limits, logger, version, kafkaAddress, clock });
  return createHttpDoor({ store, catalog, ingest, limits, restHandler, clock });
}
