import type { Acks, AppendRequest } from '@tailrace/shard-core';

/**
 * What an acknowledgement means, as for Kafka (https://kafka.apache.org/documentation/#producerconfigs_acks):
 *
 * | asked by                   | answered when                      | too few copies                     | what is lost at a failover     |
 * |----------------------------|------------------------------------|------------------------------------|--------------------------------|
 * | Kafka `acks=0`             | nobody waits; it is written anyway | never refused                      | what the replicas had not yet  |
 * | Kafka `acks=1`             | the primary has it                 | never refused                      | what the replicas had not yet  |
 * | Kafka `acks=all` (−1)      | `min.insync.replicas` copies have  | notEnoughReplicas before, or       | nothing, while one of those    |
 * | PutRecord(s), REST         | it, the primary among them         | notEnoughReplicasAfterAppend after | copies takes over              |
 *
 * Whatever was asked, readers see a record only when `min.insync.replicas` copies have it: the high watermark stays below
 * it until then, so that nothing that was read can be taken back.
 */
export type AppendRequirement = Pick<AppendRequest, 'acks' | 'minInsyncReplicas' | 'timeoutMs'>;

/** How long PutRecord and REST wait for replicas; a Kafka producer says it itself (`request.timeout.ms`, default 30 s). */
export const REPLICATION_TIMEOUT_MS = 5_000;

/** Kafka's number for each level. */
const KAFKA_ACKS: ReadonlyMap<number, Acks> = new Map([
  [0, 'none'],
  [1, 'leader'],
  [-1, 'all'],
]);

/** What a Kafka producer's `acks` asks for; `undefined` for any other number, which is INVALID_REQUIRED_ACKS. */
export function acksOfKafka(acks: number): Acks | undefined {
  return KAFKA_ACKS.get(acks);
}

export interface ReplicationPolicy {
  /** `min.insync.replicas` of the stream; the deployment's where it sets none. */
  readonly minInsyncReplicas: number;
}

/** What an append of a Kafka producer needs. */
export function requirementOfProduce(
  acks: Acks,
  timeoutMs: number,
  { minInsyncReplicas }: ReplicationPolicy,
): AppendRequirement {
  // Kafka takes a negative timeout for "now".
  return { acks, minInsyncReplicas, timeoutMs: Math.max(0, timeoutMs) };
}

/** What PutRecord, PutRecords and REST need: they have no way to ask for less. */
export function requirementOfPut({ minInsyncReplicas }: ReplicationPolicy): AppendRequirement {
  return { acks: 'all', minInsyncReplicas, timeoutMs: REPLICATION_TIMEOUT_MS };
}
