import { array, bool, int16, int32, int8, nullableString, string, struct, uuid } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** The state and members of consumer groups (KIP-848). */
export const consumerGroupDescribeRequest = message({
  name: 'ConsumerGroupDescribeRequest',
  key: 69,
  versions: [0, 1],
  flexibleFrom: 0,
  fields: {
    groupIds: array(string()),
    includeAuthorizedOperations: bool(),
  },
});

const assignment = () =>
  struct({
    topicPartitions: array(
      struct({
        topicId: uuid(),
        topicName: string(),
        partitions: array(int32()),
      }),
    ),
  });

/** What is known of each group. */
export const consumerGroupDescribeResponse = message({
  name: 'ConsumerGroupDescribeResponse',
  key: 69,
  versions: [0, 1],
  flexibleFrom: 0,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    groups: array(
      struct({
        errorCode: int16(),
        errorMessage: nullableString({ default: null }),
        groupId: string(),
        /** `Empty`, `Assigning`, `Reconciling`, `Stable` or `Dead`. */
        groupState: string(),
        /** Grows with every change of members, subscriptions and topics. */
        groupEpoch: int32(),
        /** The group epoch for which the target assignment was made. */
        assignmentEpoch: int32(),
        assignorName: string(),
        members: array(
          struct({
            memberId: string(),
            instanceId: nullableString({ default: null }),
            rackId: nullableString({ default: null }),
            memberEpoch: int32(),
            clientId: string(),
            clientHost: string(),
            subscribedTopicNames: array(string()),
            subscribedTopicRegex: nullableString({ default: null }),
            /** What the member may read now. */
            assignment: assignment(),
            /** What it will read when all members are where they shall be. */
            targetAssignment: assignment(),
            /** 0: it speaks the classic protocol, 1: the consumer protocol, -1: unknown. */
            memberType: int8({ since: 1, default: -1, ignorable: true }),
          }),
        ),
        /** Bit set of permitted operations; the smallest int32 where it was not asked for. */
        authorizedOperations: int32({ default: -0x8000_0000 }),
      }),
    ),
  },
});

export const consumerGroupDescribeApi = api(consumerGroupDescribeRequest, consumerGroupDescribeResponse);
export type ConsumerGroupDescribeRequest = Of<typeof consumerGroupDescribeRequest>;
export type ConsumerGroupDescribeResponse = Draft<typeof consumerGroupDescribeResponse>;
