import { logger } from '@tailrace/telemetry';
import { StoreUnavailable } from '../contract/refusal.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import type { Store, StoreHealth } from '../contract/store.ts';
import { TailCache } from '../tail-cache.ts';
import {
  CLAIM_AGAIN_MS,
  CLOSE_TIMEOUT_MS,
  DOCUMENT_REPLICATION_TIMEOUT_MS,
  HEALTH_TIMEOUT_MS,
  type RedisBounds,
  TAIL_CACHE_BATCH_BYTES_MAX,
  WATERMARK_REPAIR_AFTER_MS,
} from './bounds.ts';
import { ClusterTopology } from './cluster-topology.ts';
import { RedisDocuments } from './documents.ts';
import { Keys } from './keys.ts';
import { LeaderEpoch } from './leader-epoch.ts';
import { RedisLeases } from './leases.ts';
import type { LogContext, Primary } from './log-context.ts';
import type { Probe } from './probe.ts';
import { messageOf } from './redis-failure.ts';
import { RedisLog } from './redis-log.ts';
import { RedisNode } from './redis-node.ts';
import type { RedisAddress, RedisLocation } from './redis-url.ts';
import { ReplicaView } from './replicas.ts';
import { ShardViews } from './shard-views.ts';
import { Subscriber } from './subscriber.ts';
import { RedisTokenBuckets } from './token-buckets.ts';
import { SinglePrimary, type Topology } from './topology.ts';
import { WakeUps } from './wake-ups.ts';
import { WatermarkKeeper } from './watermark-keeper.ts';

export interface RedisStoreParts {
  readonly location: RedisLocation;
  readonly bounds: RedisBounds;
  readonly keyPrefix: string;
  readonly minInsyncReplicas: number;
  readonly clock: (() => number) | undefined;
  readonly probe: Probe;
}

/** Puts the parts together, and lets them know when connections come and go. */
export class RedisStore implements Store {
  readonly engine = 'redis';
  readonly log: RedisLog;
  readonly documents: RedisDocuments;
  readonly leases: RedisLeases;
  readonly tokenBuckets: RedisTokenBuckets;
  readonly #parts: RedisStoreParts;
  readonly #keys: Keys;
  readonly #topology: Topology;
  readonly #primaries = new Map<RedisNode, Primary>();
  readonly #views = new ShardViews();
  readonly #tailCache: TailCache;
  readonly #wakeUps: WakeUps;
  readonly #leaderEpoch: LeaderEpoch;
  readonly #subscriber: Subscriber;
  readonly #repairs = new Map<ShardKey, NodeJS.Timeout>();
  readonly #openedBefore = new WeakSet<RedisNode>();
  /** Nodes that are soon asked again for a leader epoch. */
  readonly #claimsAgain = new Set<RedisNode>();
  /** A node that comes from now on has taken over from another. */
  #opened = false;
  #closed = false;

