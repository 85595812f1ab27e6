import { randomUUID } from 'node:crypto';
import type { Documents } from '@tailrace/shard-core';
import { subscriptionMetrics } from '@tailrace/telemetry';
import { subscriptionKey, SUBSCRIPTIONS_PREFIX } from './subscription-key.ts';
import type { Consumer } from './consumer.ts';
import { SUBSCRIPTION_TIMES, type SubscriptionTimes } from './subscription-times.ts';

/** How often a subscription is tried again when another process has begun one at the same moment. */
const ATTEMPTS_MAX = 8;

/** Why a subscription is over although its client did not end it. */
export type SubscriptionLoss = 'takenOver' | 'deregistered';

/** The right of one connection to be the one that a consumer has to a shard. */
export interface Subscription {
  /** Calls back once, if the right is lost; at once if it is already. */
  onLost(listener: (loss: SubscriptionLoss) => void): void;
  /** The connection has ended. The document stays: it is what keeps the next one off for a while. */
  release(): void;
}

/** Who holds a subscription, and since when: a document under `subscriptionKey`. Its version is the fence. */
interface SubscriptionDocument {
  readonly holder: string;
  readonly openedAtMs: number;
}

/**
 * The subscriptions of this process, and the rule that a consumer has one to a shard in the whole deployment: a new one
 * takes over from an old one, and the process of the old one hears of it and ends it.
 */
export class Subscriptions {
  readonly #documents: Documents;
  readonly #clock: () => number;
  readonly #held = new Map<string, HeldSubscription>();
  readonly times: SubscriptionTimes;
  #watching: Promise<() => void> | undefined;

  constructor(documents: Documents, clock: () => number, times: Partial<SubscriptionTimes> = {}) {
    this.#documents = documents;
    this.#clock = clock;
    this.times = { ...SUBSCRIPTION_TIMES, ...times };
  }

  /**
   * Takes the subscription of a consumer to a shard, from whoever has it. `undefined`: the last one began too short a
   * while ago. Throws StoreUnavailable.
   */
  async take(consumer: Consumer, shardNumber: number): Promise<Subscription | undefined> {
    await this.#watch();
    const key = subscriptionKey(consumer, shardNumber);
    const holder = randomUUID();
    let current = await this.#documents.get(key);
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const nowMs = this.#clock();
      if (current !== undefined) {
        const { openedAtMs } = JSON.parse(current.value) as SubscriptionDocument;
        // A process whose clock is ahead must not keep others off for longer.
        if (Math.abs(nowMs - openedAtMs) < this.times.takeOverAfterMs) return undefined;
      }
      const document: SubscriptionDocument = { holder, openedAtMs: nowMs };
      const written = await this.#documents.write([
        { key, value: JSON.stringify(document), expected: current?.version ?? 'absent' },
      ]);
      if (written.ok) return this.#hold(key, holder, written.versions[0] as number);
      current = written.conflict.current;
    }
    return undefined;
  }

  /** Forgets a subscription that never began: the next one need not wait. Throws StoreUnavailable. */
  async undo(subscription: Subscription): Promise<void> {
    subscription.release();
    const { key, version } = subscription as HeldSubscription;
    await this.#documents.write([{ key, value: undefined, expected: version }]);
  }

  /** Hears of nothing more. */
  close(): void {
    // One that failed to begin is no longer there.
    void this.#watching?.then((stop) => stop());
    this.#watching = undefined;
  }

  #hold(key: string, holder: string, version: number): Subscription {
    // The watch tells too, but later; and the two must not send at once.
    this.#lose(key, 'takenOver');
    const held = new HeldSubscription(key, holder, version, () => {
      if (this.#held.get(key) === held) this.#held.delete(key);
    });
    this.#held.set(key, held);
    return held;
  }

  #lose(key: string, loss: SubscriptionLoss): void {
    const held = this.#held.get(key);
    if (held === undefined) return;
    held.release();
    held.lose(loss);
  }

  /** From the first subscription on. */
  async #watch(): Promise<void> {
    this.#watching ??= this.#documents.watch(SUBSCRIPTIONS_PREFIX, (key) => this.#heardOf(key));
    try {
      await this.#watching;
    } catch (error) {
      this.#watching = undefined;
      throw error;
    }
  }

  #heardOf(changed: string | undefined): void {
    for (const key of changed === undefined ? [...this.#held.keys()] : [changed]) {
      if (!this.#held.has(key)) continue;
      this.#check(key).then(
        () => {},
        // The store is away: it tells again when it is back, and then all are checked.
        () => {},
      );
    }
  }

  async #check(key: string): Promise<void> {
    const held = this.#held.get(key);
    const stored = await this.#documents.get(key);
    // Another one was begun here while we looked: its own change is told too.
    if (held === undefined || this.#held.get(key) !== held) return;
    if (stored === undefined) this.#lose(key, 'deregistered');
    else if ((JSON.parse(stored.value) as SubscriptionDocument).holder !== held.holder) this.#lose(key, 'takenOver');
  }
}

class HeldSubscription implements Subscription {
  readonly key: string;
  readonly holder: string;
  /** Of its document. */
  readonly version: number;
  readonly #onRelease: () => void;
  readonly #metrics = subscriptionMetrics();
  #released = false;
  #loss: SubscriptionLoss | undefined;
  #listener: ((loss: SubscriptionLoss) => void) | undefined;

  constructor(key: string, holder: string, version: number, onRelease: () => void) {
    this.key = key;
    this.holder = holder;
    this.version = version;
    this.#onRelease = onRelease;
    this.#metrics.open++;
  }

  onLost(listener: (loss: SubscriptionLoss) => void): void {
    if (this.#loss !== undefined) listener(this.#loss);
    else this.#listener = listener;
  }

  lose(loss: SubscriptionLoss): void {
    this.#loss ??= loss;
    this.#listener?.(this.#loss);
    this.#listener = undefined;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#metrics.open--;
    this.#onRelease();
  }
}
