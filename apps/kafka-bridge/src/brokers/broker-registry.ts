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
  /** The store belongs to this process alone: nobody takes over what its lease was about, however late it is renewed. */
  readonly isAlone?: boolean;
  /** Milliseconds that never go back; `performance.now` unless told. */
  readonly clock?: (() => number) | undefined;
}

/**
 * Which bridges are alive, by their leases in the store (`broker/<nodeId>`), and which of them answers for what:
 * rendezvous hashing over the live ones, so that all bridges agree without talking to each other.
 *
 * A bridge holds its lease in the name of its advertised address. One that comes back to an address is thereby its own
 * successor, takes its node id at once, and clients never see the dead one beside it.
 *
 * A bridge that was paused, or cut off from the store, for longer than its lease has been dead to the others, and what it
 * coordinated went on elsewhere. It finds that out by its own clock, which began before the store's did, and so in time: from then
 * on it answers for nothing, until it has its lease again and knows who else is there.
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
  /** By our clock. Others may count us as dead from here on, and not before. */
  #heldUntilMs = 0;
  #lapsed = false;
  #term = 1;
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
    const askedMs = registry.#now();
    await registry.#takeNodeId();
    await registry.#list();
    registry.#heldUntilMs = askedMs + BROKER_LEASE_TTL_MS;
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

  /** Whether this bridge may answer for what is named so: it is the owner, and has not been dead to the others since. */
  owns(name: string): boolean {
    return this.holdsLease && this.ownerOf(name).nodeId === this.#self.nodeId;
  }

  ownsGroup(groupId: string): boolean {
    return this.owns(groupOwnerName(groupId));
  }

  /** Whether the lease of this bridge lasts, by its own clock. */
  get holdsLease(): boolean {
    this.#look();
    return !this.#lapsed;
  }

  /**
   * Grows when the lease has ended, and again when it is held anew. What was asked or found out in an earlier term may have been
   * answered, or changed, by another bridge meanwhile.
   */
  get term(): number {
    this.#look();
    return this.#term;
  }

  coordinatorOf(groupId: string): Broker {
    return this.ownerOf(groupOwnerName(groupId));
  }

  /** Calls when bridges have come or gone, and when this one has lost its lease or has it again. */
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
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  #now(): number {
    return (this.#options.clock ?? performance.now.bind(performance))();
  }

  /** Notices that the lease has ended. */
  #look(): void {
    if (this.#lapsed || this.#options.isAlone === true || this.#now() < this.#heldUntilMs) return;
    this.#lapsed = true;
    this.#term += 1;
    this.#options.logger.warn(
      { door: 'kafka', nodeId: this.#self.nodeId },
      'the lease of this bridge has ended: what it coordinates may go on elsewhere, until it has it again',
    );
    this.#tell();
  }

  /** The lease was asked for then, and is held; who else is there is known. */
  #heldSince(askedMs: number): void {
    // An end that nobody has noticed is one all the same.
    this.#look();
    this.#heldUntilMs = askedMs + BROKER_LEASE_TTL_MS;
    if (!this.#lapsed) return;
    this.#lapsed = false;
    this.#term += 1;
    this.#tell();
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
      const askedMs = this.#now();
      // Somebody else has the id: we were away for longer than the lease.
      if (!(await this.#acquire(this.#self.nodeId))) await this.#takeNodeId();
      await this.#list();
      this.#heldSince(askedMs);
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
