import { createHash } from 'node:crypto';
import {
  consumerGroupCurrentRecord,
  consumerGroupMemberMetadataRecord,
  consumerGroupMetadataRecord,
  consumerGroupTargetMetadataRecord,
  consumerGroupTargetRecord,
  type CoordinatorRecord,
  coordinatorRecordType,
  decodeCoordinatorKey,
  groupMetadataRecord,
  MalformedFrame,
  type Of,
  offsetCommitRecord,
} from '@tailrace/kafka-protocol';

/** A key of the offsets topic with its newest value; `null`: what it stood for is gone. */
export interface OffsetsRecord {
  readonly key: Buffer;
  readonly value: Buffer | null;
}

/** What one group has in the topic: by key (`keyText`), a digest of the newest value. */
export type GroupRecords = Map<string, string>;

/** A key as text that can be looked up. */
export function keyText(key: Buffer): string {
  return key.toString('latin1');
}

export function keyOfText(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** Tells values apart without keeping them. */
export function digestOf(value: Buffer): string {
  return createHash('md5').update(value).digest('latin1');
}

const groupOf = {
  [offsetCommitRecord.type]: groupNamed(offsetCommitRecord, ({ group }) => group),
  [groupMetadataRecord.type]: groupNamed(groupMetadataRecord, ({ group }) => group),
  [consumerGroupMetadataRecord.type]: groupNamed(consumerGroupMetadataRecord, ({ groupId }) => groupId),
  [consumerGroupMemberMetadataRecord.type]: groupNamed(consumerGroupMemberMetadataRecord, ({ groupId }) => groupId),
  [consumerGroupTargetMetadataRecord.type]: groupNamed(consumerGroupTargetMetadataRecord, ({ groupId }) => groupId),
  [consumerGroupTargetRecord.type]: groupNamed(consumerGroupTargetRecord, ({ groupId }) => groupId),
  [consumerGroupCurrentRecord.type]: groupNamed(consumerGroupCurrentRecord, ({ groupId }) => groupId),
};

/** The group that a key is of; `undefined` of a kind that is not written here. */
export function groupIdOfKey(key: Buffer): string | undefined {
  const type = coordinatorRecordType(key);
  try {
    return type === undefined ? undefined : groupOf[type]?.(key);
  } catch (error) {
    if (error instanceof MalformedFrame) return undefined;
    throw error;
  }
}

export function isOffsetKey(key: Buffer): boolean {
  return coordinatorRecordType(key) === offsetCommitRecord.type;
}

function groupNamed<R extends CoordinatorRecord>(record: R, groupId: (key: Of<R['key']>) => string) {
  return (key: Buffer): string => groupId(decodeCoordinatorKey(record, key) as Of<R['key']>);
}
