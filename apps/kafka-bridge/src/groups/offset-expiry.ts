import type { StoredOffset } from './offset-store.ts';

/** What decides how long a group's offsets are kept. */
export interface ExpiringGroup {
  readonly hasMembers: boolean;
  /** When the last member went; `undefined` where there never was one. */
  readonly emptySinceMs: number | undefined;
  /** `consumer`: what its members subscribe to is known. */
  readonly isOfConsumers: boolean;
  subscribesTo(topic: string): boolean;
}

/**
 * Whether an offset has had its time (KIP-211): of a group without members, so long after the last one went or the last
 * commit; of consumers, of topics to which none of them subscribes, so long after the last commit; of other groups with
 * members never. A time that the client gave with its commit counts instead.
 */
export function hasExpired(
  { topic, committed }: Pick<StoredOffset, 'topic' | 'committed'>,
  group: ExpiringGroup,
  nowMs: number,
  retentionMs: number,
): boolean {
  if (group.hasMembers && (!group.isOfConsumers || group.subscribesTo(topic))) return false;
  if (committed.expiresAtMs !== undefined) return nowMs >= committed.expiresAtMs;
  const sinceMs = group.hasMembers
    ? committed.committedAtMs
    : Math.max(committed.committedAtMs, group.emptySinceMs ?? 0);
  return nowMs >= sinceMs + retentionMs;
}
