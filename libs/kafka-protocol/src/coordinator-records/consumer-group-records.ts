import {
  array,
  bytes,
  int32,
  int64,
  int8,
  nullableArray,
  nullableString,
  nullableStruct,
  string,
  struct,
  uuid,
} from '../codec/field.ts';
import { message } from '../codec/message.ts';
import { coordinatorRecord } from './coordinator-record.ts';

/** The version of all that is written of consumer groups (KIP-848). */
export const CONSUMER_GROUP_VERSION = 0;

const groupKey = { groupId: string() };
const memberKey = { groupId: string(), memberId: string() };

/** That there is a consumer group, and in which epoch. */
export const consumerGroupMetadataRecord = coordinatorRecord(
  3,
  message({ name: 'ConsumerGroupMetadataKey', versions: [0, 0], fields: groupKey }),
  message({
    name: 'ConsumerGroupMetadataValue',
    versions: [0, 0],
    flexibleFrom: 0,
    fields: {
      epoch: int32(),
      /** Of the topics that it reads; the coordinator's own matter. */
      metadataHash: int64({ tag: 0, default: 0n }),
    },
  }),
);

/** What a member said of itself. */
export const consumerGroupMemberMetadataRecord = coordinatorRecord(
  5,
  message({ name: 'ConsumerGroupMemberMetadataKey', versions: [0, 0], fields: memberKey }),
  message({
    name: 'ConsumerGroupMemberMetadataValue',
    versions: [0, 0],
    flexibleFrom: 0,
    fields: {
      instanceId: nullableString(),
      rackId: nullableString(),
      clientId: string(),
      clientHost: string(),
      subscribedTopicNames: array(string()),
      subscribedTopicRegex: nullableString(),
      rebalanceTimeoutMs: int32({ default: -1 }),
      serverAssignor: nullableString(),
      /** Of a member that speaks the classic protocol. */
      classicMemberMetadata: nullableStruct(
        {
          sessionTimeoutMs: int32(),
          supportedProtocols: array(struct({ name: string(), metadata: bytes() })),
        },
        { tag: 0, default: null },
      ),
    },
  }),
);

/** The group epoch for which the members' targets were made. */
export const consumerGroupTargetMetadataRecord = coordinatorRecord(
  6,
  message({ name: 'ConsumerGroupTargetAssignmentMetadataKey', versions: [0, 0], fields: groupKey }),
  message({
    name: 'ConsumerGroupTargetAssignmentMetadataValue',
    versions: [0, 0],
    flexibleFrom: 0,
    fields: {
      assignmentEpoch: int32(),
      /** When they were made, in milliseconds since 1970. */
      assignmentTimestamp: int64({ tag: 0, default: 0n, ignorable: true }),
    },
  }),
);

/** What a member shall have. */
export const consumerGroupTargetRecord = coordinatorRecord(
  7,
  message({ name: 'ConsumerGroupTargetAssignmentMemberKey', versions: [0, 0], fields: memberKey }),
  message({
    name: 'ConsumerGroupTargetAssignmentMemberValue',
    versions: [0, 0],
    flexibleFrom: 0,
    fields: {
      topicPartitions: array(struct({ topicId: uuid(), partitions: array(int32()) })),
    },
  }),
);

const ownedPartitions = () =>
  array(
    struct({
      topicId: uuid(),
      partitions: array(int32()),
      /** The member epoch in which it got each of them. */
      assignmentEpochs: nullableArray(int32(), { tag: 0, default: null }),
    }),
  );

/** What a member has. */
export const consumerGroupCurrentRecord = coordinatorRecord(
  8,
  message({ name: 'ConsumerGroupCurrentMemberAssignmentKey', versions: [0, 0], fields: memberKey }),
  message({
    name: 'ConsumerGroupCurrentMemberAssignmentValue',
    versions: [0, 0],
    flexibleFrom: 0,
    fields: {
      memberEpoch: int32(),
      previousMemberEpoch: int32(),
      /** 0 stable, 1 it has to give back first, 2 it waits for what others give back. */
      state: int8(),
      assignedPartitions: ownedPartitions(),
      partitionsPendingRevocation: ownedPartitions(),
    },
  }),
);