  constructor(parts: RedisStoreParts) {
    const { location, bounds, keyPrefix, clock } = parts;
    this.#parts = parts;
    const keys = new Keys(keyPrefix);
    this.#keys = keys;
    const topology = this.#openTopology();
    this.#topology = topology;
    this.#leaderEpoch = new LeaderEpoch(keys, () => this.#topology);
    const repairSoon = (shard: ShardKey) => this.#repairSoon(shard);
    const { tailCacheBytes: bytesMax } = bounds;
    const tailCache = new TailCache({ bytesMax, batchBytesMax: TAIL_CACHE_BATCH_BYTES_MAX });
    this.#tailCache = tailCache;
    const { waitersMax } = bounds;
    const views = this.#views;
    this.#wakeUps = new WakeUps({ topology, keys, views, tailCache, waitersMax, lagging: repairSoon });
    const context: LogContext = {
      keys,
      bounds,
      topology,
      views: this.#views,
      wakeUps: this.#wakeUps,
      tailCache,
      hearsMessages: () => this.#subscriber.live,
      leaderEpoch: this.#leaderEpoch,
      clock,
      primaryOf: (node) => this.#primaryOf(node),
      repairSoon,
    };
    const replicated = (key: string) => this.#replicated(key);
    this.log = new RedisLog(context);
    this.documents = new RedisDocuments({ keys, topology, replicated });
    this.leases = new RedisLeases({ keys, topology, clock, replicated });
    this.tokenBuckets = new RedisTokenBuckets(keys, topology, clock);
    this.#subscriber = new Subscriber({
      location,
      bounds,
      chooseAddress: () => (location.kind === 'cluster' ? this.#someAddress() : undefined),
      channels: {
        [keys.shardChannel]: (message) => this.#wakeUps.message(message),
        [keys.documentChannel]: (message) => this.documents.message(message),
      },
      onRestored: () => {
        // Trims and deletions by others may have gone unheard.
        this.#views.clear();
        this.#tailCache.clear();
        this.#wakeUps.lookAgain();
        this.documents.readAgain();
      },
    });
  }

  /** Answers when everything that the store needs is connected. Throws StoreUnavailable. */
  async opened(): Promise<void> {
    if (this.#topology instanceof ClusterTopology) await this.#topology.refresh();
    const nodes = this.#topology.nodes();
    // For the first time: as long as a connection may take, and not only as long as a request waits for one.
    const { connectTimeoutMs: waitMs } = this.#parts.bounds;
    await Promise.all(
      nodes.flatMap(({ writes, reads, waits }) =>
        [writes, reads, waits].map((connection) => connection.opened(waitMs)),
      ),
    );
    await Promise.all(nodes.map((node) => this.#leaderEpoch.claim(node)));
    await this.#subscriber.ready;
    this.#opened = true;
  }

  async health(): Promise<StoreHealth> {
    const lost = this.#topology.nodes().filter((node) => !node.writes.isOpen || !node.reads.isOpen);
    if (lost.length > 0) {
      return {
        ready: false,
        detail: `Redis is not reachable at ${lost.map(({ address }) => nameOf(address)).join(', ')}`,
      };
    }
    try {
      const infos = await within(
        HEALTH_TIMEOUT_MS,
        Promise.all(this.#topology.nodes().map((node) => this.#primaryOf(node).replicas.ask())),
      );
      const replicas = infos.flatMap((info) => info.replicas);
      const copiesInSync = 1 + Math.min(...infos.map((info) => info.replicas.filter(({ inSync }) => inSync).length));
      return { ready: true, detail: this.#describe(infos.length, copiesInSync), replicas, copiesInSync };
    } catch (error) {
      return { ready: false, detail: messageOf(error) };
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const timer of this.#repairs.values()) clearTimeout(timer);
    this.#wakeUps.close();
    this.#subscriber.close();
    const timeout = Promise.withResolvers<void>();
    const timer = setTimeout(timeout.resolve, CLOSE_TIMEOUT_MS);
    // What is under way on the writing connections is answered before this is.
    const finished = Promise.allSettled([
      this.log.close(),
      ...this.#topology.nodes().map((node) => (node.writes.isOpen ? node.writes.send('ping', []) : undefined)),
    ]);
    await Promise.race([finished, timeout.promise]);
    clearTimeout(timer);
    for (const { watermarks } of this.#primaries.values()) watermarks.close();
    this.#topology.close();
    this.#tailCache.clear();
  }

  #openTopology(): Topology {
    const { location, bounds } = this.#parts;
    const openNode = (address?: RedisAddress) =>
      new RedisNode({
        location,
        bounds,
        ...(address !== undefined && { address }),
        onOpen: (node) => this.#nodeOpened(node),
        onLost: () => {
          if (this.#topology instanceof ClusterTopology) this.#topology.refreshSoon();
        },
      });
    return location.kind === 'cluster'
      ? new ClusterTopology({ location, bounds, openNode })
      : new SinglePrimary(openNode());
  }

  #nodeOpened(node: RedisNode): void {
    if (this.#closed) return;
    if (!this.#openedBefore.has(node)) {
      this.#openedBefore.add(node);
      // The store claims for the nodes that are there from the start.
      if (!this.#opened) return;
    }
    // It may be another primary than before, with a shorter log and without our flags.
    this.#views.clear();
    this.#tailCache.clear();
    this.#primaryOf(node).replicas.forget();
    this.#wakeUps.lookAgain();
    this.#claimLeadership(node);
  }

  #claimLeadership(node: RedisNode): void {
    this.#leaderEpoch.claim(node).then(
      (raised) => {
        if (!raised) return;
        logger.info({ leaderEpoch: this.#leaderEpoch.current }, 'Redis has a new primary');
        // In a cluster any node passes messages on.
        if (this.#parts.location.kind !== 'cluster') this.#subscriber.renew();
      },
      (error: unknown) => {
        logger.warn({ err: error }, 'leader epoch not claimed');
        node.notClaimed(error as Error);
        if (this.#claimsAgain.has(node)) return;
        this.#claimsAgain.add(node);
        const again = () => {
          this.#claimsAgain.delete(node);
          // Where the connection is being restored, the claim comes with it.
          if (!this.#closed && node.writes.isOpen) this.#claimLeadership(node);
        };
        setTimeout(again, CLAIM_AGAIN_MS).unref();
      },
    );
  }

  #primaryOf(node: RedisNode): Primary {
    let primary = this.#primaries.get(node);
    if (primary === undefined) {
      const watermarks = new WatermarkKeeper({
        node,
        keys: this.#keys,
        advanced: (shard, watermark, stable, lastAborted) => {
          this.#views.peek(shard)?.move(watermark, stable, lastAborted);
          this.#wakeUps.heard(shard, watermark, stable);
        },
        stuck: (shard) => this.#repairSoon(shard),
      });
      primary = { node, replicas: new ReplicaView(node), watermarks };
      this.#primaries.set(node, primary);
    }
    return primary;
  }

  #repairSoon(shard: ShardKey): void {
    if (this.#closed || this.#repairs.has(shard)) return;
    const timer = setTimeout(() => {
      this.#repairs.delete(shard);
      this.#repair(shard).catch((error: unknown) => logger.debug({ err: error, shard }, 'watermark not repaired'));
    }, WATERMARK_REPAIR_AFTER_MS);
    timer.unref();
    this.#repairs.set(shard, timer);
  }

  /** Its writer may have died between append and watermark: everything up to the end that is seen now is waited for. */
  async #repair(shard: ShardKey): Promise<void> {
    const { log } = this.#keys.shard(shard);
    const fields = (await this.#topology.at(log, (node) =>
      node.writes.send('hmget', [this.#keys.shard(shard).meta, 'end', 'watermark', 'copies']),
    )) as (string | null)[];
    const [end, watermark, copies] = fields.map(Number) as [number, number, number];
    if (fields[0] === null || end <= watermark) return;
    this.#primaryOf(this.#topology.nodeFor(log)).watermarks.track(shard, end, copies);
  }

  async #replicated(key: string): Promise<void> {
    const { minInsyncReplicas } = this.#parts;
    if (minInsyncReplicas <= 1) return;
    const { watermarks } = this.#primaryOf(this.#topology.nodeFor(key));
    const { enough, copies } = await watermarks.waitForCopies(minInsyncReplicas, DOCUMENT_REPLICATION_TIMEOUT_MS);
    if (enough) return;
    throw new StoreUnavailable(
      `written, but only ${copies} of ${minInsyncReplicas} copies have it after ${DOCUMENT_REPLICATION_TIMEOUT_MS} ms`,
    );
  }

  #someAddress(): RedisAddress | undefined {
    const open = this.#topology.nodes().filter((node) => node.writes.isOpen);
    if (open.length > 0) return open[Math.floor(Math.random() * open.length)]?.address;
    const { addresses } = this.#parts.location;
    return addresses[Math.floor(Math.random() * addresses.length)];
  }

  #describe(primaries: number, copies: number): string {
    const { probe, minInsyncReplicas } = this.#parts;
    const where = primaries === 1 ? 'one primary' : `${primaries} primaries`;
    const enough = copies < minInsyncReplicas ? `; ${minInsyncReplicas} are asked for` : '';
    return [
      `Redis ${probe.version}, ${where}, ${copies} ${copies === 1 ? 'copy' : 'copies'} in sync${enough}`,
      ...probe.warnings,
    ].join('. ');
  }
}

function nameOf({ host, port }: RedisAddress): string {
  return `${host}:${port}`;
}

/** Throws StoreUnavailable when it takes longer. */
async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new StoreUnavailable(`Redis has not answered for ${timeoutMs} ms`)), timeoutMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
