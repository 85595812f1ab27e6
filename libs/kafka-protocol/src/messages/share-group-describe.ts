import { array, bool, int16, int32, nullableString, string, struct, uuid } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** The state and members of share groups (KIP-932). */
export const shareGroupDescribeRequest = message({
  name: 'ShareGroupDescribeRequest',
  key: 77,
  versions: [1, 1],
  flexibleFrom: 0,
  fields: {
    groupIds: array(string()),
    includeAuthorizedOperations: bool(),
  },
});

/** What is known of each group. */
export const shareGroupDescribeResponse = message({
  name: 'ShareGroupDescribeResponse',
  key: 77,
  versions: [1, 1],
  flexibleFrom: 0,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    groups: array(
      struct({
        errorCode: int16(),
        errorMessage: nullableString({ default: null }),
        groupId: string(),
        /** `Empty`, `Stable` or `Dead`. */
        groupState: string(),
        /** Grows with every change of members, subscriptions and topics. */
        groupEpoch: int32(),
        /** The group epoch for which the assignment was made. */
        assignmentEpoch: int32(),
        assignorName: string(),
        members: array(
          struct({
            memberId: string(),
            rackId: nullableString({ default: null }),
            memberEpoch: int32(),
            clientId: string(),
            clientHost: string(),
            subscribedTopicNames: array(string()),
            /** What the member reads now; others may read the same. */
            assignment: struct({
              topicPartitions: array(
                struct({
                  topicId: uuid(),
                  topicName: string(),
                  partitions: array(int32()),
                }),
              ),
            }),
          }),
        ),
        /** Bit set of permitted operations; the smallest int32 where it was not asked for. */
        authorizedOperations: int32({ default: -0x8000_0000 }),
      }),
    ),
  },
});

export const shareGroupDescribeApi = api(shareGroupDescribeRequest, shareGroupDescribeResponse);
export type ShareGroupDescribeRequest = Of<typeof shareGroupDescribeRequest>;
export type ShareGroupDescribeResponse = Draft<typeof shareGroupDescribeResponse>;
