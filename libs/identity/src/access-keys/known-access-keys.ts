import { setTimeout as delay } from 'node:timers/promises';
import { type Documents, type StoredDocument, StoreUnavailable } from '@tailrace/shard-core';
import { logger } from '@tailrace/telemetry';
import type { Signer } from '../aws/signature-verifier.ts';
import type { Policy } from '../policies/policy.ts';
import { type Principal, userArn } from '../policies/principal.ts';
import { ACCESS_KEY_PREFIX, accessKeyIdOf, readAccessKey } from './access-key-document.ts';
import type { SecretSealing } from './secret-sealing.ts';

/** The bearer of an access key: who it is and what it may do. */
export interface AccessKeyIdentity extends Principal {
  readonly accessKeyId: string;
  readonly userName: string;
  readonly policies: readonly Policy[];
}

const PAGE_MAX = 1_000;
/** With so many changes at once it is shorter to read everything again. */
const CHANGED_MAX = 1_000;
/** The store is away: try again soon, for a revocation may be waiting. */
const RETRY_MS = 250;

/**
 * All access keys of the deployment, in memory, so that a request is checked without a trip to the store. Changes come by
 * watching: a revocation counts in every process as soon as its store tells it, well within a second. While the store is
 * away, what is known stays: nothing can be written or read then in any case.
 */
export class KnownAccessKeys {
  readonly #documents: Documents;
  readonly #sealing: SecretSealing;
  readonly #signers = new Map<string, Signer<AccessKeyIdentity>>();
  /** Of which it was said that they cannot be used, by the version of which it was said. */
  readonly #complaints = new Map<string, number>();
  readonly #changed = new Set<string>();
  readonly #closing = new AbortController();
  #everythingChanged = true;
  #refreshing: Promise<void> | undefined;
  #unwatch: (() => void) | undefined;

  private constructor(documents: Documents, sealing: SecretSealing) {
    this.#documents = documents;
    this.#sealing = sealing;
  }

  /** Throws StoreUnavailable. */
  static async open(documents: Documents, sealing: SecretSealing): Promise<KnownAccessKeys> {
    const known = new KnownAccessKeys(documents, sealing);
    // Watch first: what changes while everything is read, is read again.
    known.#unwatch = await documents.watch(ACCESS_KEY_PREFIX, (key) => known.#onChange(key));
    const first = known.#readEverything();
    // Until it is done, changes are only noted.
    known.#refreshing = first;
    try {
      await first;
    } catch (error) {
      known.#refreshing = undefined;
      await known.close();
      throw error;
    }
    known.#refreshing = undefined;
    if (known.#stale) known.#refresh();
    return known;
  }

  get size(): number {
    return this.#signers.size;
  }

  /** `undefined`: nobody has it, it is revoked, or its secret cannot be opened. */
  readonly find = (accessKeyId: string): Signer<AccessKeyIdentity> | undefined => this.#signers.get(accessKeyId);

  async close(): Promise<void> {
    this.#closing.abort();
    this.#unwatch?.();
    await this.#refreshing;
  }

  #onChange(key: string | undefined): void {
    if (key === undefined || this.#changed.size >= CHANGED_MAX) this.#everythingChanged = true;
    else this.#changed.add(key);
    this.#refresh();
  }

  get #stale(): boolean {
    return (this.#everythingChanged || this.#changed.size > 0) && !this.#closing.signal.aborted;
  }

  #refresh(): void {
    this.#refreshing ??= this.#readChanges().finally(() => {
      this.#refreshing = undefined;
      // A change that came after the last look.
      if (this.#stale) this.#refresh();
    });
  }

  /** One at a time and in order, so that an old answer never follows a newer one. */
  async #readChanges(): Promise<void> {
    let told = false;
    while (this.#stale) {
      try {
        if (this.#everythingChanged) await this.#readEverything();
        else await this.#readOne(this.#changed.values().next().value as string);
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        if (!told) logger.warn({ err: error }, 'access keys cannot be read again: changes to them do not count yet');
        told = true;
        await delay(RETRY_MS, undefined, { signal: this.#closing.signal, ref: false }).catch(() => undefined);
      }
    }
  }

  async #readEverything(): Promise<void> {
    // Marks first: a change that comes while this reads must not be lost.
    this.#everythingChanged = false;
    this.#changed.clear();
    try {
      const seen = new Set<string>();
      let after: string | undefined;
      for (;;) {
        const page = await this.#documents.list(ACCESS_KEY_PREFIX, { limit: PAGE_MAX, ...(after && { after }) });
        for (const document of page) {
          seen.add(accessKeyIdOf(document.key));
          this.#apply(document);
        }
        if (page.length < PAGE_MAX) break;
        after = page.at(-1)?.key;
      }
      for (const id of this.#signers.keys()) if (!seen.has(id)) this.#signers.delete(id);
      for (const id of this.#complaints.keys()) if (!seen.has(id)) this.#complaints.delete(id);
    } catch (error) {
      this.#everythingChanged = true;
      throw error;
    }
  }

  async #readOne(key: string): Promise<void> {
    this.#changed.delete(key);
    try {
      const document = await this.#documents.get(key);
      if (document !== undefined) return this.#apply(document);
      const id = accessKeyIdOf(key);
      this.#signers.delete(id);
      this.#complaints.delete(id);
    } catch (error) {
      this.#changed.add(key);
      throw error;
    }
  }

  #apply(document: StoredDocument): void {
    const id = accessKeyIdOf(document.key);
    const signer = this.#signerOf(id, document);
    if (signer === undefined) this.#signers.delete(id);
    else this.#signers.set(id, signer);
  }

  #signerOf(accessKeyId: string, stored: StoredDocument): Signer<AccessKeyIdentity> | undefined {
    const read = readAccessKey(stored);
    if (typeof read === 'string') {
      return this.#complain(stored, `an access key cannot be read and is refused: ${read}`);
    }
    const { document, description, policy } = read;
    if (description.revokedAtMs !== undefined || document.secret === undefined) return undefined;
    const secret = this.#sealing.open(stored.key, document.secret);
    if (secret === undefined) {
      return this.#complain(stored, 'an access key is refused: no master key opens its secret');
    }
    const { account, userName } = description;
    return {
      secret,
      identity: { accessKeyId, account, userName, arn: userArn(account, userName), policies: [policy] },
    };
  }

  /** Once for each version: everything is read again whenever the watch was lost. */
  #complain({ key, version }: StoredDocument, problem: string): undefined {
    const accessKeyId = accessKeyIdOf(key);
    if (this.#complaints.get(accessKeyId) === version) return;
    this.#complaints.set(accessKeyId, version);
    logger.warn({ accessKeyId }, problem);
  }
}
