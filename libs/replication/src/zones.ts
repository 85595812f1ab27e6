import type { Store, StoreHealth, StoreReplica } from '@tailrace/shard-core';

/** How replication stands, for health answers and operators. */
export interface ZoneView {
  /** The copies that count: the primary and the replicas in sync. */
  readonly copiesInSync: number;
  /** Whether `acks=all` appends with this `min.insync.replicas` are taken now. */
  readonly writable: boolean;
  readonly replicas: readonly StoreReplica[];
  /** One sentence for the operator. */
  readonly detail: string;
}

/** What the store says of its replicas, beside what a stream needs. An engine without replicas has one copy. */
export async function zoneView(store: Store, minInsyncReplicas: number): Promise<ZoneView> {
  return zonesOf(await store.health(), minInsyncReplicas);
}

/** The same, of a health answer that is there already. */
export function zonesOf(
  { ready, detail, replicas = [], copiesInSync = 1 }: StoreHealth,
  minInsyncReplicas: number,
): ZoneView {
  if (!ready) return { copiesInSync: 0, writable: false, replicas: [], detail };
  const lagging = replicas.filter(({ inSync }) => !inSync);
  const writable = copiesInSync >= minInsyncReplicas;
  const sentences = [detail];
  if (!writable) sentences.push(`copies in sync: ${copiesInSync}, needed: ${minInsyncReplicas}`);
  for (const { address, lagSeconds, lagBytes } of lagging) {
    sentences.push(`${address} is ${lagSeconds} s and ${lagBytes} bytes behind`);
  }
  return { copiesInSync, writable, replicas, detail: sentences.join('; ') };
}
