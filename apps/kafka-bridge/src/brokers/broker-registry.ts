import { rendezvousOwner } from '@tailrace/hashing';
import type { Leases } from '@tailrace/shard-core';
import type { Logger } from '@tailrace/telemetry';

/** A bridge, as its clients see it. */
export interface Broker {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  /** Where it stands; clients prefer what is near. */
  readonly rack?: string | undefined;
}

/** A bridge that has not renewed its lease for so long counts as dead: its groups move to others. */
export const BROKER_LEASE_TTL_MS = 6_000;
/** How often a bridge renews its lease and looks who else is there. */
export const BROKER_RENEWAL_MS = 1_500;
/** Node ids begin at 1, and are looked for up to here. */
export const NODE_ID_MAX = 1_000;
const LEASE_PREFIX = 'broker/';

export interface BrokerRegistryOptions {
  readonly leases: Leases;
  readonly host: string;
  readonly port: number;
  readonly rack?: string | undefined;
  /** Asked for by the operator; without it the lowest free one is leased. */
  readonly nodeId?: number | undefined;
  readonly logger: Logger;
}

/**
 * Which bridges are alive, by their leases in the store (`broker/<nodeId>`), and which of them answers for what:
 * rendezvous hashing over the live ones, so that all bridges agree without talking to each other.
 *
 * A bridge holds its lease in the name of its advertised address. One that comes back to an address is thereby its own
 * successor, takes its node id at once, and clients never see the dead one beside it.
 */
export class BrokerRegistry {
  readonly #options: BrokerRegistryOptions;
  readonly #holder: string;
  #self: Broker;
  #brokers: readonly Broker[];
  #version = 1;
  #timer: NodeJS.Timeout | undefined;
  #renewal: Promise<void> | undefined;
  #closed = false;
  readonly #owners = new Map<string, Broker>();
  readonly #listeners = new Set<() => void>();

  private constructor(options: BrokerRegistryOptions, nodeId: number) {
    this.#options = options;
    this.#holder = `${options.host}:${options.port}`;
    this.#self = { nodeId, host: options.host, port: options.port, rack: options.rack };
    this.#brokers = [this.#self];
  }

  /** Throws StoreUnavailable, and an Error when no node id is free. */
  static async join(options: BrokerRegistryOptions): Promise<BrokerRegistry> {
    const registry = new BrokerRegistry(options, options.nodeId ?? 1);
    await registry.#takeNodeId();
    await registry.#list();
    registry.#schedule();
    return registry;
  }

  get self(): Broker {
    return this.#self;
  }

  /** All live bridges, this one among them, by node id. */
  get brokers(): readonly Broker[] {
    return this.#brokers;
  }

  /**
   * The one whom clients ask for what concerns the whole cluster. Any bridge can answer; one name for all spares clients a
   * second connection.
   */
  get controller(): Broker {
    return this.#brokers[0] ?? this.#self;
  }

  /** Grows with every change of `brokers`. */
  get version(): number {
    return this.#version;
  }

  /** The bridge that clients are sent to for a group, a transactional id or a partition. */
  ownerOf(name: string): Broker {
    if (this.#brokers.length === 1) return this.#self;
    const known = this.#owners.get(name);
    if (known !== undefined) return known;
    const nodeId = rendezvousOwner(
      name,
      this.#brokers.map((broker) => broker.nodeId),
    );
    const owner = this.#brokers.find((broker) => broker.nodeId === nodeId) ?? this.#self;
    if (this.#owners.size >= OWNERS_REMEMBERED_MAX) this.#owners.clear();
    this.#owners.set(name, owner);
    return owner;
  }

  /** The bridge that Metadata names as the leader of a partition. */
  leaderOf(streamId: string, partition: number): Broker {
    return this.ownerOf(`${streamId}/${partition}`);
  }

  leads(streamId: string, partition: number): boolean {
    return this.leaderOf(streamId, partition).nodeId === this.#self.nodeId;
  }

  ownsGroup(groupId: string): boolean {
    return this.ownerOf(groupOwnerName(groupId)).nodeId === this.#self.nodeId;
  }

  coordinatorOf(groupId: string): Broker {
    return this.ownerOf(groupOwnerName(groupId));
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Lets others take over at once. */
  async leave(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#renewal;
    await this.#options.leases.release(LEASE_PREFIX + this.#self.nodeId, this.#holder);
  }

  async #takeNodeId(): Promise<void> {
    const { leases, nodeId: wanted } = this.#options;
    if (wanted !== undefined) {
      if (await this.#acquire(wanted)) return;
      throw new Error(`node id ${wanted} belongs to another bridge that is alive; give each bridge its own`);
    }
    const mine = (await leases.list(LEASE_PREFIX)).find((lease) => lease.holder === this.#holder);
    if (mine !== undefined && (await this.#acquire(Number(mine.name.slice(LEASE_PREFIX.length))))) return;
    for (let nodeId = 1; nodeId <= NODE_ID_MAX; nodeId++) if (await this.#acquire(nodeId)) return;
    throw new Error(`no node id up to ${NODE_ID_MAX} is free`);
  }

  async #acquire(nodeId: number): Promise<boolean> {
    const { host, port, rack, leases } = this.#options;
    const value = JSON.stringify({ host, port, rack });
    const { held } = await leases.acquire(LEASE_PREFIX + nodeId, this.#holder, BROKER_LEASE_TTL_MS, value);
    if (held) this.#self = { nodeId, host, port, rack };
    return held;
  }

  async #list(): Promise<void> {
    const leases = await this.#options.leases.list(LEASE_PREFIX);
    const brokers = leases.map(({ name, value }): Broker => {
      const { host, port, rack } = JSON.parse(value) as Omit<Broker, 'nodeId'>;
      return { nodeId: Number(name.slice(LEASE_PREFIX.length)), host, port, rack };
    });
    const others = brokers.filter(({ nodeId }) => nodeId !== this.#self.nodeId);
    const next = [...others, this.#self].sort((a, b) => a.nodeId - b.nodeId);
    if (JSON.stringify(next) === JSON.stringify(this.#brokers)) return;
    this.#brokers = next;
    this.#version += 1;
    this.#owners.clear();
    this.#options.logger.info({ door: 'kafka', brokers: next.map((broker) => broker.nodeId) }, 'bridges changed');
    for (const listener of this.#listeners) listener();
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#renewal = this.#renew().then(() => this.#schedule());
    }, BROKER_RENEWAL_MS);
    this.#timer.unref();
  }

  async #renew(): Promise<void> {
    try {
      // Somebody else has the id: we were away for longer than the lease.
      if (!(await this.#acquire(this.#self.nodeId))) await this.#takeNodeId();
      await this.#list();
    } catch (error) {
      // We keep what we know; without the store there is nothing to answer for anyway.
      this.#options.logger.warn({ door: 'kafka', err: error }, 'the lease of this bridge could not be renewed');
    }
  }
}

/** Owners kept by name, so that Metadata does not hash every partition each time. */
const OWNERS_REMEMBERED_MAX = 100_000;

function groupOwnerName(groupId: string): string {
  return `group/${groupId}`;
}
