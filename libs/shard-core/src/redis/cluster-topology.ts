import { logger } from '@tailrace/telemetry';
import { Redis } from 'ioredis';
import { CLUSTER_REFRESH_DELAY_MS, REDIRECTIONS_MAX, type RedisBounds } from './bounds.ts';
import { connectOptions } from './connection.ts';
import { keySlot } from './key-slot.ts';
import { replyCode } from './redis-failure.ts';
import type { RedisNode } from './redis-node.ts';
import type { RedisAddress, RedisLocation } from './redis-url.ts';
import { type Topology, unservedSlot } from './topology.ts';

const SLOTS = 16_384;

export interface ClusterTopologyOptions {
  readonly location: RedisLocation;
  readonly bounds: RedisBounds;
  readonly openNode: (address: RedisAddress) => RedisNode;
}

/**
 * The primaries of a Redis Cluster, by slot. ioredis has a cluster client, but it sends commands again after a lost
 * connection (an append could be made twice) and hides which connection a WAIT would have to follow.
 */
export class ClusterTopology implements Topology {
  readonly #options: ClusterTopologyOptions;
  readonly #nodes = new Map<string, RedisNode>();
  #slots: (RedisNode | undefined)[] = new Array<RedisNode | undefined>(SLOTS);
  #refreshing: Promise<void> | undefined;
  #refreshTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ClusterTopologyOptions) {
    this.#options = options;
  }

  nodes(): readonly RedisNode[] {
    return [...this.#nodes.values()];
  }

  nodeFor(key: string): RedisNode {
    const slot = keySlot(key);
    const node = this.#slots[slot];
    if (node === undefined) throw unservedSlot(slot);
    return node;
  }

  async at<T>(key: string, work: (node: RedisNode) => Promise<T>): Promise<T> {
    for (let redirections = 0; ; redirections++) {
      try {
        return await work(this.nodeFor(key));
      } catch (error) {
        const moved = replyCode((error as Error).cause) === 'MOVED';
        if (!moved || redirections >= REDIRECTIONS_MAX) throw error;
        await this.refresh();
      }
    }
  }

  /** Asks a node which one serves which slot. Calls while it is under way share one answer. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** A node was lost: ask until its slots are served again, by it or by a replica that took over. */
  refreshSoon(): void {
    if (this.#closed || this.#refreshTimer !== undefined) return;
    this.#refreshTimer = setTimeout(() => {
      this.#refreshTimer = undefined;
      this.refresh()
        .catch((error: unknown) => logger.debug({ err: error }, 'Redis Cluster: slots not read'))
        .finally(() => {
          const healthy = this.nodes().every((node) => node.writes.isOpen) && !this.#slots.includes(undefined);
          if (!healthy) this.refreshSoon();
        });
    }, CLUSTER_REFRESH_DELAY_MS);
    this.#refreshTimer.unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#refreshTimer);
    for (const node of this.#nodes.values()) node.close();
  }

  async #refresh(): Promise<void> {
    const known = this.nodes().filter((node) => node.writes.isOpen);
    const addresses = [...known.map((node) => node.address), ...this.#options.location.addresses];
    let failure: unknown;
    for (const address of addresses) {
      try {
        this.#apply(await this.#askForSlots(address), address);
        return;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  async #askForSlots(address: RedisAddress): Promise<unknown> {
    const { location, bounds } = this.#options;
    const redis = new Redis({ ...connectOptions(location, address, bounds), lazyConnect: true, retryStrategy: null });
    let reason: Error | undefined;
    redis.on('error', (error: Error) => {
      reason = error;
    });
    try {
      await redis.connect();
      return await redis.call('CLUSTER', 'SLOTS');
    } catch (error) {
      throw reason ?? error;
    } finally {
      redis.disconnect();
    }
  }

  /** `[[first slot, last slot, [host, port, id, …] of the primary, …replicas], …]` */
  #apply(ranges: unknown, asked: RedisAddress): void {
    if (this.#closed) return;
    const slots = new Array<RedisNode | undefined>(SLOTS);
    const serving = new Set<string>();
    for (const [first, last, primary] of ranges as [number, number, [string | null, number]][]) {
      // A node that does not know its own address leaves it out: it is the one that was asked.
      const host = primary[0] === null || primary[0] === '' || primary[0] === '?' ? asked.host : primary[0];
      const address = { host, port: primary[1] };
      const name = `${address.host}:${address.port}`;
      let node = this.#nodes.get(name);
      if (node === undefined) {
        node = this.#options.openNode(address);
        this.#nodes.set(name, node);
      }
      serving.add(name);
      slots.fill(node, first, last + 1);
    }
    for (const [name, node] of this.#nodes) {
      if (serving.has(name)) continue;
      this.#nodes.delete(name);
      node.close();
    }
    this.#slots = slots;
  }
}
