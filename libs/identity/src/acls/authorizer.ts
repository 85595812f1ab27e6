import { type Operation, OPERATIONS_OF, type ResourceType } from './acl.ts';
import type { Subject } from './acl-index.ts';
import type { Acls } from './acls.ts';

/**
 * What counts where no entry is about a resource: `open`: everybody may do everything to it (Kafka's
 * allow.everyone.if.no.acl.found). `strict`: nobody may do anything. `off`: entries are neither kept nor looked at.
 */
export type AclMode = 'off' | 'open' | 'strict';

export interface AuthorizerOptions {
  readonly mode: AclMode;
  /** Who may do everything, whatever the entries say: `User:admin`. */
  readonly superUsers?: readonly string[] | undefined;
}

/**
 * Says who may do what, by the entries and by who is above them. Answers at once. As long as an entry cannot be read, nobody
 * but super users may do anything: what is missing may deny it, or be what closes a resource to all others.
 */
export class Authorizer {
  readonly mode: AclMode;
  readonly #acls: Acls;
  readonly #superUsers: ReadonlySet<string>;

  constructor(acls: Acls, { mode, superUsers = [] }: AuthorizerOptions) {
    this.mode = mode;
    this.#acls = acls;
    this.#superUsers = new Set(superUsers);
  }

  /** `false`: everybody may do everything, and nobody needs to ask. */
  get enforces(): boolean {
    return this.mode === 'strict' || (this.mode === 'open' && (this.#acls.size > 0 || this.#acls.isIncomplete));
  }

  allows(subject: Subject, operation: Operation, resourceType: ResourceType, resourceName: string): boolean {
    if (!this.enforces || this.#superUsers.has(subject.principal)) return true;
    // It may be the one that denies this.
    if (this.#acls.isIncomplete) return false;
    const verdict = this.#acls.index.judge(subject, operation, resourceType, resourceName);
    return verdict === 'allowed' || (verdict === 'noEntries' && this.mode === 'open');
  }

  /** Whether there is anything of this type that the subject may do this to. */
  allowsAny(subject: Subject, operation: Operation, resourceType: ResourceType): boolean {
    if (!this.enforces || this.#superUsers.has(subject.principal)) return true;
    if (this.#acls.isIncomplete) return false;
    const verdict = this.#acls.index.judgeAny(subject, operation, resourceType);
    return verdict === 'allowed' || (verdict === 'noEntries' && this.mode === 'open');
  }

  /** Of all that can be done to a resource, what the subject may. */
  allowedOperations(subject: Subject, resourceType: ResourceType, resourceName: string): Operation[] {
    return OPERATIONS_OF[resourceType].filter((operation) =>
      this.allows(subject, operation, resourceType, resourceName),
    );
  }
}
