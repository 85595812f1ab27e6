import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { createServer as createTlsServer } from 'node:tls';
import type { ShardLimits } from '@tailrace/quota';
import type { Store, StreamCatalog } from '@tailrace/shard-core';
import type { ServerTls } from '@tailrace/service';
import { logger as processLogger, type Logger, trafficMetrics } from '@tailrace/telemetry';
import type { Bridge } from './bridge.ts';
import { BrokerRegistry } from './brokers/broker-registry.ts';
import { clusterIdOf } from './brokers/cluster-id.ts';
import { Connection } from './connection/connection.ts';
import { FrameBufferPool } from './connection/frame-buffer-pool.ts';
import { MemoryBudget } from './connection/memory-budget.ts';
import { dispatch } from './dispatch.ts';
import { FetchSessionCache } from './fetch/fetch-session-cache.ts';
import { UnsentAnswers } from './fetch/unsent-answers.ts';
import { OffsetsProjection, type OffsetsTopicMode } from './groups/offsets-topic/offsets-projection.ts';
import { openGroups } from './groups/open-groups.ts';
import { certificatePrincipal } from './security/certificate-principal.ts';
import { openShareGroups } from './share-groups/open-share-groups.ts';
import { AUTHENTICATION_MS_MAX, SaslSession } from './security/sasl-session.ts';
import { openSecurity, type SecurityOptions } from './security/security.ts';
import { LeaderEpochs } from './topics/leader-epochs.ts';
import { StoredConfigs } from './topics/configs/stored-configs.ts';
import { MetadataCache } from './topics/metadata-cache.ts';
import { openTransactions } from './transactions/open-transactions.ts';

const MIB = 1024 * 1024;

/** Largest request, as Kafka's socket.request.max.bytes. */
export const FRAME_BYTES_MAX = 100 * MIB;
/** What the requests of all connections may hold at once, as Kafka's queued.max.request.bytes would. */
export const REQUEST_BYTES_MAX = 512 * MIB;
/**
 * Largest batch. Kafka's own default is 1,048,588; here it is what the other door takes in one put (10 MiB) with room for a
 * batch's own bytes, so that whatever came in there can be written back here. Topics narrow it by max.message.bytes.
 */
export const MESSAGE_BYTES_MAX = 10 * MIB + 64 * 1024;
/** Largest answer to a Fetch, as Kafka's fetch.max.bytes; a first batch that is larger is returned all the same. */
export const FETCH_BYTES_MAX = 55 * MIB;
/** Kafka's connections.max.idle.ms. */
export const IDLE_MS = 10 * 60 * 1000;
export const CONNECTIONS_MAX = 10_000;
/** How many partitions a topic gets that a client makes by naming it; an on-demand stream has four shards. */
export const DEFAULT_PARTITIONS = 4;
/** Members that start together join one generation, and a lone one hardly waits (Kafka waits 3,000 ms). */
export const INITIAL_REBALANCE_DELAY_MS = 100;
export const SESSION_TIMEOUT_MS_MIN = 6_000;
export const SESSION_TIMEOUT_MS_MAX = 30 * 60 * 1000;
export const GROUP_MEMBERS_MAX = 10_000;
/** Kafka's group.consumer.session.timeout.ms and group.consumer.heartbeat.interval.ms. */
export const CONSUMER_SESSION_TIMEOUT_MS = 45_000;
export const CONSUMER_HEARTBEAT_INTERVAL_MS = 5_000;
/** Kafka's group.share.max.size, group.share.session.timeout.ms and group.share.heartbeat.interval.ms. */
export const SHARE_GROUP_MEMBERS_MAX = 200;
export const SHARE_SESSION_TIMEOUT_MS = 45_000;
export const SHARE_HEARTBEAT_INTERVAL_MS = 5_000;
/** Kafka's group.share.min.record.lock.duration.ms. */
export const SHARE_LOCK_DURATION_MS_MIN = 15_000;
/** Kafka's offsets.retention.minutes, 7 days. */
export const OFFSETS_RETENTION_MS = 7 * 24 * 60 * 60 * 1000;
/** Kafka's offsets.retention.check.interval.ms. */
export const OFFSETS_CHECK_INTERVAL_MS = 10 * 60 * 1000;

