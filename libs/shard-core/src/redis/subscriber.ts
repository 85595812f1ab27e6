import { logger } from '@tailrace/telemetry';
import { type RedisBounds, SUBSCRIBER_PING_MS } from './bounds.ts';
import { Connection } from './connection.ts';
import type { RedisAddress, RedisLocation } from './redis-url.ts';

export interface SubscriberOptions {
  readonly location: RedisLocation;
  readonly bounds: RedisBounds;
  /** Where to connect next; in a cluster any node will do, for messages reach them all. `undefined`: as the location says. */
  readonly chooseAddress: () => RedisAddress | undefined;
  readonly channels: Readonly<Record<string, (message: string) => void>>;
  /** Subscribed again after a loss: messages may have been missed. */
  readonly onRestored: () => void;
}

const CHOOSE_AGAIN_MS = 250;

/** The one subscribing connection of this process. */
export class Subscriber {
  readonly #options: SubscriberOptions;
  #connection: Connection | undefined;
  #subscribedBefore = false;
  #first = Promise.withResolvers<void>();
  #pinging: NodeJS.Timeout | undefined;
  #choosing: NodeJS.Timeout | undefined;
  #closed = false;
  #live = false;

  constructor(options: SubscriberOptions) {
    this.#options = options;
    this.#connect();
    this.#pinging = setInterval(() => {
      // Nothing else would show that the other end is gone. A failure needs no handling: the connection says so itself.
      if (this.#connection?.isOpen === true) this.#connection.send('ping', []).catch(() => undefined);
    }, SUBSCRIBER_PING_MS);
    this.#pinging.unref();
  }

  /** Answers when subscribed for the first time. */
  get ready(): Promise<void> {
    return this.#first.promise;
  }

  /** Messages arrive now. */
  get live(): boolean {
    return this.#live;
  }

  /** Messages may come from a server that is no primary any more: connects anew. */
  renew(): void {
    if (this.#connection?.isOpen === true) this.#connection.renew();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#pinging);
    clearTimeout(this.#choosing);
    this.#connection?.close();
    this.#first.resolve();
  }

  #connect(): void {
    const { location, bounds, chooseAddress, channels } = this.#options;
    const address = chooseAddress();
    const connection = new Connection({
      location,
      bounds,
      name: 'tailrace-messages',
      ...(address !== undefined && { address }),
      onOpen: (redis) => {
        redis.subscribe(...Object.keys(channels)).then(
          () => this.#subscribed(),
          (error: unknown) => {
            logger.debug({ err: error }, 'not subscribed');
            redis.disconnect(true);
          },
        );
      },
    });
    connection.redis.on('message', (channel: string, message: string) => {
      try {
        channels[channel]?.(message);
      } catch (error) {
        // One message of an unknown form must not end the process that every other message serves.
        logger.error({ err: error, channel }, 'message not understood');
      }
    });
    connection.redis.on('close', () => {
      this.#live = false;
      if (location.kind !== 'cluster' || this.#closed) return;
      // This node may be gone for good: take another.
      connection.close();
      clearTimeout(this.#choosing);
      this.#choosing = setTimeout(() => this.#connect(), CHOOSE_AGAIN_MS);
    });
    this.#connection = connection;
  }

  #subscribed(): void {
    this.#live = true;
    this.#first.resolve();
    if (this.#subscribedBefore) this.#options.onRestored();
    this.#subscribedBefore = true;
  }
}
