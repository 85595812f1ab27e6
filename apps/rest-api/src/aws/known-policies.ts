import type { Policy } from '@tailrace/identity';
import type { Documents } from '@tailrace/shard-core';
import { POLICY_PREFIX, ResourcePolicies } from './resource-policies.ts';

/** Resources asked about lately; most have no policy, which is worth knowing as well. */
const KNOWN_MAX = 10_000;

/**
 * Policies of streams and consumers as requests need them, without a trip to the store each time: what was looked up
 * stays until its document changes, which the store tells. Everything here throws StoreUnavailable.
 */
export class KnownPolicies {
  readonly #documents: Documents;
  readonly #policies: ResourcePolicies;
  /** By ARN and id of the stream. */
  readonly #known = new Map<string, Policy | undefined>();
  #changes = 0;
  #watching: Promise<() => void> | undefined;

  constructor(documents: Documents) {
    this.#documents = documents;
    this.#policies = new ResourcePolicies(documents);
  }

  async find(arn: string, streamId: string): Promise<Policy | undefined> {
    const key = `${arn} ${streamId}`;
    const known = this.#known.get(key);
    if (known !== undefined || this.#known.has(key)) return known;
    await this.#watch();
    const before = this.#changes;
    const policy = await this.#policies.find(arn, streamId);
    // A change that came meanwhile may be the one that this answer does not have.
    if (before !== this.#changes) return policy;
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(key, policy);
    return policy;
  }

  close(): void {
    const watching = this.#watching;
    this.#watching = undefined;
    // One that never began needs no end.
    watching?.then(
      (unwatch) => unwatch(),
      () => {},
    );
  }

  #watch(): Promise<unknown> {
    this.#watching ??= this.#documents
      .watch(POLICY_PREFIX, () => {
        this.#changes++;
        // Policies change seldom.
        this.#known.clear();
      })
      .catch((error: unknown) => {
        this.#watching = undefined;
        throw error;
      });
    return this.#watching;
  }
}
