import { type Documents, type StoredDocument, StoreUnavailable } from '@tailrace/shard-core';
import { compilePolicy } from '../policies/policy.ts';
import {
  type AccessKeyDescription,
  isAccessKeyId,
  isAccount,
  isSecret,
  isUserName,
  newAccessKeyId,
  newSecret,
} from './access-key.ts';
import {
  ACCESS_KEY_PREFIX,
  accessKeyIdOf,
  type AccessKeyDocument,
  documentKeyOf,
  readAccessKey,
  type StoredAccessKey,
} from './access-key-document.ts';
import type { SecretSealing } from './secret-sealing.ts';

/** Every process holds all of them in memory; each takes about 1 KiB and its policy. */
export const ACCESS_KEYS_MAX = 10_000;
export const DESCRIPTION_CHARACTERS_MAX = 256;
const LIST_MAX = 1_000;
/** Somebody else's write came between; each attempt means that another one succeeded. */
const CHANGE_ATTEMPTS_MAX = 10;

export interface NewAccessKey {
  readonly account: string;
  readonly userName: string;
  /** What its bearer may do: nothing is allowed without being said. `FULL_ACCESS` allows everything. */
  readonly policy: unknown;
  readonly description?: string;
  /** A key that was made elsewhere, so that clients keep theirs. */
  readonly imported?: { readonly id: string; readonly secret: string };
}

export type AccessKeyRefusal =
  | { readonly code: 'accessKeyNotFound'; readonly id: string }
  | { readonly code: 'accessKeyExists'; readonly id: string }
  | { readonly code: 'accessKeyRevoked'; readonly id: string }
  | { readonly code: 'accessKeyInUse'; readonly id: string }
  | { readonly code: 'tooManyAccessKeys'; readonly max: number }
  /** A sentence that names what is wrong. */
  | { readonly code: 'invalidAccessKey'; readonly problem: string }
  | { readonly code: 'invalidPolicy'; readonly problem: string };

export type AccessKeyOutcome<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: AccessKeyRefusal };

export interface CreatedAccessKey {
  readonly accessKey: AccessKeyDescription;
  /** Shown this once: nothing gives it out again. */
  readonly secret: string;
}

/** A page of access keys, and of documents that are none. */
export interface AccessKeyPage {
  readonly accessKeys: readonly AccessKeyDescription[];
  /** Documents that this version cannot read, with a sentence about why: they allow nobody anything. */
  readonly unreadable: readonly { readonly id: string; readonly problem: string }[];
  /** Where the next page goes on; `undefined` after the last. */
  readonly nextAfter: string | undefined;
}

/** The access keys of a deployment, for those who hand them out. All methods throw StoreUnavailable. */
export class AccessKeyRegister {
  readonly #documents: Documents;
  readonly #sealing: SecretSealing;
  readonly #clock: () => number;

  constructor(documents: Documents, sealing: SecretSealing, clock: () => number = Date.now) {
    this.#documents = documents;
    this.#sealing = sealing;
    this.#clock = clock;
  }

  /** Refusals: invalidAccessKey, invalidPolicy, tooManyAccessKeys, accessKeyExists. */
  async create(wanted: NewAccessKey): Promise<AccessKeyOutcome<CreatedAccessKey>> {
    const { account, userName, description = '', imported } = wanted;
    const problem = problemOf(account, userName, description, imported);
    if (problem !== undefined) return refused({ code: 'invalidAccessKey', problem });
    const compiled = compilePolicy('identity', wanted.policy);
    if (!compiled.ok) return refused({ code: 'invalidPolicy', problem: compiled.problem });
    // Two at once may both find room for the last one: the bound is for memory, and two more do no harm.
    const existing = await this.#documents.list(ACCESS_KEY_PREFIX, { limit: ACCESS_KEYS_MAX });
    if (existing.length >= ACCESS_KEYS_MAX) return refused({ code: 'tooManyAccessKeys', max: ACCESS_KEYS_MAX });

    const { id, secret } = imported ?? { id: newAccessKeyId(), secret: newSecret() };
    const key = documentKeyOf(id);
    const document: AccessKeyDocument = {
      account,
      userName,
      description,
      createdAtMs: this.#clock(),
      secret: this.#sealing.seal(key, secret),
      policy: compiled.policy.document,
    };
    const value = JSON.stringify(document);
    const written = await this.#documents.write([{ key, value, expected: 'absent' }]);
    if (!written.ok) return refused({ code: 'accessKeyExists', id });
    const { description: accessKey } = readBack({ key, value, version: 1 });
    return { ok: true, value: { accessKey, secret } };
  }

