import type { Documents, StreamCatalog } from '@tailrace/shard-core';
import { logger } from '@tailrace/telemetry';
import type { ConsumerDocument } from './consumers/consumer.ts';
import { CONSUMERS_PREFIX, type ConsumerRegister } from './consumers/consumer-register.ts';
import { ResourcePolicies } from './resource-policies.ts';

/** A consumer is younger than this only when its stream may not be known here yet. */
const SETTLED_MS = 60_000;
const PAGE = 500;

/**
 * Consumers, subscriptions and policies go with their stream, whichever door deletes it, and whether or not a process of this
 * door runs then: what it has left behind is looked for at the start. DeleteStream does it by itself before it answers; here it
 * is done behind other deletions. Any number of processes may do it at once.
 */
export class DeletedStreams {
  readonly #documents: Documents;
  readonly #catalog: StreamCatalog;
  readonly #consumers: ConsumerRegister;
  readonly #clock: () => number;
  readonly #idOf = new Map<string, string>();
  readonly #stopListening: () => void;
  #work: Promise<void> = Promise.resolve();

  constructor(documents: Documents, catalog: StreamCatalog, consumers: ConsumerRegister, clock: () => number) {
    this.#documents = documents;
    this.#catalog = catalog;
    this.#consumers = consumers;
    this.#clock = clock;
    for (const name of catalog.names()) this.#see(name);
    this.#stopListening = catalog.onChange((name) => {
      if (name !== undefined) this.#see(name);
    });
  }

  /** Removes what streams that are gone have left while nobody looked. Never rejects. */
  sweep(): Promise<void> {
    return this.#inTurn(async () => {
      const gone = new Set<string>();
      for (let after: string | undefined; ;) {
        const page = await this.#documents.list(CONSUMERS_PREFIX, {
          limit: PAGE,
          ...(after !== undefined && { after }),
        });
        for (const { value } of page) {
          const { streamId, createdAtMs } = JSON.parse(value) as ConsumerDocument;
          const isSettled = this.#clock() - createdAtMs > SETTLED_MS;
          if (isSettled && this.#catalog.peekById(streamId) === undefined) gone.add(streamId);
        }
        if (page.length < PAGE) break;
        after = page.at(-1)?.key;
      }
      for (const streamId of gone) await this.#remove(streamId);
    });
  }

  close(): void {
    this.#stopListening();
  }

  /** What is under way is done. For specs. */
  settled(): Promise<void> {
    return this.#work;
  }

  #see(name: string): void {
    const known = this.#idOf.get(name);
    const current = this.#catalog.peek(name)?.id;
    if (current === known) return;
    if (current === undefined) this.#idOf.delete(name);
    else this.#idOf.set(name, current);
    if (known !== undefined) void this.#inTurn(() => this.#remove(known));
  }

  async #remove(streamId: string): Promise<void> {
    await this.#consumers.removeAll(streamId);
    await new ResourcePolicies(this.#documents).removeAll(streamId);
  }

  /** One after the other, so that a hundred deletions do not ask the store for everything at once. */
  #inTurn(task: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(task).catch((error: unknown) => {
      logger.warn({ door: 'http', err: error }, 'what a deleted stream leaves behind stays until the next start');
    });
    return this.#work;
  }
}
