import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises';
import type { StreamCatalog } from '@tailrace/shard-core';
import { isInternalTopic } from '../topics/internal-topics.ts';
import { compileTopicRegex, type TopicRegex } from './topic-regex.ts';

/** What groups need to know of a topic. */
export interface SubscribableTopic {
  readonly name: string;
  readonly topicId: string;
  readonly partitionCount: number;
}

/** Who a member is that was stored without saying so. */
const ANONYMOUS = 'User:ANONYMOUS';
/** How long matching may keep everybody else waiting at a time. */
export const MATCHING_SLICE_MS = 5;
/** How long a member that brings an expression waits for what it matches; an ordinary one takes 1 ms for 1,000 topics. */
export const FIRST_MATCHING_WAIT_MS = 100;
/** Expressions kept compiled; the one unused for longest is forgotten. */
export const REGEXES_MAX = 1_000;

/** Whether a client has DESCRIBE on a topic. */
export type MayDescribe = (subject: { readonly principal: string; readonly host: string }, topic: string) => boolean;

interface KnownRegex {
  readonly regex: TopicRegex;
  /** As of `version`; `undefined` until all names have been looked at once. */
  matching: readonly string[] | undefined;
  version: number;
  /** Settles when the names have been looked at; `undefined` while nothing is under way. */
  evaluating: Promise<void> | undefined;
}

/**
 * The topics, as consumer groups see them: by name, and by regular expression. Matching an expression against all names is
 * done in slices, so that no expression and no number of topics keeps the process from its other work; until it is done, what
 * matched before holds.
 */
export class SubscribableTopics {
  readonly #catalog: Pick<StreamCatalog, 'peek' | 'peekById' | 'names' | 'onChange'>;
  readonly #mayDescribe: MayDescribe;
  readonly #regexes = new Map<string, KnownRegex>();
  readonly #stopListening: () => void;
  #catalogVersion = 1;
  #matchesVersion = 1;
  #closed = false;

  constructor(
    catalog: Pick<StreamCatalog, 'peek' | 'peekById' | 'names' | 'onChange'>,
    mayDescribe: MayDescribe = () => true,
  ) {
    this.#catalog = catalog;
    this.#mayDescribe = mayDescribe;
    this.#stopListening = catalog.onChange(() => {
      this.#catalogVersion += 1;
    });
  }

  close(): void {
    this.#closed = true;
    this.#stopListening();
  }

  /** Grows when a topic may have come, gone or changed, and when an expression has been matched anew. */
  get version(): number {
    return this.#catalogVersion + this.#matchesVersion;
  }

  find(name: string): SubscribableTopic | undefined {
    const stream = this.#catalog.peek(name);
    return stream && { name, topicId: stream.id, partitionCount: stream.partitions.length };
  }

  /** Whether an expression of this member stands for the topic too. */
  maySee(
    { principal, clientHost }: { readonly principal?: string; readonly clientHost: string },
    name: string,
  ): boolean {
    return this.#mayDescribe({ principal: principal ?? ANONYMOUS, host: clientHost }, name);
  }

  nameOf(topicId: string): string | undefined {
    return this.#catalog.peekById(topicId)?.name;
  }

  /**
   * To be awaited before `matching` is asked; answers why the expression cannot be taken, if so. Waits a little for what it
   * matches, so that a member usually gets its partitions at once.
   */
  async prepare(pattern: string): Promise<string | undefined> {
    if (this.#regexes.has(pattern)) return undefined;
    const regex = await compileTopicRegex(pattern);
    if (typeof regex === 'string') return regex;
    if (this.#regexes.has(pattern)) return undefined;
    const oldest = this.#regexes.keys().next();
    if (this.#regexes.size >= REGEXES_MAX && !oldest.done) this.#regexes.delete(oldest.value);
    const known: KnownRegex = { regex, matching: undefined, version: 0, evaluating: undefined };
    this.#regexes.set(pattern, known);
    await Promise.race([this.#evaluate(known), sleep(FIRST_MATCHING_WAIT_MS, undefined, { ref: false })]);
    return undefined;
  }

  /** Names that the expression matches as a whole, internal topics left out; `undefined` while that is not known yet (`version` grows when it is). */
  matching(pattern: string): readonly string[] | undefined {
    const known = this.#regexes.get(pattern);
    if (known === undefined) {
      void this.prepare(pattern);
      return undefined;
    }
    this.#regexes.delete(pattern);
    this.#regexes.set(pattern, known);
    if (known.version !== this.#catalogVersion) void this.#evaluate(known);
    return known.matching;
  }

  /** Matches all names, the first slice at once: with an ordinary expression that is all of them. */
  #evaluate(known: KnownRegex): Promise<void> {
    known.evaluating ??= this.#matchAll(known).finally(() => (known.evaluating = undefined));
    return known.evaluating;
  }

  async #matchAll(known: KnownRegex): Promise<void> {
    const names = this.#catalog.names();
    const version = this.#catalogVersion;
    const matching: string[] = [];
    let endMs = performance.now() + MATCHING_SLICE_MS;
    for (const name of names) {
      if (!isInternalTopic(name) && known.regex.matches(name)) matching.push(name);
      if (performance.now() <= endMs) continue;
      await immediate();
      if (this.#closed) return;
      endMs = performance.now() + MATCHING_SLICE_MS;
    }
    known.version = version;
    known.matching = matching;
    this.#matchesVersion += 1;
  }
}
