import { logger, setScriptError, tracing, withScriptSpan } from '@tailrace/telemetry';
import type { Redis } from 'ioredis';
import { StoreUnavailable } from '../contract/refusal.ts';
import { type RedisBounds, WAITING_COMMANDS_MAX } from './bounds.ts';
import { type Argument, Connection } from './connection.ts';
import { replyCode } from './redis-failure.ts';
import type { RedisAddress, RedisLocation } from './redis-url.ts';
import { type Reply, type ScriptName, scripts } from './scripts.ts';

export interface RedisNodeOptions {
  readonly location: RedisLocation;
  readonly address?: RedisAddress;
  readonly bounds: RedisBounds;
  /** The node is a primary that this process may not have seen before: at the start and after each reconnection. */
  readonly onOpen: (node: RedisNode) => void;
  readonly onLost: (node: RedisNode) => void;
}

/** Run for many callers at once, or for none: a span under whoever happened to be first would tell a wrong story. */
const untracedScripts: ReadonlySet<ScriptName> = new Set([
  'advance-watermark',
  'arm-wake-up',
  'claim-leadership',
  'purge-slice',
]);

/**
 * One primary, with a connection for each kind of work: a WAIT that hangs must not stop appends, and an answer of some
 * MiB must not stand before the answers of appends.
 */
export class RedisNode {
  readonly address: RedisAddress;
  /** Scripts that write, and everything small. */
  readonly writes: Connection;
  /** Entries and payloads. */
  readonly reads: Connection;
  /** WAIT. */
  readonly waits: Connection;
  readonly #database: number;
  readonly #bounds: RedisBounds;
  /** Of the primary whose leader epoch was claimed last. */
  #replicationId: string | undefined;
  #isClaimed = false;
  #claiming = Promise.withResolvers<void>();
  #claimFailure: Error | undefined;
  #waiting = 0;
  #writesLostAt = -Infinity;

  constructor({ location, address, bounds, onOpen, onLost }: RedisNodeOptions) {
    this.address = address ?? (location.addresses[0] as RedisAddress);
    this.#database = location.database;
    this.#bounds = bounds;
    const common = { location, bounds, ...(address !== undefined && { address }) };
    this.writes = new Connection({
      ...common,
      name: 'tailrace-writes',
      onOpen: (redis) => {
        loadScripts(redis);
        this.#renewOlder();
        // Not before the connection counts as open.
        queueMicrotask(() => onOpen(this));
      },
      onLost: () => {
        this.#writesLostAt = performance.now();
        this.#unclaim();
        onLost(this);
      },
    });
    this.reads = new Connection({ ...common, name: 'tailrace-reads' });
    this.waits = new Connection({ ...common, name: 'tailrace-waits' });
  }

  /** Runs a script in one step and answers its tagged reply. Throws StoreUnavailable. */
  run<Name extends ScriptName>(name: Name, keys: readonly string[], args: readonly Argument[]): Promise<Reply<Name>> {
    if (!tracing.enabled || untracedScripts.has(name)) return this.#run(name, keys, args);
    const { host, port } = this.address;
    return withScriptSpan(
      name,
      'EVALSHA',
      { address: host, port, database: this.#database },
      undefined,
      async (span) => {
        try {
          return await this.#run(name, keys, args);
        } catch (error) {
          setScriptError(span, ((error as Error).cause ?? error) as Error);
          throw error;
        }
      },
    );
  }

  #run<Name extends ScriptName>(name: Name, keys: readonly string[], args: readonly Argument[]): Promise<Reply<Name>> {
    const { sha, text, keyCount } = scripts[name];
    const rest = [String(keyCount), ...keys, ...args];
    const answer = this.writes.send('evalsha', [sha, ...rest]).catch((error: unknown) => {
      // Each connection begins with SCRIPT LOAD, so this is for a SCRIPT FLUSH by somebody else. Nothing was carried out.
      if (replyCode((error as Error).cause) !== 'NOSCRIPT') throw error;
      return this.writes.send('eval', [text, ...rest]);
    });
    return answer as Promise<Reply<Name>>;
  }

  /** Whether the leader epoch is known of the primary that `writes` is connected to. */
  get isClaimed(): boolean {
    return this.#isClaimed;
  }

  get replicationId(): string | undefined {
    return this.#replicationId;
  }

  /** The leader epoch of this primary is known; `openedAt` is the connection that it was asked by, which may be gone. */
  claim(replicationId: string, openedAt: number): void {
    if (!this.writes.isOpen || this.writes.openedAt !== openedAt) return;
    this.#replicationId = replicationId;
    this.#isClaimed = true;
    this.#claimFailure = undefined;
    this.#claiming.resolve();
  }

  /** Why it is not known yet. */
  notClaimed(failure: Error): void {
    this.#claimFailure = failure;
  }

  /**
   * Answers when the leader epoch is known; look again then, it may be unknown once more. Throws StoreUnavailable after
   * `reconnectWaitMs`.
   */
  async claimed(): Promise<void> {
    await this.writes.opened();
    if (this.#isClaimed) return;
    if (this.#waiting >= WAITING_COMMANDS_MAX) {
      throw new StoreUnavailable(`${WAITING_COMMANDS_MAX} commands wait for the leader epoch of Redis already`);
    }
    this.#waiting += 1;
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const cause = this.#claimFailure;
        reject(
          new StoreUnavailable(`the leader epoch of Redis is not known: ${cause?.message ?? 'no answer'}`, { cause }),
        );
      }, this.#bounds.reconnectWaitMs);
    });
    try {
      await Promise.race([this.#claiming.promise, tooLong]);
    } finally {
      clearTimeout(timer);
      this.#waiting -= 1;
    }
  }

  #unclaim(): void {
    if (!this.#isClaimed) return;
    this.#isClaimed = false;
    this.#claiming = Promise.withResolvers();
  }

  /**
   * The server that answers writes now may be another one than before. One that was demoted refuses writes and nothing
   * else: whoever stays connected to it reads what its log was.
   */
  #renewOlder(): void {
    for (const connection of [this.reads, this.waits]) {
      if (connection.isOpen && connection.openedAt < this.#writesLostAt) connection.renew();
    }
  }

  close(): void {
    this.writes.close();
    this.reads.close();
    this.waits.close();
  }
}

function loadScripts(redis: Redis): void {
  for (const { name, text } of Object.values(scripts)) {
    redis.call('SCRIPT', 'LOAD', text).catch((error: unknown) => {
      // Not fatal: EVALSHA falls back to EVAL. A read-only replica, or the connection is gone again.
      logger.debug({ err: error, script: name }, 'script not loaded');
    });
  }
}
