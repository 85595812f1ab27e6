import { randomInt } from 'node:crypto';
import { type ErrorCode, errorCodes, type FetchRequest } from '@tailrace/kafka-protocol';
import { FetchSession, fetchTarget, type FetchTarget } from './fetch-session.ts';

/** Sessions kept at once, as in Kafka (max.incremental.fetch.session.cache.slots). */
export const FETCH_SESSIONS_MAX = 1_000;
/** Partitions in all sessions together. */
export const FETCH_SESSION_PARTITIONS_MAX = 200_000;
/** A session that was not used for so long gives its place to a new one. */
export const FETCH_SESSION_EVICTION_MS = 120_000;

const SESSION_ID_MAX = 2 ** 31 - 1;
/** Epochs with a meaning of their own: open a session; do without, and close the one named. */
const INITIAL_EPOCH = 0;
const FINAL_EPOCH = -1;
const TOPIC_ID_SINCE = 13;

/** What a Fetch request asks for, with the session it belongs to. */
export type FetchPlan =
  | { readonly ok: false; readonly errorCode: ErrorCode }
  | {
      readonly ok: true;
      readonly targets: readonly FetchTarget[];
      readonly session: FetchSession | undefined;
      /** Only partitions with news are in the answer. */
      readonly incremental: boolean;
    };

/** The sessions of all clients of this bridge. They live in memory: a client whose session is gone begins a new one. */
export class FetchSessionCache {
  /** In order of last use, the longest unused first. */
  readonly #sessions = new Map<number, FetchSession>();
  readonly #clock: () => number;
  #partitions = 0;

  constructor(clock: () => number = Date.now) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Refuses: FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH, FETCH_SESSION_TOPIC_ID_ERROR. */
  plan(request: FetchRequest, version: number): FetchPlan {
    const { sessionId, sessionEpoch } = request;
    const usesTopicIds = version >= TOPIC_ID_SINCE;
    if (sessionEpoch === FINAL_EPOCH || sessionEpoch === INITIAL_EPOCH) {
      if (sessionId !== 0) this.#remove(sessionId);
      const session = sessionEpoch === INITIAL_EPOCH ? this.#open(request, usesTopicIds) : undefined;
      if (session !== undefined) return { ok: true, targets: session.targets, session, incremental: false };
      return { ok: true, targets: targetsOf(request), session: undefined, incremental: false };
    }
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return { ok: false, errorCode: errorCodes.FETCH_SESSION_ID_NOT_FOUND };
    if (session.epoch !== sessionEpoch) return { ok: false, errorCode: errorCodes.INVALID_FETCH_SESSION_EPOCH };
    if (session.usesTopicIds !== usesTopicIds) return { ok: false, errorCode: errorCodes.FETCH_SESSION_TOPIC_ID_ERROR };
    const sizeBefore = session.size;
    session.update(request);
    this.#partitions += session.size - sizeBefore;
    session.advance(this.#clock());
    this.#sessions.delete(sessionId);
    this.#sessions.set(sessionId, session);
    if (this.#partitions > FETCH_SESSION_PARTITIONS_MAX && session.size > sizeBefore) {
      const { targets } = session;
      this.#remove(sessionId);
      return { ok: true, targets, session: undefined, incremental: false };
    }
    return { ok: true, targets: session.targets, session, incremental: true };
  }

  #open(request: FetchRequest, usesTopicIds: boolean): FetchSession | undefined {
    if (request.topics.length === 0) return undefined;
    const now = this.#clock();
    let added = 0;
    for (const { partitions } of request.topics) added += partitions.length;
    while (this.#sessions.size >= FETCH_SESSIONS_MAX || this.#partitions + added > FETCH_SESSION_PARTITIONS_MAX) {
      const [oldest] = this.#sessions.values();
      if (oldest === undefined || now - oldest.lastUsedMs < FETCH_SESSION_EVICTION_MS) return undefined;
      this.#remove(oldest.id);
    }
    let id: number;
    do id = randomInt(1, SESSION_ID_MAX);
    while (this.#sessions.has(id));
    const session = new FetchSession(id, usesTopicIds, now);
    session.update({ topics: request.topics, forgottenTopicsData: [] });
    this.#sessions.set(id, session);
    this.#partitions += session.size;
    return session;
  }

  #remove(sessionId: number): void {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return;
    this.#sessions.delete(sessionId);
    this.#partitions -= session.size;
  }
}

function targetsOf({ topics }: FetchRequest): FetchTarget[] {
  const targets: FetchTarget[] = [];
  for (const topic of topics) for (const partition of topic.partitions) targets.push(fetchTarget(topic, partition));
  return targets;
}
