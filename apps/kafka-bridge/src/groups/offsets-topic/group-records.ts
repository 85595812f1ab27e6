import {
  CONSUMER_GROUP_VERSION,
  consumerGroupCurrentRecord,
  consumerGroupMemberMetadataRecord,
  consumerGroupMetadataRecord,
  consumerGroupTargetMetadataRecord,
  consumerGroupTargetRecord,
  encodeCoordinatorKey,
  encodeCoordinatorValue,
  EXPIRING_OFFSET_VERSION,
  GROUP_METADATA_VERSION,
  groupMetadataRecord,
  OFFSET_VERSION,
  offsetCommitRecord,
} from '@tailrace/kafka-protocol';
import type { CommittedOffset } from '@tailrace/shard-core';
import {
  type ConsumerGroupDocument,
  type ConsumerMemberDocument,
  parseEpochedPartitions,
  parsePartitionSets,
} from '../consumer-group-document.ts';
import type { AnyGroupDocument, GroupDocument, GroupMemberDocument } from '../group-document.ts';
import type { MemberState } from '../reconciliation.ts';
import { partitionLists, type PartitionSets } from '../topic-partitions.ts';
import type { OffsetsRecord } from './offsets-record.ts';

const STATE_CODES = { stable: 0, unrevoked: 1, unreleased: 2 } as const satisfies Record<MemberState, number>;
const NO_BYTES = Buffer.alloc(0);

/** Where a group's offset for one partition stands in the topic. */
export function offsetKey(group: string, topic: string, partition: number): Buffer {
  return encodeCoordinatorKey(offsetCommitRecord, { group, topic, partition });
}

/** Where a classic group itself stands. */
export function groupKey(group: string): Buffer {
  return encodeCoordinatorKey(groupMetadataRecord, { group });
}

/** An offset, in the version in which Kafka's coordinator writes it. */
export function offsetValue({ offset, leaderEpoch, metadata, topicId, committedAtMs, expiresAtMs }: CommittedOffset) {
  const common = { offset, metadata, commitTimestamp: BigInt(committedAtMs) };
  return expiresAtMs === undefined
    ? encodeCoordinatorValue(offsetCommitRecord, OFFSET_VERSION, { ...common, leaderEpoch, topicId })
    : encodeCoordinatorValue(offsetCommitRecord, EXPIRING_OFFSET_VERSION, {
        ...common,
        expireTimestamp: BigInt(expiresAtMs),
      });
}

/** All that stands in the topic of a group itself, without its offsets. */
export function groupRecords(groupId: string, document: AnyGroupDocument | undefined): readonly OffsetsRecord[] {
  if (document === undefined) return [];
  if (document.kind === 'consumer') return consumerRecords(groupId, document);
  // Share groups commit no offsets, and are not among what the topic shows.
  if (document.kind === 'share') return [];
  // Made known because it has offsets: nobody has ever been in it, and Kafka writes nothing of it.
  if (document.generation === 0 && document.members.length === 0 && document.protocolType === null) return [];
  return [classicRecord(groupId, document)];
}

function classicRecord(group: string, document: GroupDocument): OffsetsRecord {
  const { protocolType, generation, protocolName, leaderId, stateSinceMs, emptySinceMs, members } = document;
  return {
    key: groupKey(group),
    value: encodeCoordinatorValue(groupMetadataRecord, GROUP_METADATA_VERSION, {
      protocolType: protocolType ?? '',
      generation,
      protocol: protocolName,
      leader: leaderId,
      currentStateTimestamp: BigInt(emptySinceMs ?? stateSinceMs ?? -1),
      members: members.map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.instanceId,
        clientId: member.clientId,
        clientHost: `/${member.clientHost}`,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: member.sessionTimeoutMs,
        subscription: subscriptionOf(member, protocolName),
        assignment: Buffer.from(member.assignment, 'base64'),
      })),
    }),
  };
}

function subscriptionOf({ protocols }: GroupMemberDocument, protocolName: string | null): Buffer {
  const chosen = protocols.find(({ name }) => name === protocolName);
  return chosen === undefined ? NO_BYTES : Buffer.from(chosen.metadata, 'base64');
}

function consumerRecords(groupId: string, document: ConsumerGroupDocument): OffsetsRecord[] {
  const { groupEpoch, assignmentEpoch, members } = document;
  const version = CONSUMER_GROUP_VERSION;
  return [
    // A member before the group's epoch, as Kafka orders them: whoever reads along knows who is meant.
    ...members.map((member) => ({
      key: encodeCoordinatorKey(consumerGroupMemberMetadataRecord, { groupId, memberId: member.memberId }),
      value: memberMetadata(member),
    })),
    {
      key: encodeCoordinatorKey(consumerGroupMetadataRecord, { groupId }),
      value: encodeCoordinatorValue(consumerGroupMetadataRecord, version, { epoch: groupEpoch }),
    },
    ...members.map(({ memberId, target }) => ({
      key: encodeCoordinatorKey(consumerGroupTargetRecord, { groupId, memberId }),
      value: encodeCoordinatorValue(consumerGroupTargetRecord, version, {
        topicPartitions: partitionLists(parsePartitionSets(target)),
      }),
    })),
    {
      key: encodeCoordinatorKey(consumerGroupTargetMetadataRecord, { groupId }),
      value: encodeCoordinatorValue(consumerGroupTargetMetadataRecord, version, { assignmentEpoch }),
    },
    ...members.map((member) => ({
      key: encodeCoordinatorKey(consumerGroupCurrentRecord, { groupId, memberId: member.memberId }),
      value: currentAssignment(member),
    })),
  ];
}

function memberMetadata(member: ConsumerMemberDocument): Buffer {
  const { instanceId, rackId, clientId, clientHost, topicNames, topicRegex, rebalanceTimeoutMs, serverAssignor } =
    member;
  const { classic } = member;
  return encodeCoordinatorValue(consumerGroupMemberMetadataRecord, CONSUMER_GROUP_VERSION, {
    instanceId,
    rackId,
    clientId,
    clientHost: `/${clientHost}`,
    subscribedTopicNames: topicNames,
    subscribedTopicRegex: topicRegex,
    rebalanceTimeoutMs,
    serverAssignor,
    classicMemberMetadata: classic && {
      sessionTimeoutMs: classic.sessionTimeoutMs,
      supportedProtocols: classic.protocols.map(({ name, metadata }) => ({
        name,
        metadata: Buffer.from(metadata, 'base64'),
      })),
    },
  });
}

function currentAssignment({ memberEpoch, previousMemberEpoch, state, assigned, revoking }: ConsumerMemberDocument) {
  const epoched = parseEpochedPartitions(assigned);
  return encodeCoordinatorValue(consumerGroupCurrentRecord, CONSUMER_GROUP_VERSION, {
    memberEpoch,
    previousMemberEpoch,
    state: STATE_CODES[state],
    assignedPartitions: partitionLists(epoched).map(({ topicId, partitions }) => ({
      topicId,
      partitions,
      assignmentEpochs: partitions.map((partition) => epoched.get(topicId)?.get(partition) ?? 0),
    })),
    partitionsPendingRevocation: withoutEpochs(parsePartitionSets(revoking)),
  });
}

function withoutEpochs(partitions: PartitionSets) {
  return partitionLists(partitions).map((one) => ({ ...one, assignmentEpochs: null }));
}
