import { array, int16, int32, int64, nullableArray, nullableString, string, struct, uuid } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** How far share groups (KIP-932) are. */
export const describeShareGroupOffsetsRequest = message({
  name: 'DescribeShareGroupOffsetsRequest',
  key: 90,
  versions: [0, 1],
  flexibleFrom: 0,
  fields: {
    groups: array(
      struct({
        groupId: string(),
        /** Null asks for all. */
        topics: nullableArray(
          struct({
            topicName: string(),
            partitions: array(int32()),
          }),
        ),
      }),
    ),
  },
});

/** Where each share-partition begins, and how many records are left. */
export const describeShareGroupOffsetsResponse = message({
  name: 'DescribeShareGroupOffsetsResponse',
  key: 90,
  versions: [0, 1],
  flexibleFrom: 0,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    groups: array(
      struct({
        groupId: string(),
        topics: array(
          struct({
            topicName: string(),
            topicId: uuid(),
            partitions: array(
              struct({
                partitionIndex: int32(),
                /** The first record that is not done; -1 where the group has none yet. */
                startOffset: int64(),
                leaderEpoch: int32(),
                /** Records from there to the end that are not done (KIP-1226); -1: not known. */
                lag: int64({ since: 1, default: -1n, ignorable: true }),
                errorCode: int16(),
                errorMessage: nullableString({ default: null }),
              }),
            ),
          }),
        ),
        errorCode: int16(),
        errorMessage: nullableString({ default: null }),
      }),
    ),
  },
});

export const describeShareGroupOffsetsApi = api(describeShareGroupOffsetsRequest, describeShareGroupOffsetsResponse);
export type DescribeShareGroupOffsetsRequest = Of<typeof describeShareGroupOffsetsRequest>;
export type DescribeShareGroupOffsetsResponse = Draft<typeof describeShareGroupOffsetsResponse>;
