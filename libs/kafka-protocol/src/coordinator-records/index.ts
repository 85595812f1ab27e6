export {
  coordinatorRecord,
  type CoordinatorRecord,
  coordinatorRecordType,
  decodeCoordinatorKey,
  decodeCoordinatorValue,
  encodeCoordinatorKey,
  encodeCoordinatorValue,
} from './coordinator-record.ts';
export { EXPIRING_OFFSET_VERSION, OFFSET_VERSION, offsetCommitRecord } from './offset-commit-record.ts';
export { GROUP_METADATA_VERSION, groupMetadataRecord } from './group-metadata-record.ts';
export {
  CONSUMER_GROUP_VERSION,
  consumerGroupCurrentRecord,
  consumerGroupMemberMetadataRecord,
  consumerGroupMetadataRecord,
  consumerGroupTargetMetadataRecord,
  consumerGroupTargetRecord,
} from './consumer-group-records.ts';
