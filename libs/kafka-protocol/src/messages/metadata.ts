import { array, bool, int16, int32, nullableArray, nullableString, string, struct, uuid } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { ZERO_UUID } from '../codec/uuid.ts';
import { api } from '../headers.ts';

/** Which brokers there are, and who leads which partition of which topic. */
export const metadataRequest = message({
  name: 'MetadataRequest',
  key: 3,
  versions: [0, 13],
  flexibleFrom: 9,
  fields: {
    /** Null asks for all topics. In version 0 an empty list does. */
    topics: nullableArray(
      struct({
        /** Replaces the name where the version has it. */
        topicId: uuid({ since: 10, default: ZERO_UUID, ignorable: true }),
        /** Null where the id names the topic. */
        name: nullableString({ nullableSince: 10 }),
      }),
      { nullableSince: 1 },
    ),
    /** Whether a topic that does not exist may be created on the way. */
    allowAutoTopicCreation: bool({ since: 4, default: true }),
    includeClusterAuthorizedOperations: bool({ since: 8, until: 10, default: false }),
    includeTopicAuthorizedOperations: bool({ since: 8, default: false }),
  },
});

/** The view of the cluster by which clients find the broker for each partition. */
export const metadataResponse = message({
  name: 'MetadataResponse',
  key: 3,
  versions: [0, 13],
  flexibleFrom: 9,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32({ since: 3, default: 0, ignorable: true }),
    brokers: array(
      struct({
        nodeId: int32(),
        host: string(),
        port: int32(),
        /** In our words the zone. */
        rack: nullableString({ since: 1, default: null, ignorable: true }),
      }),
    ),
    clusterId: nullableString({ since: 2, default: null, ignorable: true }),
    /** The broker that admin requests go to. */
    controllerId: int32({ since: 1, default: -1, ignorable: true }),
    topics: array(
      struct({
        errorCode: int16(),
        /** Null where an id names no topic. */
        name: nullableString({ nullableSince: 12 }),
        /** Replaces the name where the version has it. */
        topicId: uuid({ since: 10, default: ZERO_UUID, ignorable: true }),
        /** Kept by the cluster for itself, such as `__consumer_offsets`. */
        isInternal: bool({ since: 1, default: false, ignorable: true }),
        partitions: array(
          struct({
            errorCode: int16(),
            partitionIndex: int32(),
            leaderId: int32(),
            /** Grows with every failover; clients drop older metadata by it. */
            leaderEpoch: int32({ since: 7, default: -1, ignorable: true }),
            replicaNodes: array(int32()),
            /** Replicas that are in sync. */
            isrNodes: array(int32()),
            /** Replicas that do not answer. */
            offlineReplicas: array(int32(), { since: 5, default: [], ignorable: true }),
          }),
        ),
        /** Bit set of permitted operations; the smallest int32 where it was not asked for. */
        topicAuthorizedOperations: int32({ since: 8, default: -0x8000_0000 }),
      }),
    ),
    /** Bit set of permitted operations; the smallest int32 where it was not asked for. */
    clusterAuthorizedOperations: int32({ since: 8, until: 10, default: -0x8000_0000 }),
    errorCode: int16({ since: 13, default: 0, ignorable: true }),
  },
});

export const metadataApi = api(metadataRequest, metadataResponse);
export type MetadataRequest = Of<typeof metadataRequest>;
export type MetadataResponse = Draft<typeof metadataResponse>;