export interface KafkaDoorDeps {
  readonly store: Store;
  readonly catalog: StreamCatalog;
  /** Slows down the writers of streams with limits; without it nobody is. */
  readonly limits?: ShardLimits | undefined;
  /** With it the port speaks TLS, without it plain text. */
  readonly tls?: ServerTls | undefined;
  readonly logger?: Logger | undefined;
}

/** All of it has a default, named beside it above. */
export interface KafkaDoorOptions {
  /** What clients are told to connect to; by default what the door listens on, or the machine's name for "all addresses". */
  readonly advertised?: { readonly host?: string | undefined; readonly port?: number | undefined } | undefined;
  /** By default the lowest id that no live bridge holds. */
  readonly nodeId?: number | undefined;
  /** Where this bridge stands, as clients name their own place (client.rack). */
  readonly rack?: string | undefined;
  /** What DescribeLogDirs calls the place where records lie; the size of the volume is told where it is an absolute path. */
  readonly logDir?: string | undefined;
  readonly autoCreateTopics?: boolean | undefined;
  readonly defaultPartitions?: number | undefined;
  readonly minInsyncReplicas?: number | undefined;
  readonly frameBytesMax?: number | undefined;
  readonly requestBytesMax?: number | undefined;
  readonly messageBytesMax?: number | undefined;
  readonly fetchBytesMax?: number | undefined;
  readonly idleMs?: number | undefined;
  readonly connectionsMax?: number | undefined;
  readonly initialRebalanceDelayMs?: number | undefined;
  readonly sessionTimeoutMsMin?: number | undefined;
  readonly sessionTimeoutMsMax?: number | undefined;
  readonly groupMembersMax?: number | undefined;
  readonly consumerSessionTimeoutMs?: number | undefined;
  readonly consumerHeartbeatIntervalMs?: number | undefined;
  readonly shareGroupMembersMax?: number | undefined;
  readonly shareSessionTimeoutMs?: number | undefined;
  readonly shareHeartbeatIntervalMs?: number | undefined;
  readonly shareLockDurationMsMin?: number | undefined;
  readonly offsetsRetentionMs?: number | undefined;
  readonly offsetsCheckIntervalMs?: number | undefined;
  /** When the topic that shows committed offsets comes into being; `named` unless set. */
  readonly offsetsTopic?: OffsetsTopicMode | undefined;
  /** Who is let in, and what they may do; by default everybody, and everything. */
  readonly security?: SecurityOptions | undefined;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface KafkaDoor {
  /** Opens the port (0: any free one) and joins the live bridges. Throws what listening throws, and StoreUnavailable. */
  listen(address: Address): Promise<Address>;
  /** Takes no new connections and requests, lets those under way end for at most `graceMs`, and gives up its place. */
  close(graceMs: number): Promise<void>;
}

/** The TCP door: Kafka's wire protocol over a store. */
export function createKafkaDoor(deps: KafkaDoorDeps, options: KafkaDoorOptions = {}): KafkaDoor {
  return new Door(deps, options);
}

class Door implements KafkaDoor {
  readonly #deps: KafkaDoorDeps;
  readonly #options: KafkaDoorOptions;
  readonly #logger: Logger;
  readonly #connections = new Set<Connection>();
  readonly #server: Server;
  readonly #pool = new FrameBufferPool();
  readonly #budget: MemoryBudget;
  readonly #traffic = trafficMetrics('kafka');
  #bridge: Bridge | undefined;
  #whenEmpty: (() => void) | undefined;

