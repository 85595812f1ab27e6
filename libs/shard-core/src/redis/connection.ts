import { Command, Redis, type RedisOptions } from 'ioredis';
import { StoreUnavailable } from '../contract/refusal.ts';
import {
  COMMANDS_IN_FLIGHT_MAX,
  DISCONNECT_TIMEOUT_MS,
  GOOD_CONNECTION_MS,
  type RedisBounds,
  RECONNECT_DELAY_MAX_MS,
  RECONNECT_DELAY_MIN_MS,
  UNSENT_BYTES_MAX,
  WAITING_COMMANDS_MAX,
} from './bounds.ts';
import type { RedisAddress, RedisLocation } from './redis-url.ts';
import { storeFailure } from './redis-failure.ts';

export type Argument = string | Buffer;

export interface ConnectionOptions {
  readonly location: RedisLocation;
  /** The node, in a cluster; otherwise the location says where. */
  readonly address?: RedisAddress;
  /** Shown by CLIENT LIST. */
  readonly name: string;
  readonly bounds: RedisBounds;
  /** Runs on each (re)connection, before any other command: what it sends goes first. */
  readonly onOpen?: (redis: Redis) => void;
  /** An open connection was lost; it is being restored by then. */
  readonly onLost?: () => void;
}

/**
 * One connection to Redis: commands of one turn of the event loop leave in one write, none is ever sent twice, none
 * hangs for ever. ioredis' own queueing and resending are off, because an append whose answer was lost must not be made
 * again behind its caller's back.
 */
export class Connection {
  readonly redis: Redis;
  readonly #bounds: RedisBounds;
  readonly #name: string;
  /** Present while the connection is not open. */
  #opening: PromiseWithResolvers<void> | undefined = newOpening();
  #waiting = 0;
  #inFlight = 0;
  /** Reconnections since the last connection that lasted. */
  #attempts = 0;
  #openedAt = -Infinity;
  #corked = false;
  #closed = false;
  #lastError: Error | undefined;

