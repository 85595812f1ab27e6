import { describe, expect, it } from '@jest/globals';
import { consumerProtocolAssignment, consumerProtocolSubscription, encode } from '@tailrace/kafka-protocol';
import { toClassicGroup, toConsumerGroup } from './group-conversion.ts';
import type { GroupDocument } from './group-document.ts';

const topics = {
  find: (name: string) => (name === 't' ? { name, topicId: 'id-t', partitionCount: 4 } : undefined),
  nameOf: (topicId: string) => (topicId === 'id-t' ? 't' : undefined),
};

function base64(version: number, chunks: readonly Buffer[]): string {
  return Buffer.concat([Buffer.from([0, version]), ...chunks]).toString('base64');
}

const metadata = base64(1, encode(consumerProtocolSubscription, 1, { topics: ['t', 't', 'a'] }));

function assigned(userData: Buffer | null = null): string {
  const assignedPartitions = [
    { topic: 't', partitions: [1, 2] },
    { topic: 'gone', partitions: [0] },
  ];
  return base64(1, encode(consumerProtocolAssignment, 1, { assignedPartitions, userData }));
}

function group(more: Partial<GroupDocument> = {}, assignment = assigned(), protocolMetadata = metadata): GroupDocument {
  return {
    generation: 5,
    protocolType: 'consumer',
    protocolName: 'range',
    leaderId: 'm',
    members: [
      {
        memberId: 'm',
        instanceId: 'i',
        clientId: 'c',
        clientHost: 'h',
        sessionTimeoutMs: 10,
        rebalanceTimeoutMs: 20,
        protocols: [{ name: 'range', metadata: protocolMetadata }],
        assignment,
      },
    ],
    ...more,
  };
}

describe('a classic group', () => {
  it('is a consumer group whose members read what they have read', () => {
    expect(toConsumerGroup(group(), topics)).toEqual({
      kind: 'consumer',
      groupEpoch: 5,
      assignmentEpoch: 5,
      assignor: 'range',
      topicsStamp: '',
      emptySinceMs: null,
      members: [
        {
          memberId: 'm',
          instanceId: 'i',
          rackId: null,
          clientId: 'c',
          clientHost: 'h',
          rebalanceTimeoutMs: 20,
          topicNames: ['a', 't'],
          topicRegex: '',
          serverAssignor: null,
          memberEpoch: 5,
          previousMemberEpoch: 5,
          state: 'stable',
          assigned: { 'id-t': '1-2@5' },
          revoking: {},
          target: { 'id-t': '1-2@5' },
          classic: { sessionTimeoutMs: 10, protocols: [{ name: 'range', metadata }] },
        },
      ],
    });
  });

  it.each<[string, GroupDocument, boolean]>([
    ['without members', group({ members: [], protocolType: null, protocolName: null }), true],
    ['without members, of another kind before', group({ members: [], protocolType: 'connect' }), true],
    ['of members that have no assignment yet', group({}, ''), true],
    ['of another kind', group({ protocolType: 'connect' }), false],
    ['of members that say nothing of their topics', group({}, assigned(), 'AA=='), false],
    ['with an assignment that is none', group({}, 'AAEBAQ=='), false],
    ['with data of a common assignor', group({ protocolName: 'cooperative-sticky' }, assigned(Buffer.from('x'))), true],
    ['with data of an assignor of its own', group({ protocolName: 'mine' }, assigned(Buffer.from('x'))), false],
  ])('%s becomes a consumer group, or not', (_, document, expected) => {
    expect(toConsumerGroup(document, topics) !== undefined).toBe(expected);
  });
});

describe('a consumer group', () => {
  it('is a classic group again, in the generation that its members are in', () => {
    const consumer = toConsumerGroup(group(), topics);
    if (consumer === undefined) throw new Error('no consumer group');
    const classic = toClassicGroup({ ...consumer, groupEpoch: 6 }, topics);
    const assignedPartitions = [{ topic: 't', partitions: [1, 2] }];
    const assignment = base64(1, encode(consumerProtocolAssignment, 1, { assignedPartitions }));
    expect(classic).toEqual(group({}, assignment));
  });

  it('counts on behind all its epochs when it is empty', () => {
    const empty = { kind: 'consumer', groupEpoch: 6, assignmentEpoch: 5, assignor: 'uniform', topicsStamp: '', emptySinceMs: 7, members: [] } as const; // prettier-ignore
    expect(toClassicGroup(empty, topics)).toEqual({
      generation: 6,
      protocolType: 'consumer',
      protocolName: null,
      leaderId: null,
      emptySinceMs: 7,
      members: [],
    });
  });
});