  constructor(deps: KafkaDoorDeps, options: KafkaDoorOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#logger = deps.logger ?? processLogger;
    const frameBytesMax = options.frameBytesMax ?? FRAME_BYTES_MAX;
    // One frame must always fit, or its connection would wait for ever.
    this.#budget = new MemoryBudget(Math.max(options.requestBytesMax ?? REQUEST_BYTES_MAX, frameBytesMax));
    const accept = (socket: Socket) => this.#accept(socket, frameBytesMax);
    const { certificates = false, mechanisms = [] } = options.security ?? {};
    const { tls } = deps;
    if (tls === undefined) this.#server = createServer({ noDelay: true, keepAlive: true }, accept);
    else {
      const clientCertificates = certificates && mechanisms.length === 0 ? 'required' : 'asked';
      const server = createTlsServer({ noDelay: true, keepAlive: true, ...tls.options({ clientCertificates }) });
      tls.serve(server, 'kafka', accept);
      this.#server = server;
    }
    this.#server.maxConnections = options.connectionsMax ?? CONNECTIONS_MAX;
    this.#server.on('drop', (dropped) => {
      this.#logger.warn({ door: 'kafka', client: dropped?.remoteAddress }, 'connection refused: too many are open');
    });
  }

  async listen({ host, port }: Address): Promise<Address> {
    this.#server.listen({ host, port });
    await once(this.#server, 'listening');
    // Running out of file descriptors refuses a connection; it does not end the process.
    this.#server.on('error', (error) => this.#logger.error({ door: 'kafka', err: error }, 'the port failed'));
    const bound = this.#server.address() as AddressInfo;
    try {
      this.#bridge = await this.#openBridge({ host, port: bound.port });
    } catch (error) {
      this.#server.close();
      throw error;
    }
    return { host, port: bound.port };
  }

  async close(graceMs: number): Promise<void> {
    if (this.#server.listening) this.#server.close();
    const bridge = this.#bridge;
    // Groups first: members that wait for a rebalance would hold their connections open.
    bridge?.groups.close();
    await bridge?.offsetsTopic.close();
    bridge?.shareGroups.close();
    await bridge?.transactions.close();
    await bridge?.transactionAdmission.close();
    // Then the place among the bridges, so that these members are sent to the next one and not back.
    await bridge?.brokers.leave().catch((error: unknown) => {
      // The lease ends by itself a little later.
      this.#logger.warn({ door: 'kafka', err: error }, 'the lease of this bridge could not be given up');
    });
    for (const connection of this.#connections) connection.drain();
    await this.#emptied(graceMs);
    for (const connection of this.#connections) connection.destroy('the server is shutting down');
    bridge?.metadata.close();
    await bridge?.security.close();
    this.#bridge = undefined;
  }

  #accept(socket: Socket, frameBytesMax: number): void {
    const bridge = this.#bridge;
    if (bridge === undefined) {
      socket.destroy();
      return;
    }
    const { authentication, certificates } = bridge.security;
    const principal = certificatePrincipal(socket);
    const isAsked = authentication !== undefined && !(certificates && principal !== undefined);
    const sasl = isAsked ? new SaslSession(authentication) : undefined;
    const connection = new Connection(socket, {
      sasl,
      principal,
      term: bridge.brokers.term,
      frameBytesMax,
      pool: this.#pool,
      budget: this.#budget,
      idleMs: this.#options.idleMs ?? IDLE_MS,
      logger: this.#logger,
      serve: (exchange) => dispatch(exchange, bridge),
      closed: (closed) => {
        clearTimeout(patience);
        this.#connections.delete(closed);
        this.#traffic.connections = this.#connections.size;
        if (this.#connections.size === 0) this.#whenEmpty?.();
      },
    });
    const patience =
      sasl &&
      setTimeout(() => {
        if (sasl.isAuthenticated) return;
        connection.destroy(`the client did not authenticate within ${AUTHENTICATION_MS_MAX} ms`);
      }, AUTHENTICATION_MS_MAX).unref();
    this.#connections.add(connection);
    this.#traffic.connections = this.#connections.size;
  }

  /** Waits until the last connection has ended, but no longer than this. */
  async #emptied(timeoutMs: number): Promise<void> {
    if (this.#connections.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#whenEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #openBridge(bound: Address): Promise<Bridge> {
    const { store, catalog, limits } = this.#deps;
    const options = this.#options;
    const logger = this.#logger;
    const advertised = {
      host: options.advertised?.host ?? reachableHost(bound.host),
      port: options.advertised?.port ?? bound.port,
    };
    const security = await openSecurity(store, options.security ?? {}, options.frameBytesMax ?? FRAME_BYTES_MAX);
    const clusterId = await clusterIdOf(store.documents);
    const { nodeId, rack } = options;
    const isAlone = store.engine === 'embedded';
    const brokers = await BrokerRegistry.join({ leases: store.leases, ...advertised, nodeId, rack, isAlone, logger });
    const leaderEpochs = new LeaderEpochs();
    const bridgeOptions = {
      autoCreateTopics: options.autoCreateTopics ?? true,
      defaultPartitions: options.defaultPartitions ?? DEFAULT_PARTITIONS,
      minInsyncReplicas: options.minInsyncReplicas ?? 1,
      messageBytesMax: options.messageBytesMax ?? MESSAGE_BYTES_MAX,
      fetchBytesMax: options.fetchBytesMax ?? FETCH_BYTES_MAX,
      initialRebalanceDelayMs: options.initialRebalanceDelayMs ?? INITIAL_REBALANCE_DELAY_MS,
      sessionTimeoutMsMin: options.sessionTimeoutMsMin ?? SESSION_TIMEOUT_MS_MIN,
      sessionTimeoutMsMax: options.sessionTimeoutMsMax ?? SESSION_TIMEOUT_MS_MAX,
      groupMembersMax: options.groupMembersMax ?? GROUP_MEMBERS_MAX,
      consumerSessionTimeoutMs: options.consumerSessionTimeoutMs ?? CONSUMER_SESSION_TIMEOUT_MS,
      consumerHeartbeatIntervalMs: options.consumerHeartbeatIntervalMs ?? CONSUMER_HEARTBEAT_INTERVAL_MS,
      shareGroupMembersMax: options.shareGroupMembersMax ?? SHARE_GROUP_MEMBERS_MAX,
      shareSessionTimeoutMs: options.shareSessionTimeoutMs ?? SHARE_SESSION_TIMEOUT_MS,
      shareHeartbeatIntervalMs: options.shareHeartbeatIntervalMs ?? SHARE_HEARTBEAT_INTERVAL_MS,
      shareLockDurationMsMin: options.shareLockDurationMsMin ?? SHARE_LOCK_DURATION_MS_MIN,
      offsetsRetentionMs: options.offsetsRetentionMs ?? OFFSETS_RETENTION_MS,
      offsetsCheckIntervalMs: options.offsetsCheckIntervalMs ?? OFFSETS_CHECK_INTERVAL_MS,
      logDir: options.logDir ?? store.engine,
    };
    const { minInsyncReplicas, messageBytesMax: recordBytesMax } = bridgeOptions;
    const mode = options.offsetsTopic ?? 'named';
    const projection = { store, catalog, brokers, mode, minInsyncReplicas, recordBytesMax, clock: Date.now, logger };
    const offsetsTopic = new OffsetsProjection(projection);
    await offsetsTopic.start();
    const shareGroups = openShareGroups({ store, catalog, brokers, options: bridgeOptions, logger });
    return {
      store,
      catalog,
      limits,
      brokers,
      clusterId,
      leaderEpochs,
      metadata: new MetadataCache(catalog, brokers, leaderEpochs),
      fetchSessions: new FetchSessionCache(),
      unsentAnswers: new UnsentAnswers(),
      security,
      groups: openGroups({
        store,
        catalog,
        brokers,
        shareGroups,
        authorizer: security.authorizer,
        options: bridgeOptions,
        logger,
      }),
      shareGroups,
      offsetsTopic,
      ...openTransactions({ store, catalog, brokers, minInsyncReplicas, logger }),
      storedConfigs: new StoredConfigs(store.documents),
      options: bridgeOptions,
      logger,
    };
  }
}

/** "All addresses" is no address that a client can use. */
function reachableHost(host: string): string {
  return host === '' || host === '0.0.0.0' || host === '::' ? hostname() : host;
}