  constructor({ location, address, name, bounds, onOpen, onLost }: ConnectionOptions) {
    this.#bounds = bounds;
    this.#name = name;
    this.redis = new Redis({
      ...connectOptions(location, address, bounds),
      connectionName: name,
      socketTimeout: bounds.answerTimeoutMs,
      retryStrategy: () => this.#reconnectDelay(),
      sentinelRetryStrategy: () => this.#reconnectDelay(),
      // A primary that was demoted: ask again where the primary is. The refused command was not carried out.
      reconnectOnError: (error) => error.message.startsWith('READONLY') || error.message.startsWith('UNBLOCKED'),
    });
    this.redis.on('error', (error: Error) => {
      this.#lastError = error;
    });
    this.redis.on('ready', () => {
      this.#openedAt = performance.now();
      onOpen?.(this.redis);
      this.#lastError = undefined;
      this.#opening?.resolve();
      this.#opening = undefined;
    });
    this.redis.on('close', () => {
      this.#corked = false;
      if (this.#opening !== undefined) return;
      this.#opening = newOpening();
      if (!this.#closed) onLost?.();
    });
  }

  get isOpen(): boolean {
    return this.#opening === undefined;
  }

  /**
   * Sends a command and answers its reply: strings as text (`utf8`) or as Buffers. Commands are carried out in the order
   * of the calls. Throws StoreUnavailable when there is no connection within `reconnectWaitMs`, when it is lost before
   * the answer, or Redis cannot now.
   */
  send(name: string, args: readonly Argument[], as: 'text' | 'buffers' = 'text'): Promise<unknown> {
    if (this.#opening !== undefined) return this.#sendLater(name, args, as);
    if (this.#inFlight >= COMMANDS_IN_FLIGHT_MAX || this.redis.stream.writableLength > UNSENT_BYTES_MAX) {
      return Promise.reject(new StoreUnavailable(`Redis is too slow (${this.#name}): ${this.#inFlight} commands wait`));
    }
    this.#inFlight += 1;
    const command = new Command(name, args as Argument[], { replyEncoding: as === 'text' ? 'utf8' : null });
    this.#cork();
    this.redis.sendCommand(command);
    return command.promise.then(
      (reply: unknown) => {
        this.#inFlight -= 1;
        return reply;
      },
      (error: unknown) => {
        this.#inFlight -= 1;
        throw storeFailure(error);
      },
    );
  }

  /** When it was opened, on the clock of `performance.now()`. Only while it is open. */
  get openedAt(): number {
    return this.#openedAt;
  }

  /** Connects anew, perhaps to another server; commands under way fail, and no answer to them is heard any more. */
  renew(): void {
    this.redis.stream.destroy();
  }

  /** Closes at once; commands under way fail. */
  close(): void {
    this.#closed = true;
    this.redis.disconnect();
    // Between two attempts the last socket is closed already. ioredis waits all the same, DISCONNECT_TIMEOUT_MS long, for the
    // end of it, and the process with it: it is told again.
    const stream: Redis['stream'] | undefined = this.redis.stream;
    if (stream?.closed === true) stream.emit('close');
    this.#opening?.reject(new StoreUnavailable('the store was closed'));
  }

  async #sendLater(name: string, args: readonly Argument[], as: 'text' | 'buffers'): Promise<unknown> {
    await this.opened();
    return this.send(name, args, as);
  }

  /** Answers when the connection is open; throws StoreUnavailable after `waitMs`. */
  async opened(waitMs = this.#bounds.reconnectWaitMs): Promise<void> {
    const opening = this.#opening;
    if (opening === undefined) return;
    if (this.#closed) throw new StoreUnavailable('the store was closed');
    if (this.#waiting >= WAITING_COMMANDS_MAX) {
      throw new StoreUnavailable(`${WAITING_COMMANDS_MAX} commands wait for Redis already`);
    }
    this.#waiting += 1;
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const reason = this.#lastError?.message ?? 'no answer';
        reject(new StoreUnavailable(`Redis is not reachable (${this.#name}): ${reason}`, { cause: this.#lastError }));
      }, waitMs);
    });
    try {
      await Promise.race([opening.promise, tooLong]);
    } finally {
      clearTimeout(timer);
      this.#waiting -= 1;
    }
  }

  /** Doubles with each attempt, and also when connections are made but do not last: a replica refuses every write. */
  #reconnectDelay(): number {
    const lastedMs = performance.now() - this.#openedAt;
    if (lastedMs > GOOD_CONNECTION_MS && lastedMs < Infinity) this.#attempts = 0;
    this.#openedAt = -Infinity;
    const delay = Math.min(RECONNECT_DELAY_MAX_MS, RECONNECT_DELAY_MIN_MS * 2 ** Math.min(this.#attempts++, 10));
    // Jitter: many processes lose one Redis at one moment.
    return delay * (0.75 + Math.random() / 2);
  }

  /**
   * Holds the socket until this turn of the event loop is over, so that what many callers send in it is one system call.
   * (A pipeline object of ioredis would do the same with one copy more of each payload.)
   */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    const { stream } = this.redis;
    stream.cork();
    setImmediate(() => {
      stream.uncork();
      if (stream === this.redis.stream) this.#corked = false;
    });
  }
}

/** Options that every connection shares, also the one that only looks whether somebody is there. */
export function connectOptions(
  location: RedisLocation,
  address: RedisAddress | undefined,
  bounds: RedisBounds,
): RedisOptions & { readonly replyMapping: 'legacy' } {
  const { username, password, tls, database, primaryName } = location;
  const where: RedisOptions =
    location.kind === 'sentinel'
      ? {
          sentinels: location.addresses.map(({ host, port }) => ({ host, port })),
          name: primaryName,
          sentinelCommandTimeout: bounds.connectTimeoutMs,
          connectTimeout: bounds.connectTimeoutMs,
          enableTLSForSentinelMode: tls,
        }
      : { ...(address ?? (location.addresses[0] as RedisAddress)) };
  return {
    ...where,
    db: database,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: {} }),
    connectTimeout: bounds.connectTimeoutMs,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    enableAutoPipelining: false,
    replyMapping: 'legacy',
  };
}

function newOpening(): PromiseWithResolvers<void> {
  const opening = Promise.withResolvers<void>();
  // Nobody may be waiting when it is rejected by close().
  opening.promise.catch(() => undefined);
  return opening;
}
