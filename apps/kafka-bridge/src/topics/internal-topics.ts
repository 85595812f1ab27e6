/** The topic in which Kafka keeps what is in the store here; nobody may make one of that name. */
export const CLUSTER_METADATA_TOPIC = '__cluster_metadata';

/** Topics that Kafka's brokers write themselves; clients leave them out of their lists. */
const INTERNAL_TOPICS: ReadonlySet<string> = new Set(['__consumer_offsets', '__transaction_state']);

export function isInternalTopic(name: string): boolean {
  return INTERNAL_TOPICS.has(name);
}