  /** In the order of their ids. */
  async list({
    after,
    limit = LIST_MAX,
  }: { readonly after?: string; readonly limit?: number } = {}): Promise<AccessKeyPage> {
    const found = await this.#documents.list(ACCESS_KEY_PREFIX, {
      limit,
      ...(after !== undefined && { after: documentKeyOf(after) }),
    });
    const accessKeys: AccessKeyDescription[] = [];
    const unreadable: { id: string; problem: string }[] = [];
    for (const document of found) {
      const read = readAccessKey(document);
      if (typeof read === 'string') unreadable.push({ id: accessKeyIdOf(document.key), problem: read });
      else accessKeys.push(read.description);
    }
    const last = found.length < limit ? undefined : found.at(-1);
    return { accessKeys, unreadable, nextAfter: last && accessKeyIdOf(last.key) };
  }

  /** Refusals: accessKeyNotFound, invalidAccessKey (the document cannot be read). */
  async describe(id: string): Promise<AccessKeyOutcome<AccessKeyDescription>> {
    const found = isAccessKeyId(id) ? await this.#documents.get(documentKeyOf(id)) : undefined;
    if (found === undefined) return refused({ code: 'accessKeyNotFound', id });
    const read = readAccessKey(found);
    if (typeof read === 'string') return refused({ code: 'invalidAccessKey', problem: read });
    return { ok: true, value: read.description };
  }

  /**
   * From now on it is good for nothing, in every process of the deployment within a second; its secret is erased. What is
   * left says who had it. To revoke it again changes nothing. Refusals: accessKeyNotFound, invalidAccessKey.
   */
  async revoke(id: string): Promise<AccessKeyOutcome<AccessKeyDescription>> {
    return this.#change(id, ({ document }) => {
      if (document.revokedAtMs !== undefined) return document;
      const { secret: _, ...rest } = document;
      return { ...rest, revokedAtMs: this.#clock() };
    });
  }

  /** Refusals: invalidPolicy, accessKeyNotFound, accessKeyRevoked, invalidAccessKey. */
  async setPolicy(id: string, policy: unknown): Promise<AccessKeyOutcome<AccessKeyDescription>> {
    const compiled = compilePolicy('identity', policy);
    if (!compiled.ok) return refused({ code: 'invalidPolicy', problem: compiled.problem });
    return this.#change(id, ({ document }) =>
      document.revokedAtMs === undefined
        ? { ...document, policy: compiled.policy.document }
        : { code: 'accessKeyRevoked', id },
    );
  }

  /**
   * After a change of master keys: seals with the first what lies in the clear or under another. Answers the ids of those that
   * it sealed, and of those that none of the master keys opens, which stay as they are.
   */
  async reseal(): Promise<{ readonly resealed: readonly string[]; readonly unopened: readonly string[] }> {
    const resealed: string[] = [];
    const unopened: string[] = [];
    for (const stored of await this.#documents.list(ACCESS_KEY_PREFIX, { limit: ACCESS_KEYS_MAX })) {
      const { key } = stored;
      const id = accessKeyIdOf(key);
      let met: 'current' | 'resealed' | 'unopened' = 'current';
      const outcome = await this.#change(id, ({ document }) => {
        met = 'current';
        if (document.secret === undefined || this.#sealing.isCurrent(document.secret)) return document;
        const secret = this.#sealing.open(key, document.secret);
        met = secret === undefined ? 'unopened' : 'resealed';
        return secret === undefined ? document : { ...document, secret: this.#sealing.seal(key, secret) };
      });
      if (!outcome.ok) continue; // Removed meanwhile, or not to be read: there is no secret to protect.
      if (met === ('resealed' as typeof met)) resealed.push(id);
      if (met === ('unopened' as typeof met)) unopened.push(id);
    }
    return { resealed, unopened };
  }

  /** Takes a revoked key out of the list. Refusals: accessKeyNotFound, accessKeyInUse (not revoked yet). */
  async remove(id: string): Promise<AccessKeyOutcome<undefined>> {
    for (let attempt = 0; attempt < CHANGE_ATTEMPTS_MAX; attempt++) {
      const found = isAccessKeyId(id) ? await this.#documents.get(documentKeyOf(id)) : undefined;
      if (found === undefined) return refused({ code: 'accessKeyNotFound', id });
      const read = readAccessKey(found);
      // What cannot be read allows nobody anything, and may go.
      if (typeof read !== 'string' && read.description.revokedAtMs === undefined) {
        return refused({ code: 'accessKeyInUse', id });
      }
      const written = await this.#documents.write([{ key: found.key, value: undefined, expected: found.version }]);
      if (written.ok) return { ok: true, value: undefined };
    }
    throw new StoreUnavailable(`the document of access key ${id} is being changed by too many at once`);
  }

  async #change(
    id: string,
    next: (stored: StoredAccessKey) => AccessKeyDocument | AccessKeyRefusal,
  ): Promise<AccessKeyOutcome<AccessKeyDescription>> {
    for (let attempt = 0; attempt < CHANGE_ATTEMPTS_MAX; attempt++) {
      const found = isAccessKeyId(id) ? await this.#documents.get(documentKeyOf(id)) : undefined;
      if (found === undefined) return refused({ code: 'accessKeyNotFound', id });
      const stored = readAccessKey(found);
      if (typeof stored === 'string') return refused({ code: 'invalidAccessKey', problem: stored });
      const document = next(stored);
      if ('code' in document) return refused(document);
      if (document === stored.document) return { ok: true, value: stored.description };
      const changed = { ...found, value: JSON.stringify(document) };
      const written = await this.#documents.write([
        { key: changed.key, value: changed.value, expected: found.version },
      ]);
      if (written.ok) return { ok: true, value: readBack(changed).description };
    }
    throw new StoreUnavailable(`the document of access key ${id} is being changed by too many at once`);
  }
}

