import type { StreamCatalog } from '@tailrace/shard-core';
import { compileTopicRegex, type TopicRegex } from './topic-regex.ts';

/** What groups need to know of a topic. */
export interface SubscribableTopic {
  readonly name: string;
  readonly topicId: string;
  readonly partitionCount: number;
}

/** How long matching may keep everybody else waiting at a time. */
export const MATCHING_SLICE_MS = 5;
/** Expressions kept compiled; the one unused for longest is forgotten. */
export const REGEXES_MAX = 1_000;

interface KnownRegex {
  readonly regex: TopicRegex;
  /** As of `version`; `undefined` until all names have been looked at once. */
  matching: readonly string[] | undefined;
  version: number;
  evaluating: boolean;
}

/**
 * The topics, as consumer groups see them: by name, and by regular expression. Matching an expression against all names is
 * done in slices, so that no expression and no number of topics keeps the process from its other work; until it is done, what
 * matched before holds.
 */
export class SubscribableTopics {
  readonly #catalog: Pick<StreamCatalog, 'peek' | 'peekById' | 'names' | 'onChange'>;
  readonly #regexes = new Map<string, KnownRegex>();
  readonly #stopListening: () => void;
  #catalogVersion = 1;
  #matchesVersion = 1;
  #closed = false;

  constructor(catalog: Pick<StreamCatalog, 'peek' | 'peekById' | 'names' | 'onChange'>) {
    this.#catalog = catalog;
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

  nameOf(topicId: string): string | undefined {
    return this.#catalog.peekById(topicId)?.name;
  }

  /** To be awaited before `matching` is asked; answers why the expression cannot be taken, if so. */
  async prepare(pattern: string): Promise<string | undefined> {
    if (this.#regexes.has(pattern)) return undefined;
    const regex = await compileTopicRegex(pattern);
    if (typeof regex === 'string') return regex;
    if (this.#regexes.has(pattern)) return undefined;
    const oldest = this.#regexes.keys().next();
    if (this.#regexes.size >= REGEXES_MAX && !oldest.done) this.#regexes.delete(oldest.value);
    const known: KnownRegex = { regex, matching: undefined, version: 0, evaluating: false };
    this.#regexes.set(pattern, known);
    this.#evaluate(known);
    return undefined;
  }

  /** Names that the expression matches as a whole; `undefined` while that is not known yet (`version` grows when it is). */
  matching(pattern: string): readonly string[] | undefined {
    const known = this.#regexes.get(pattern);
    if (known === undefined) {
      void this.prepare(pattern);
      return undefined;
    }
    this.#regexes.delete(pattern);
    this.#regexes.set(pattern, known);
    if (known.version !== this.#catalogVersion) this.#evaluate(known);
    return known.matching;
  }

  /** Matches all names, the first slice at once: with an ordinary expression that is all of them. */
  #evaluate(known: KnownRegex): void {
    if (known.evaluating) return;
    known.evaluating = true;
    const names = this.#catalog.names();
    const version = this.#catalogVersion;
    const matching: string[] = [];
    let at = 0;
    const slice = () => {
      const endMs = performance.now() + MATCHING_SLICE_MS;
      while (at < names.length) {
        const name = names[at] as string;
        at += 1;
        if (known.regex.matches(name)) matching.push(name);
        if (performance.now() > endMs) break;
      }
      if (at < names.length) {
        // Unreferenced: work that nobody waits for keeps no process alive.
        if (!this.#closed) setImmediate(slice).unref();
        return;
      }
      known.evaluating = false;
      known.version = version;
      known.matching = matching;
      this.#matchesVersion += 1;
    };
    slice();
  }
}
