import { array, bool, int16, int32, nullableArray, nullableString, nullableStruct, string, struct, uuid } from '../codec/field.ts'; // prettier-ignore
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Topics and their partitions, page by page, in the order of their names. */
export const describeTopicPartitionsRequest = message({
  name: 'DescribeTopicPartitionsRequest',
  key: 75,
  versions: [0, 0],
  flexibleFrom: 0,
  fields: {
    /** None asks for all. */
    topics: array(struct({ name: string() })),
    /** How many partitions an answer may have in all. */
    responsePartitionLimit: int32({ default: 2000 }),
    /** Where the last page ended; null asks from the beginning. */
    cursor: nullableStruct(
      {
        topicName: string(),
        partitionIndex: int32(),
      },
      { default: null },
    ),
  },
});

/** One page. */
export const describeTopicPartitionsResponse = message({
  name: 'DescribeTopicPartitionsResponse',
  key: 75,
  versions: [0, 0],
  flexibleFrom: 0,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32({ ignorable: true }),
    topics: array(
      struct({
        errorCode: int16(),
        name: nullableString(),
        topicId: uuid({ ignorable: true }),
        isInternal: bool({ default: false, ignorable: true }),
        partitions: array(
          struct({
            errorCode: int16(),
            partitionIndex: int32(),
            leaderId: int32(),
            leaderEpoch: int32({ default: -1, ignorable: true }),
            replicaNodes: array(int32()),
            isrNodes: array(int32()),
            /** Replicas that have everything and have fallen out of the ISR (KIP-966). */
            eligibleLeaderReplicas: nullableArray(int32(), { default: null }),
            lastKnownElr: nullableArray(int32(), { default: null }),
            offlineReplicas: array(int32(), { ignorable: true }),
          }),
        ),
        /** Bit set of permitted operations; the smallest int32 where it is not told. */
        topicAuthorizedOperations: int32({ default: -0x8000_0000 }),
      }),
    ),
    /** Where the next page begins; null at the end. */
    nextCursor: nullableStruct(
      {
        topicName: string(),
        partitionIndex: int32(),
      },
      { default: null },
    ),
  },
});

export const describeTopicPartitionsApi = api(describeTopicPartitionsRequest, describeTopicPartitionsResponse);
export type DescribeTopicPartitionsRequest = Of<typeof describeTopicPartitionsRequest>;
export type DescribeTopicPartitionsResponse = Draft<typeof describeTopicPartitionsResponse>;
