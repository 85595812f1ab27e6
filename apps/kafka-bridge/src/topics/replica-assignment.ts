import type { Bridge } from '../bridge.ts';

/**
 * Why partitions cannot be placed on these brokers, in Kafka's words; `undefined` where they could. Who leads a partition is
 * decided by all bridges together, so a good wish is taken and has no effect.
 */
export function refuseReplicas(
  assignments: readonly { readonly brokerIds: readonly number[] }[],
  { brokers }: Bridge,
): string | undefined {
  const known = new Set(brokers.brokers.map(({ nodeId }) => nodeId));
  for (const { brokerIds } of assignments) {
    if (brokerIds.length === 0) return 'The manual partition assignment includes an empty replica list.';
    const seen = new Set<number>();
    for (const brokerId of [...brokerIds].sort((a, b) => a - b)) {
      if (seen.has(brokerId)) return `The manual partition assignment includes the broker ${brokerId} more than once.`;
      if (!known.has(brokerId))
        return `The manual partition assignment includes broker ${brokerId}, but no such broker is registered.`;
      seen.add(brokerId);
    }
  }
  return undefined;
}
