import { hash } from 'node:crypto';
import { type Documents, type StoredDocument, StoreUnavailable } from '@tailrace/shard-core';
import { DocumentMirror } from '../documents/document-mirror.ts';
import {
  CLIENT_QUOTA_KEYS,
  type ClientQuota,
  type ClientQuotaChange,
  type ClientQuotaEntity,
  type ClientQuotaKey,
  DEFAULT_NAME,
  problemOfEntity,
  problemOfValue,
} from './client-quota.ts';

const CLIENT_QUOTA_PREFIX = 'identity/client-quota/';
/** Every process holds all of them in memory; each takes about 500 bytes. */
export const CLIENT_QUOTAS_MAX = 20_000;
const CHANGE_ATTEMPTS_MAX = 10;

/** A quota that applies to a client, and who shares it. */
export interface AppliedQuota {
  readonly value: number;
  /** The same for all clients that share the quota: those of a user, those with a client id, or of both together. */
  readonly sharedBy: string;
}

export type ClientQuotaOutcome = { readonly ok: true } | { readonly ok: false; readonly problem: string };

/** The quotas of clients, in memory for those who ask with each request. */
export class ClientQuotas {
  readonly #documents: Documents;
  #mirror!: DocumentMirror<ClientQuota>;
  /** By key and entity; emptied by every change. */
  #byKey = new Map<ClientQuotaKey, Map<string, number>>();
  #stale = false;
  /** Grows with every change, so that what was looked up can be kept until then. */
  version = 0;

  private constructor(documents: Documents) {
    this.#documents = documents;
  }

  /** Throws StoreUnavailable. */
  static async open(documents: Documents): Promise<ClientQuotas> {
    const quotas = new ClientQuotas(documents);
    quotas.#mirror = await DocumentMirror.open(documents, {
      things: 'client quotas',
      prefix: CLIENT_QUOTA_PREFIX,
      read: readQuota,
      changed: () => {
        quotas.#stale = true;
        quotas.version += 1;
      },
    });
    return quotas;
  }

  get size(): number {
    return this.#mirror.size;
  }

  values(): IterableIterator<ClientQuota> {
    return this.#mirror.values();
  }

  /**
   * The quota of this kind that applies to a client: the most particular one, in Kafka's order. `undefined`: none does.
   * https://kafka.apache.org/documentation/#design_quotasconfig
   */
  find(key: ClientQuotaKey, user: string, clientId: string): AppliedQuota | undefined {
    if (this.#stale) this.#arrange();
    const quotas = this.#byKey.get(key);
    if (quotas === undefined) return undefined;
    for (const ofUser of [user, DEFAULT_NAME]) {
      for (const ofClient of [clientId, DEFAULT_NAME]) {
        const value = quotas.get(idOf({ user: ofUser, clientId: ofClient }));
        if (value !== undefined) return { value, sharedBy: idOf({ user, clientId }) };
      }
      const value = quotas.get(idOf({ user: ofUser }));
      if (value !== undefined) return { value, sharedBy: idOf({ user }) };
    }
    const value = quotas.get(idOf({ clientId })) ?? quotas.get(idOf({ clientId: DEFAULT_NAME }));
    return value === undefined ? undefined : { value, sharedBy: idOf({ clientId }) };
  }

  /** The sentence about why these changes cannot be made; `undefined` if they can. */
  problemOf(entity: ClientQuotaEntity, changes: readonly ClientQuotaChange[]): string | undefined {
    const problem = problemOfEntity(entity);
    if (problem !== undefined) return problem;
    for (const { key, value } of changes) {
      const wrong = value === undefined ? undefined : problemOfValue(key, value);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }

  /** Makes all changes of one entity in one step. Counts here when it settles, elsewhere within a second. Throws StoreUnavailable. */
  async change(entity: ClientQuotaEntity, changes: readonly ClientQuotaChange[]): Promise<ClientQuotaOutcome> {
    const problem = this.problemOf(entity, changes);
    if (problem !== undefined) return { ok: false, problem };
    const id = hash('sha256', idOf(entity), 'base64url');
    const key = CLIENT_QUOTA_PREFIX + id;
    for (let attempt = 0; attempt < CHANGE_ATTEMPTS_MAX; attempt++) {
      const stored = await this.#documents.get(key);
      const current = stored && readQuota(stored);
      const values: { -readonly [K in ClientQuotaKey]?: number } =
        current !== undefined && 'value' in current ? { ...current.value.values } : {};
      for (const change of changes) {
        if (change.value === undefined) delete values[change.key];
        else values[change.key] = change.value;
      }
      const isEmpty = Object.keys(values).length === 0;
      if (isEmpty && stored === undefined) return { ok: true };
      // Two at once may both find room for the last one: the bound is for memory, and two more do no harm.
      if (stored === undefined && this.size >= CLIENT_QUOTAS_MAX) {
        return { ok: false, problem: `There are ${CLIENT_QUOTAS_MAX} quotas, the most that are kept` };
      }
      const value = isEmpty ? undefined : JSON.stringify({ entity, values });
      const written = await this.#documents.write([{ key, value, expected: stored?.version ?? 'absent' }]);
      if (!written.ok) continue;
      await this.#mirror.catchUp([id]);
      return { ok: true };
    }
    throw new StoreUnavailable(`the document of a client quota (${key}) is being changed by too many at once`);
  }

  async close(): Promise<void> {
    await this.#mirror.close();
  }

  #arrange(): void {
    this.#stale = false;
    this.#byKey = new Map();
    for (const { entity, values } of this.#mirror.values()) {
      for (const key of CLIENT_QUOTA_KEYS) {
        const value = values[key];
        if (value === undefined) continue;
        const quotas = this.#byKey.get(key) ?? new Map<string, number>();
        this.#byKey.set(key, quotas.set(idOf(entity), value));
      }
    }
  }
}

/** Different for different entities: JSON tells a name from the default, and both from what is not said. */
function idOf({ user, clientId }: ClientQuotaEntity): string {
  return JSON.stringify([user === undefined ? [] : [user], clientId === undefined ? [] : [clientId]]);
}

function readQuota({ value }: StoredDocument): { value: ClientQuota } | { problem: string } {
  let quota: Partial<ClientQuota> | null;
  try {
    quota = JSON.parse(value) as Partial<ClientQuota> | null;
  } catch (error) {
    return { problem: `a client quota cannot be read and does not count: ${(error as SyntaxError).message}` };
  }
  const { entity, values } = quota ?? {};
  if (typeof entity !== 'object' || typeof values !== 'object' || problemOfEntity(entity) !== undefined) {
    return { problem: 'a client quota cannot be read and does not count: it names nobody' };
  }
  return { value: { entity, values } };
}
