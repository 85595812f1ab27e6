import { type KnownAccessKeys, SignatureVerifier } from '@tailrace/identity';
import type { ShardLimits } from '@tailrace/quota';
import type { ServerTls } from '@tailrace/service';
import type { Store, StreamCatalog } from '@tailrace/shard-core';
import type { Logger } from '@tailrace/telemetry';
import { createHttpDoor, type HttpDoor } from './http/http-door.ts';
import type { Authentication } from './aws/caller.ts';
import type { StreamPlace } from './aws/stream-places.ts';
import { Ingest } from './ingest/index.ts';
import { closedRest } from './rest/closed-rest.ts';
import { createRestHandler } from './rest/index.ts';

export interface RestApiDependencies {
  readonly store: Store;
  readonly catalog: StreamCatalog;
  readonly limits: ShardLimits;
  readonly logger: Logger;
  /** With it the port speaks TLS, without it plain text. */
  readonly tls?: ServerTls | undefined;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
}

export interface RestApiOptions {
  /** The version of the service, as its OpenAPI document names it. */
  readonly version: string;
  /** Where Kafka clients find the same streams, if anywhere: `127.0.0.1:9092`. */
  readonly kafkaAddress?: string | undefined;
  /** Who is let in. Absent: everybody. */
  readonly identity?: RestApiIdentity | undefined;
  /** Each account has its own streams in each region, and here are those of Kafka clients. Absent: one name space. */
  readonly home?: StreamPlace | undefined;
  /** Copies that an acknowledgement needs where a stream sets none. */
  readonly minInsyncReplicas?: number;
}

export interface RestApiIdentity {
  readonly accessKeys: Pick<KnownAccessKeys, 'find'>;
  /** Twelve digits: the account that all streams belong to. */
  readonly account: string;
  /** The one region that requests may be signed for; without it, or with a home, any. */
  readonly region?: string | undefined;
}

/** The whole HTTP door: the AWS protocol and plain REST over one way in. */
export function createRestApi(dependencies: RestApiDependencies, options: RestApiOptions): HttpDoor {
  const { store, catalog, limits, logger, tls, clock = Date.now } = dependencies;
  const { version, kafkaAddress, identity, home, minInsyncReplicas = 1 } = options;
  const ingest = new Ingest({ store, catalog, limits, minInsyncReplicas, clock });
  const restHandler = createRestHandler({
    store,
    catalog,
    ingest,
    limits,
    logger,
    minInsyncReplicas,
    version,
    kafkaAddress,
    clock,
  });
  return createHttpDoor({
    store,
    catalog,
    ingest,
    limits,
    restHandler: identity === undefined ? restHandler : closedRest(restHandler),
    authentication: identity && authenticationOf(home ? { ...identity, region: undefined } : identity, clock),
    home,
    tls,
    clock,
  });
}

function authenticationOf({ accessKeys, account, region }: RestApiIdentity, clock: () => number): Authentication {
  const verifier = new SignatureVerifier({
    findSigner: accessKeys.find,
    clock,
    ...(region !== undefined && { regions: new Set([region]) }),
  });
  return { verify: (request, body) => verifier.verify(request, body), account, region };
}