function problemOf(
  account: string,
  userName: string,
  description: string,
  imported: NewAccessKey['imported'],
): string | undefined {
  if (!isAccount(account)) return `The account "${account}" has not exactly twelve digits.`;
  if (!isUserName(userName)) return `The user name "${userName}" is not 1 to 64 of letters, digits and _+=,.@-.`;
  if (description.length > DESCRIPTION_CHARACTERS_MAX) {
    return `The description has ${description.length} characters; at most ${DESCRIPTION_CHARACTERS_MAX} are kept.`;
  }
  if (imported === undefined) return undefined;
  if (!isAccessKeyId(imported.id)) return `The access key id "${imported.id}" is not 3 to 128 letters, digits and _.`;
  // Not named: it would stand in a terminal or a log.
  if (!isSecret(imported.secret)) return 'The secret is not 1 to 128 visible characters of ASCII.';
  return undefined;
}

/** What was just written by this very version. */
function readBack(document: StoredDocument): StoredAccessKey {
  const read = readAccessKey(document);
  if (typeof read === 'string') throw new Error(`wrote ${document.key}, and cannot read it: ${read}`);
  return read;
}

function refused(refusal: AccessKeyRefusal): { readonly ok: false; readonly refusal: AccessKeyRefusal } {
  return { ok: false, refusal };
}
