import { type Acl, EVERYBODY, type Operation, type ResourceType, WILDCARD } from './acl.ts';

/** What the entries say: no word is not the same as a "no". */
export type AclVerdict = 'allowed' | 'denied' | 'notNamed' | 'noEntries';

/** Who asks. */
export interface Subject {
  /** `User:<name>` */
  readonly principal: string;
  /** The address that it comes from. */
  readonly host: string;
}

/** Whoever may do the one may also look: an ALLOW of these is one of the other. */
const IMPLIED_BY: { readonly [O in Operation]?: ReadonlySet<string> } = {
  DESCRIBE: new Set(['READ', 'WRITE', 'DELETE', 'ALTER']),
  DESCRIBE_CONFIGS: new Set(['ALTER_CONFIGS']),
};

interface EntriesOfType {
  readonly literal: Map<string, Acl[]>;
  readonly prefixed: Map<string, Acl[]>;
  /** Of the prefixes, each once: a name is looked up once a length, however many prefixes there are. */
  prefixLengths: readonly number[];
}

/**
 * Entries, arranged by what they are about. Kafka's rules: those of the name itself, of `*` and of every prefix count
 * together; a DENY of any of them wins; without an ALLOW the answer is no, unless there are no entries at all.
 */
export class AclIndex {
  readonly size: number;
  readonly #byType = new Map<ResourceType, EntriesOfType>();

  constructor(acls: Iterable<Acl>) {
    let size = 0;
    for (const acl of acls) {
      size += 1;
      const entries = this.#entriesOf(acl.resourceType);
      const named = acl.patternType === 'LITERAL' ? entries.literal : entries.prefixed;
      const same = named.get(acl.resourceName);
      if (same === undefined) named.set(acl.resourceName, [acl]);
      else same.push(acl);
    }
    this.size = size;
    for (const entries of this.#byType.values()) {
      entries.prefixLengths = [...new Set([...entries.prefixed.keys()].map(({ length }) => length))].sort(
        (a, b) => a - b,
      );
    }
  }

  judge(subject: Subject, operation: Operation, resourceType: ResourceType, resourceName: string): AclVerdict {
    const entries = this.#byType.get(resourceType);
    if (entries === undefined) return 'noEntries';
    let verdict: AclVerdict = 'noEntries';
    const look = (acls: readonly Acl[] | undefined): boolean => {
      if (acls === undefined) return false;
      for (const acl of acls) {
        const says = covers(acl, subject, operation);
        if (says && acl.permission === 'DENY') return true;
        if (says) verdict = 'allowed';
        else if (verdict === 'noEntries') verdict = 'notNamed';
      }
      return false;
    };
    if (look(entries.literal.get(resourceName))) return 'denied';
    if (resourceName !== WILDCARD && look(entries.literal.get(WILDCARD))) return 'denied';
    for (const length of entries.prefixLengths) {
      if (length > resourceName.length) break;
      if (look(entries.prefixed.get(resourceName.slice(0, length)))) return 'denied';
    }
    return verdict;
  }

  /**
   * Whether there is any resource of the type that the subject may do this to: an ALLOW which no DENY covers whole.
   * `noEntries`: nobody has said anything about it that concerns everything.
   */
  judgeAny(subject: Subject, operation: Operation, resourceType: ResourceType): AclVerdict {
    const entries = this.#byType.get(resourceType);
    if (entries === undefined) return 'noEntries';
    const denies = (acls: readonly Acl[] | undefined): boolean =>
      acls?.some((acl) => acl.permission === 'DENY' && covers(acl, subject, operation)) ?? false;
    const allows = (acls: readonly Acl[]): boolean =>
      acls.some((acl) => acl.permission === 'ALLOW' && covers(acl, subject, operation));
    if (denies(entries.literal.get(WILDCARD))) return 'denied';
    const deniedByPrefix = (name: string): boolean =>
      entries.prefixLengths.some(
        (length) => length <= name.length && denies(entries.prefixed.get(name.slice(0, length))),
      );
    for (const [name, acls] of entries.literal) {
      if (!allows(acls)) continue;
      if (name === WILDCARD) return 'allowed';
      if (!denies(acls) && !deniedByPrefix(name)) return 'allowed';
    }
    for (const [prefix, acls] of entries.prefixed) if (allows(acls) && !deniedByPrefix(prefix)) return 'allowed';
    return 'noEntries';
  }

  #entriesOf(type: ResourceType): EntriesOfType {
    let entries = this.#byType.get(type);
    if (entries === undefined) {
      entries = { literal: new Map(), prefixed: new Map(), prefixLengths: [] };
      this.#byType.set(type, entries);
    }
    return entries;
  }
}

function covers(acl: Acl, { principal, host }: Subject, operation: Operation): boolean {
  if (acl.principal !== principal && acl.principal !== EVERYBODY) return false;
  if (acl.host !== host && acl.host !== WILDCARD) return false;
  if (acl.operation === operation || acl.operation === 'ALL') return true;
  return acl.permission === 'ALLOW' && (IMPLIED_BY[operation]?.has(acl.operation) ?? false);
}
