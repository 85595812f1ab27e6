import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { MalformedFrame } from '../codec/malformed-frame.ts';
import {
  type CoordinatorRecord,
  coordinatorRecordType,
  consumerGroupCurrentRecord,
  consumerGroupMemberMetadataRecord,
  consumerGroupMetadataRecord,
  consumerGroupTargetMetadataRecord,
  consumerGroupTargetRecord,
  decodeCoordinatorKey,
  decodeCoordinatorValue,
  encodeCoordinatorKey,
  encodeCoordinatorValue,
  groupMetadataRecord,
  offsetCommitRecord,
} from './index.ts';

const FIXTURE = join(import.meta.dirname, '..', '__fixtures__', 'consumer-offsets.jsonl');
const kinds: readonly CoordinatorRecord[] = [
  offsetCommitRecord,
  groupMetadataRecord,
  consumerGroupMetadataRecord,
  consumerGroupMemberMetadataRecord,
  consumerGroupTargetMetadataRecord,
  consumerGroupTargetRecord,
  consumerGroupCurrentRecord,
];
const kindOf = (key: Buffer) => kinds.find(({ type }) => type === coordinatorRecordType(key)) as CoordinatorRecord;

const recorded = readFileSync(FIXTURE, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as { partition: number; key: string; value: string | null })
  .map(({ key, value }) => ({
    key: Buffer.from(key, 'hex'),
    value: value === null ? null : Buffer.from(value, 'hex'),
  }));

describe('the records of a group coordinator', () => {
  it('are of every kind in what Apache Kafka wrote', () => {
    const types = new Set(recorded.map(({ key }) => coordinatorRecordType(key)));
    expect([...types].sort()).toEqual(kinds.map(({ type }) => type));
  });

  it('have keys that come out as Apache Kafka wrote them', () => {
    for (const { key } of recorded) {
      const kind = kindOf(key);
      expect(encodeCoordinatorKey(kind, decodeCoordinatorKey(kind, key))).toEqual(key);
    }
  });

  it('have values that come out as Apache Kafka wrote them', () => {
    for (const { key, value } of recorded) {
      // There, a member of the consumer protocol names in so many bytes that it has no metadata of the classic one.
      if (value === null || kindOf(key) === consumerGroupMemberMetadataRecord) continue;
      const again = encodeCoordinatorValue(
        kindOf(key),
        value.readInt16BE(0),
        decodeCoordinatorValue(kindOf(key), value),
      );
      expect(again).toEqual(value);
    }
  });

  it('say of a member what it said', () => {
    const members = recorded.filter(({ key, value }) => kindOf(key) === consumerGroupMemberMetadataRecord && value);
    expect(
      members.map(({ value }) => decodeCoordinatorValue(consumerGroupMemberMetadataRecord, value as Buffer)),
    ).toEqual(
      [['orders'], ['bills', 'orders']].map((subscribedTopicNames) => ({
        instanceId: null,
        rackId: null,
        clientId: 'conversation',
        clientHost: '/127.0.0.1',
        subscribedTopicNames,
        subscribedTopicRegex: '',
        rebalanceTimeoutMs: 30_000,
        serverAssignor: 'range',
        classicMemberMetadata: null,
      })),
    );
  });

  it('say of a member that came by the classic protocol what it supports', () => {
    const value = Buffer.from(
      '000000000d636f6e766572736174696f6e0b2f3132372e302e302e3102076f72646572730100004e20000100250100002710' +
        '020672616e67651700010000000100066f7264657273ffffffff000000000000',
      'hex',
    );
    const member = decodeCoordinatorValue(consumerGroupMemberMetadataRecord, value);
    expect(member.classicMemberMetadata).toEqual({
      sessionTimeoutMs: 10_000,
      supportedProtocols: [
        { name: 'range', metadata: Buffer.from('00010000000100066f7264657273ffffffff00000000', 'hex') },
      ],
    });
    expect(encodeCoordinatorValue(consumerGroupMemberMetadataRecord, 0, member)).toEqual(value);
  });

  it('are refused when they are cut off', () => {
    for (const { key, value } of recorded) {
      const kind = kindOf(key);
      const cutKeys = cuts(key).map((cut) => refusalOf(() => decodeCoordinatorKey(kind, cut)));
      const cutValues = cuts(value).map((cut) => refusalOf(() => decodeCoordinatorValue(kind, cut)));
      expect(new Set([...cutKeys, ...cutValues])).toEqual(new Set(['MalformedFrame']));
    }
  });
});

/** All that has its version and is not whole. */
function cuts(bytes: Buffer | null): Buffer[] {
  return Array.from({ length: (bytes?.length ?? 2) - 2 }, (_, i) => (bytes as Buffer).subarray(0, i + 2));
}

function refusalOf(decode: () => unknown): string {
  try {
    decode();
    return 'nothing is wrong';
  } catch (error) {
    return error instanceof MalformedFrame ? 'MalformedFrame' : String(error);
  }
}
