import { type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import { type TopicPartitions } from '../groups/topic-partitions.ts';
import { ShareSession } from './share-session.ts';

/** Sessions kept at once, as in Kafka (group.share.max.share.sessions). */
export const SHARE_SESSIONS_MAX = 2_000;
/** Partitions in all sessions together. */
export const SHARE_SESSION_PARTITIONS_MAX = 200_000;

/** Epochs with a meaning of their own. */
export const OPENING_EPOCH = 0;
export const CLOSING_EPOCH = -1;

export type SessionOutcome =
  { readonly ok: true; readonly session: ShareSession } | { readonly ok: false; readonly errorCode: ErrorCode };

export interface ShareSessionCacheOptions {
  /** Called once for each session that ended, with the partitions that it had. */
  readonly ended: (session: ShareSession) => void;
  readonly sessionsMax?: number;
  readonly partitionsMax?: number;
}

/**
 * The sessions of share consumers with this bridge: one for each member of a group. They live in memory, and end with their
 * connection: what is locked for a member whose session ended is free for others.
 */
export class ShareSessionCache {
  readonly #options: ShareSessionCacheOptions;
  readonly #sessions = new Map<string, ShareSession>();
  #partitions = 0;

  constructor(options: ShareSessionCacheOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Partitions in all sessions together. */
  get partitions(): number {
    return this.#partitions;
  }

  /** Opens a session, in the place of one that the member may have. `signal` fires when the connection ends. SHARE_SESSION_LIMIT_REACHED. */
  open(groupId: string, memberId: string, added: TopicPartitions, signal: AbortSignal): SessionOutcome {
    const { sessionsMax = SHARE_SESSIONS_MAX } = this.#options;
    this.close(groupId, memberId);
    if (this.#sessions.size >= sessionsMax || !this.#hasRoom(added))
      return { ok: false, errorCode: errorCodes.SHARE_SESSION_LIMIT_REACHED };
    const session = new ShareSession(groupId, memberId, () => this.#end(session));
    session.add(added);
    this.#partitions += session.size;
    this.#sessions.set(nameOf(groupId, memberId), session);
    session.endWith(signal);
    return { ok: true, session };
  }

  /** The session for a request with this number: SHARE_SESSION_NOT_FOUND, INVALID_SHARE_SESSION_EPOCH. Closing may come at any time. */
  use(groupId: string, memberId: string, epoch: number): SessionOutcome {
    const session = this.#sessions.get(nameOf(groupId, memberId));
    if (session === undefined) return { ok: false, errorCode: errorCodes.SHARE_SESSION_NOT_FOUND };
    if (epoch === CLOSING_EPOCH) return { ok: true, session };
    if (epoch !== session.epoch) return { ok: false, errorCode: errorCodes.INVALID_SHARE_SESSION_EPOCH };
    session.advance();
    return { ok: true, session };
  }

  /** Takes partitions into a session and others out of it. SHARE_SESSION_LIMIT_REACHED: as it was before. */
  update(session: ShareSession, added: TopicPartitions, forgotten: TopicPartitions): ErrorCode {
    if (!this.#hasRoom(added, session)) return errorCodes.SHARE_SESSION_LIMIT_REACHED;
    const before = session.size;
    session.add(added);
    session.forget(forgotten);
    this.#partitions += session.size - before;
    return errorCodes.NONE;
  }

  /** Ends the member's session, if it has one. */
  close(groupId: string, memberId: string): void {
    this.#sessions.get(nameOf(groupId, memberId))?.end();
  }

  /** All of them. */
  closeAll(): void {
    for (const session of [...this.#sessions.values()]) session.end();
  }

  /** A request names again what the session has where it acknowledges something there: that takes no room. */
  #hasRoom(added: TopicPartitions, session?: ShareSession): boolean {
    const { partitionsMax = SHARE_SESSION_PARTITIONS_MAX } = this.#options;
    let count = this.#partitions;
    for (const { size } of added.values()) count += size;
    if (count <= partitionsMax || session === undefined) return count <= partitionsMax;
    for (const [topicId, partitions] of added)
      for (const partition of partitions.keys()) if (session.has({ topicId, partition })) count -= 1;
    return count <= partitionsMax;
  }

  #end(session: ShareSession): void {
    this.#sessions.delete(nameOf(session.groupId, session.memberId));
    this.#partitions -= session.size;
    this.#options.ended(session);
  }
}

function nameOf(groupId: string, memberId: string): string {
  return JSON.stringify([groupId, memberId]);
}
