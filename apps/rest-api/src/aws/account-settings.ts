import type { Documents } from '@tailrace/shard-core';
import type { OperationContext } from './operation.ts';
import type { WireStructure } from './wire/wire-codec.ts';
import type { StreamPlace, StreamPlaces } from './stream-places.ts';

/** The shortest time for which an account commits itself. */
export const COMMITMENT_MS_MIN = 24 * 60 * 60 * 1000;
/** How often a change is tried again when somebody else was faster. */
const UPDATE_ATTEMPTS_MAX = 16;

/** What is kept of an account's commitment, in a document `account/<account>`, or `account/<account>.<region>`. */
interface Commitment {
  readonly startedAtMs: number;
  /** May lie ahead: then it is in force until then. */
  readonly endsAtMs?: number;
}

/**
 * The settings of accounts; where accounts and regions are kept apart, of an account in a region. There is one: the commitment to a minimum of throughput, which costs nothing here, and by
 * which the service unlocks warm throughput. Everything here throws StoreUnavailable.
 */
export class AccountSettings {
  readonly #documents: Documents;
  readonly #clock: () => number;
  readonly #places: StreamPlaces;

  constructor({ store, clock, places }: Pick<OperationContext, 'store' | 'clock' | 'places'>) {
    this.#documents = store.documents;
    this.#clock = clock;
    this.#places = places;
  }

  async isCommitted(place: StreamPlace): Promise<boolean> {
    return this.#inForce((await this.#read(place)).commitment);
  }

  /** As DescribeAccountSettings answers. */
  async describe(place: StreamPlace): Promise<WireStructure> {
    return this.#describe((await this.#read(place)).commitment);
  }

  /** Begins a commitment, or ends it: at once, or when its shortest time is over. Doing either again changes nothing. */
  async commit(place: StreamPlace, wanted: boolean): Promise<WireStructure> {
    for (let attempt = 0; attempt < UPDATE_ATTEMPTS_MAX; attempt++) {
      const { commitment: current, version } = await this.#read(place);
      const next = wanted ? this.#begun(current) : this.#ended(current);
      if (next === undefined || next === current) return this.#describe(current);
      const value = JSON.stringify(next);
      const written = await this.#documents.write([{ key: this.#keyOf(place), value, expected: version ?? 'absent' }]);
      if (written.ok) return this.#describe(next);
    }
    throw new Error(`the settings of account ${place.account} change all the time`);
  }

  async #read(place: StreamPlace): Promise<{ commitment?: Commitment; version?: number }> {
    const stored = await this.#documents.get(this.#keyOf(place));
    return stored === undefined ? {} : { commitment: JSON.parse(stored.value) as Commitment, version: stored.version };
  }

  #keyOf(place: StreamPlace): string {
    return `account/${this.#places.settingsName(place)}`;
  }

  #inForce(commitment: Commitment | undefined): commitment is Commitment {
    return commitment !== undefined && (commitment.endsAtMs === undefined || commitment.endsAtMs > this.#clock());
  }

  /** One that was to end goes on from where it began. */
  #begun(current: Commitment | undefined): Commitment {
    if (!this.#inForce(current)) return { startedAtMs: this.#clock() };
    return current.endsAtMs === undefined ? current : { startedAtMs: current.startedAtMs };
  }

  #ended(current: Commitment | undefined): Commitment | undefined {
    if (!this.#inForce(current) || current.endsAtMs !== undefined) return current;
    return { ...current, endsAtMs: Math.max(this.#clock(), current.startedAtMs + COMMITMENT_MS_MIN) };
  }

  #describe(commitment: Commitment | undefined): WireStructure {
    if (commitment === undefined) return { MinimumThroughputBillingCommitment: { Status: 'DISABLED' } };
    const { startedAtMs, endsAtMs } = commitment;
    const inForce = this.#inForce(commitment);
    return {
      MinimumThroughputBillingCommitment: {
        Status: !inForce ? 'DISABLED' : endsAtMs === undefined ? 'ENABLED' : 'ENABLED_UNTIL_EARLIEST_ALLOWED_END',
        StartedAt: new Date(startedAtMs),
        EndedAt: inForce || endsAtMs === undefined ? undefined : new Date(endsAtMs),
        EarliestAllowedEndAt: inForce ? new Date(startedAtMs + COMMITMENT_MS_MIN) : undefined,
      },
    };
  }
}
