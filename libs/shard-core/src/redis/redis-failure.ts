import { ReplyError } from 'ioredis';
import { StoreUnavailable } from '../contract/refusal.ts';

/** Redis could not be reached, or is none that can be used, when the store was opened. The message is for the operator. */
export class RedisUnreachable extends Error {
  override readonly name = 'RedisUnreachable';
}

/**
 * First words of Redis' error replies that say "not now": the state of the server, not a mistake of ours.
 * https://github.com/redis/redis/blob/7.0/src/server.c (createSharedObjects), plus those of Cluster.
 */
const NOT_NOW = new Set([
  'ASK',
  'BUSY',
  'CLUSTERDOWN',
  'LOADING',
  'MASTERDOWN',
  'MISCONF',
  'MOVED',
  'NOAUTH',
  'NOPERM',
  'NOREPLICAS',
  'NOSCRIPT',
  'OOM',
  'READONLY',
  'TRYAGAIN',
  'UNBLOCKED',
  'UNKILLABLE',
  'WRONGPASS',
]);

/** The first word of an error reply, e.g. `MOVED`; `undefined` for errors that Redis did not answer. */
export function replyCode(error: unknown): string | undefined {
  return /^([A-Z]{3,})(?= |$)/.exec(messageOf(error))?.[1];
}

/** Its message, or what else there is to say. Not by `instanceof`: Node's own errors may come from another realm. */
export function messageOf(error: unknown): string {
  const { message, code } = (error ?? {}) as { message?: unknown; code?: unknown };
  // A connection refused at several addresses has no message, but a code.
  return String(message || code || error);
}

/**
 * What to throw for a failed command: StoreUnavailable for a lost connection, silence or a server that cannot now; the
 * error itself for anything else, because that is a bug of ours and must be loud.
 */
export function storeFailure(error: unknown): unknown {
  if (error instanceof StoreUnavailable) return error;
  const code = replyCode(error);
  // Errors inside scripts carry the cause behind a code of their own, but keep that code in front in Redis 7.
  if ((code !== undefined && NOT_NOW.has(code)) || KILLED.test(messageOf(error))) {
    return new StoreUnavailable(`Redis refuses for now: ${messageOf(error)}`, { cause: error });
  }
  if (error instanceof ReplyError) return error;
  return new StoreUnavailable(
    `Redis is not reachable: ${LOST.test(messageOf(error)) ? 'the connection was lost' : messageOf(error)}`,
    {
      cause: error,
    },
  );
}

/** An operator has ended a script by SCRIPT KILL, which Redis does only where it has written nothing. */
const KILLED = /^ERR .*Script killed by user/;

/** What ioredis says, in the words of our options, of commands that a lost connection has failed. */
const LOST = /^(Stream isn't writeable|Reached the max retries|Connection is closed|Command aborted)/;
