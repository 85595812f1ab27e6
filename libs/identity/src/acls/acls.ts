import type { Documents, DocumentWrite } from '@tailrace/shard-core';
import { DocumentMirror } from '../documents/document-mirror.ts';
import type { Acl } from './acl.ts';
import { ACL_PREFIX, aclIdOf, readAcl, unreadableAcl, writeAcl } from './acl-document.ts';
import { AclIndex } from './acl-index.ts';

/** Every process holds all of them in memory; each takes about 500 bytes. */
export const ACLS_MAX = 50_000;
/** The documents' own bound of one write. */
const WRITES_MAX = 1_000;

export type AclRefusal = { readonly code: 'tooManyAcls'; readonly max: number };
export type AclOutcome = { readonly ok: true } | { readonly ok: false; readonly refusal: AclRefusal };

/** The access control entries of the deployment, arranged in memory for those who ask. */
export class Acls {
  readonly #documents: Documents;
  #mirror!: DocumentMirror<Acl>;
  #index: AclIndex | undefined;

  private constructor(documents: Documents) {
    this.#documents = documents;
  }

  /** Throws StoreUnavailable. */
  static async open(documents: Documents): Promise<Acls> {
    const acls = new Acls(documents);
    acls.#mirror = await DocumentMirror.open(documents, {
      things: 'access control entries',
      prefix: ACL_PREFIX,
      read: (document) => {
        const acl = readAcl(document);
        return typeof acl === 'string'
          ? {
              problem: `an access control entry cannot be read, and until it can or is gone only super users may do anything: ${acl}`,
            }
          : { value: acl };
      },
      changed: () => (acls.#index = undefined),
    });
    return acls;
  }

  get size(): number {
    return this.#mirror.size;
  }

  /** There is an entry of which nobody knows whom it keeps from what. */
  get isIncomplete(): boolean {
    return this.#mirror.problemCount > 0;
  }

  /** As it stands; arranged anew when it is first asked for after a change. */
  get index(): AclIndex {
    return (this.#index ??= new AclIndex(this.#mirror.values()));
  }

  /**
   * All entries by their ids. One that cannot be read is here as what it comes to, a refusal of everything to everybody, so
   * that who looks for entries finds it and can remove it.
   */
  *entries(): IterableIterator<readonly [id: string, acl: Acl]> {
    yield* this.#mirror.entries();
    for (const id of this.#mirror.problemIds()) yield [id, unreadableAcl(id)];
  }

  /** Those that are there already stay. Counts here when it settles, elsewhere within a second. Throws StoreUnavailable. */
  async add(acls: readonly Acl[]): Promise<AclOutcome> {
    const fresh = new Map(acls.map((acl) => [aclIdOf(acl), acl]));
    for (const id of fresh.keys()) if (this.#mirror.get(id) !== undefined) fresh.delete(id);
    // Two at once may both find room for the last one: the bound is for memory, and two more do no harm.
    if (this.size + fresh.size > ACLS_MAX) return { ok: false, refusal: { code: 'tooManyAcls', max: ACLS_MAX } };
    await this.#write([...fresh].map(([id, acl]) => ({ key: ACL_PREFIX + id, value: writeAcl(acl), expected: 'any' })));
    await this.#mirror.catchUp(fresh.keys());
    return { ok: true };
  }

  /** Throws StoreUnavailable. */
  async remove(entryIds: Iterable<string>): Promise<void> {
    const ids = [...new Set(entryIds)];
    await this.#write(ids.map((id) => ({ key: ACL_PREFIX + id, value: undefined, expected: 'any' })));
    await this.#mirror.catchUp(ids);
  }

  async close(): Promise<void> {
    await this.#mirror.close();
  }

  async #write(writes: readonly DocumentWrite[]): Promise<void> {
    for (let at = 0; at < writes.length; at += WRITES_MAX)
      await this.#documents.write(writes.slice(at, at + WRITES_MAX));
  }
}
