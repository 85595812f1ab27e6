import type { Documents, StoredDocument } from '@tailrace/shard-core';
import type { Consumer, ConsumerDocument } from './consumer.ts';
import { consumerExists, consumerNotFound, type ConsumerPlace, tooManyConsumers } from './consumer-errors.ts';
import { subscriptionPrefix } from './subscription-key.ts';

/** https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html */
export const CONSUMERS_PER_STREAM_MAX = 20;
/** Where the consumers of all streams are written down. */
export const CONSUMERS_PREFIX = 'consumer/';
/** How often a change is tried again when somebody else was faster. */
const UPDATE_ATTEMPTS_MAX = 16;
/** Documents that are removed in one step; the store takes a thousand. */
const REMOVALS_AT_ONCE_MAX = 500;

export interface NewConsumer {
  readonly streamId: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * The consumers of all streams, as documents that every process of the deployment sees. Nothing is held in memory: they
 * are looked at when a subscription begins, not when records flow. Everything here throws StoreUnavailable.
 */
export class ConsumerRegister {
  readonly #documents: Documents;
  readonly #clock: () => number;

  constructor(documents: Documents, clock: () => number) {
    this.#documents = documents;
    this.#clock = clock;
  }

  async find(streamId: string, name: string): Promise<Consumer | undefined> {
    const stored = await this.#documents.get(keyOf(streamId, name));
    return stored && consumerOf(stored);
  }

  /** In the order of their names. */
  async list(
    streamId: string,
    options: { readonly after?: string; readonly limit?: number } = {},
  ): Promise<readonly Consumer[]> {
    const { after, limit = CONSUMERS_PER_STREAM_MAX + 1 } = options;
    const stored = await this.#documents.list(prefixOf(streamId), {
      limit,
      ...(after !== undefined && { after: keyOf(streamId, after) }),
    });
    return stored.map(consumerOf);
  }

  /** Throws ResourceInUseException, LimitExceededException. */
  async register({ streamId, name, tags }: NewConsumer, place: ConsumerPlace): Promise<Consumer> {
    const key = keyOf(streamId, name);
    const existing = await this.find(streamId, name);
    if (existing?.status === 'DELETING') await this.#finishRemoval(existing);
    else if (existing !== undefined) throw consumerExists(name, place);
    if ((await this.list(streamId)).length >= CONSUMERS_PER_STREAM_MAX) {
      throw tooManyConsumers(place, CONSUMERS_PER_STREAM_MAX);
    }
    const document: ConsumerDocument = { name, streamId, createdAtMs: this.#clock(), status: 'ACTIVE', tags };
    const written = await this.#documents.write([{ key, value: JSON.stringify(document), expected: 'absent' }]);
    if (!written.ok) throw consumerExists(name, place);
    const consumer = { ...document, version: written.versions[0] as number };
    // Others may have registered at the same moment, and each of them saw one place left.
    if ((await this.list(streamId)).length > CONSUMERS_PER_STREAM_MAX) {
      await this.#finishRemoval(consumer);
      throw tooManyConsumers(place, CONSUMERS_PER_STREAM_MAX);
    }
    return consumer;
  }

  /** Changes the tags in one step; `change` may be called again on newer ones. Throws ResourceNotFoundException. */
  async changeTags(
    { streamId, name, createdAtMs }: Pick<Consumer, 'streamId' | 'name' | 'createdAtMs'>,
    place: ConsumerPlace,
    change: (tags: Readonly<Record<string, string>>) => Readonly<Record<string, string>>,
  ): Promise<Consumer> {
    for (let attempt = 0; attempt < UPDATE_ATTEMPTS_MAX; attempt++) {
      const current = await this.find(streamId, name);
      if (current === undefined || current.createdAtMs !== createdAtMs) throw consumerNotFound(name, place);
      const changed = await this.#replace(current, { tags: change(current.tags) });
      if (changed !== undefined) return changed;
    }
    throw new Error(`the consumer ${name} of stream ${streamId} changes all the time`);
  }

  /** Ends its subscriptions and forgets it. One that is being removed already is removed all the same. */
  async remove(consumer: Consumer): Promise<void> {
    for (let attempt = 0, current: Consumer | undefined = consumer; attempt < UPDATE_ATTEMPTS_MAX; attempt++) {
      // Marked first: a subscription that begins now sees it, and one that began before has a document to be found.
      const marked: Consumer | undefined =
        current.status === 'DELETING' ? current : await this.#replace(current, { status: 'DELETING' });
      if (marked !== undefined) return this.#finishRemoval(marked);
      current = await this.find(consumer.streamId, consumer.name);
      if (current === undefined || current.createdAtMs !== consumer.createdAtMs) return;
    }
    throw new Error(`the consumer ${consumer.name} of stream ${consumer.streamId} changes all the time`);
  }

  async removeAll(streamId: string): Promise<void> {
    for (;;) {
      const consumers = await this.list(streamId);
      if (consumers.length === 0) return;
      for (const consumer of consumers) await this.remove(consumer);
    }
  }

  async #finishRemoval(consumer: Consumer): Promise<void> {
    const prefix = subscriptionPrefix(consumer);
    for (;;) {
      const page = await this.#documents.list(prefix, { limit: REMOVALS_AT_ONCE_MAX });
      if (page.length === 0) break;
      await this.#documents.write(page.map(({ key }) => ({ key, value: undefined, expected: 'any' })));
    }
    // Another process that finishes it as well may have been faster, and the name may be in use again.
    const { streamId, name, version } = consumer;
    await this.#documents.write([{ key: keyOf(streamId, name), value: undefined, expected: version }]);
  }

  /** `undefined`: it is not at that version any more. */
  async #replace(consumer: Consumer, change: Partial<ConsumerDocument>): Promise<Consumer | undefined> {
    const { version, ...document } = { ...consumer, ...change };
    const key = keyOf(consumer.streamId, consumer.name);
    const written = await this.#documents.write([{ key, value: JSON.stringify(document), expected: version }]);
    return written.ok ? { ...document, version: written.versions[0] as number } : undefined;
  }
}

function prefixOf(streamId: string): string {
  return `${CONSUMERS_PREFIX}${streamId}/`;
}

function keyOf(streamId: string, name: string): string {
  return prefixOf(streamId) + name;
}

function consumerOf({ value, version }: StoredDocument): Consumer {
  return { ...(JSON.parse(value) as ConsumerDocument), version };
}
