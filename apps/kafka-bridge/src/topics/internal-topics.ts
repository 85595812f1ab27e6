import { isInternalStream } from '@tailrace/shard-core';

/** The topic in which Kafka keeps what is in the store here; nobody may make one of that name. */
export const CLUSTER_METADATA_TOPIC = '__cluster_metadata';
/** Where committed offsets and groups can be read (`groups/offsets-topic`). */
export const CONSUMER_OFFSETS_TOPIC = '__consumer_offsets';

/** Topics that Kafka's brokers write themselves; clients leave them out of their lists, and write nothing to them. */
export const isInternalTopic = isInternalStream;
