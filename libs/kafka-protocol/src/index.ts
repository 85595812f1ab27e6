export { decode, encode } from './codec/codec.ts';
export { type Field, type RecordsGiven, type UnknownTag } from './codec/field.ts';
export { MalformedFrame, UnsupportedField } from './codec/malformed-frame.ts';
export { type Draft, isFlexible, type Message, type Of } from './codec/message.ts';
export { ZERO_UUID } from './codec/uuid.ts';
export {
  type Api,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  readRequestBody,
  readRequestHeader,
  type RequestHeader,
  responseHeaderVersion,
} from './headers.ts';
export { type ErrorCode, errorCodes, errorName, type ErrorName, retriableErrors } from './error-codes.ts';
export {
  BATCH_HEADER_BYTES,
  BATCH_PREFIX_BYTES,
  type BatchCheck,
  type BatchHeader,
  type BatchRefusal,
  batchSizeAt,
  checkBatch,
  checkStoredBatch,
  deleteHorizonMsOf,
  NO_PRODUCER_ID,
  patchBaseOffset,
  patchLeaderEpoch,
  readBatchHeader,
} from './records/batch-header.ts';
export { CorruptBatch } from './records/corrupt-batch.ts';
export {
  BatchRecord,
  decodeBatch,
  type DecodeLimits,
  type RecordSpan,
  type RecordVisitor,
  scanRecords,
  visitSpans,
} from './records/decode-batch.ts';
export { type BatchFilter, filterBatch } from './records/filter-batch.ts';
export { type BatchRewrite, rewriteBatch } from './records/rewrite-batch.ts';
export {
  type BatchOptions,
  encodeBatch,
  encodeEndTransactionMarker,
  type RecordDraft,
  type RecordHeader,
} from './records/encode-batch.ts';
export { type EndTransactionMarker, readEndTransactionMarker } from './records/end-transaction-marker.ts';
export { compress, type Compression, COMPRESSIONS, decompress } from './compression/compression.ts';
export { CorruptCompression, UncompressedTooLarge } from './compression/errors.ts';
export { apis, apisByKey } from './messages/index.ts';
export {
  produceApi,
  produceRequest,
  type ProduceRequest,
  produceResponse,
  type ProduceResponse,
} from './messages/produce.ts';
export { fetchApi, fetchRequest, type FetchRequest, fetchResponse, type FetchResponse } from './messages/fetch.ts';
export {
  listOffsetsApi,
  listOffsetsRequest,
  type ListOffsetsRequest,
  listOffsetsResponse,
  type ListOffsetsResponse,
} from './messages/list-offsets.ts';
export {
  metadataApi,
  metadataRequest,
  type MetadataRequest,
  metadataResponse,
  type MetadataResponse,
} from './messages/metadata.ts';
export {
  offsetCommitApi,
  offsetCommitRequest,
  type OffsetCommitRequest,
  offsetCommitResponse,
  type OffsetCommitResponse,
} from './messages/offset-commit.ts';
export {
  offsetFetchApi,
  offsetFetchRequest,
  type OffsetFetchRequest,
  offsetFetchResponse,
  type OffsetFetchResponse,
} from './messages/offset-fetch.ts';
export {
  findCoordinatorApi,
  findCoordinatorRequest,
  type FindCoordinatorRequest,
  findCoordinatorResponse,
  type FindCoordinatorResponse,
} from './messages/find-coordinator.ts';
export {
  joinGroupApi,
  joinGroupRequest,
  type JoinGroupRequest,
  joinGroupResponse,
  type JoinGroupResponse,
} from './messages/join-group.ts';
export {
  heartbeatApi,
  heartbeatRequest,
  type HeartbeatRequest,
  heartbeatResponse,
  type HeartbeatResponse,
} from './messages/heartbeat.ts';
export {
  leaveGroupApi,
  leaveGroupRequest,
  type LeaveGroupRequest,
  leaveGroupResponse,
  type LeaveGroupResponse,
} from './messages/leave-group.ts';
export {
  syncGroupApi,
  syncGroupRequest,
  type SyncGroupRequest,
  syncGroupResponse,
  type SyncGroupResponse,
} from './messages/sync-group.ts';
export {
  describeGroupsApi,
  describeGroupsRequest,
  type DescribeGroupsRequest,
  describeGroupsResponse,
  type DescribeGroupsResponse,
} from './messages/describe-groups.ts';
export {
  listGroupsApi,
  listGroupsRequest,
  type ListGroupsRequest,
  listGroupsResponse,
  type ListGroupsResponse,
} from './messages/list-groups.ts';
export {
  saslHandshakeApi,
  saslHandshakeRequest,
  type SaslHandshakeRequest,
  saslHandshakeResponse,
  type SaslHandshakeResponse,
} from './messages/sasl-handshake.ts';
export {
  apiVersionsApi,
  apiVersionsRequest,
  type ApiVersionsRequest,
  apiVersionsResponse,
  type ApiVersionsResponse,
} from './messages/api-versions.ts';
export {
  createTopicsApi,
  createTopicsRequest,
  type CreateTopicsRequest,
  createTopicsResponse,
  type CreateTopicsResponse,
} from './messages/create-topics.ts';
export {
  deleteTopicsApi,
  deleteTopicsRequest,
  type DeleteTopicsRequest,
  deleteTopicsResponse,
  type DeleteTopicsResponse,
} from './messages/delete-topics.ts';
export {
  deleteRecordsApi,
  deleteRecordsRequest,
  type DeleteRecordsRequest,
  deleteRecordsResponse,
  type DeleteRecordsResponse,
} from './messages/delete-records.ts';
export {
  initProducerIdApi,
  initProducerIdRequest,
  type InitProducerIdRequest,
  initProducerIdResponse,
  type InitProducerIdResponse,
} from './messages/init-producer-id.ts';
export {
  offsetForLeaderEpochApi,
  offsetForLeaderEpochRequest,
  type OffsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
  type OffsetForLeaderEpochResponse,
} from './messages/offset-for-leader-epoch.ts';
export {
  addPartitionsToTxnApi,
  addPartitionsToTxnRequest,
  type AddPartitionsToTxnRequest,
  addPartitionsToTxnResponse,
  type AddPartitionsToTxnResponse,
} from './messages/add-partitions-to-txn.ts';
export {
  addOffsetsToTxnApi,
  addOffsetsToTxnRequest,
  type AddOffsetsToTxnRequest,
  addOffsetsToTxnResponse,
  type AddOffsetsToTxnResponse,
} from './messages/add-offsets-to-txn.ts';
export {
  endTxnApi,
  endTxnRequest,
  type EndTxnRequest,
  endTxnResponse,
  type EndTxnResponse,
} from './messages/end-txn.ts';
export {
  writeTxnMarkersApi,
  writeTxnMarkersRequest,
  type WriteTxnMarkersRequest,
  writeTxnMarkersResponse,
  type WriteTxnMarkersResponse,
} from './messages/write-txn-markers.ts';
export {
  txnOffsetCommitApi,
  txnOffsetCommitRequest,
  type TxnOffsetCommitRequest,
  txnOffsetCommitResponse,
  type TxnOffsetCommitResponse,
} from './messages/txn-offset-commit.ts';
export {
  describeConfigsApi,
  describeConfigsRequest,
  type DescribeConfigsRequest,
  describeConfigsResponse,
  type DescribeConfigsResponse,
} from './messages/describe-configs.ts';
export {
  alterConfigsApi,
  alterConfigsRequest,
  type AlterConfigsRequest,
  alterConfigsResponse,
  type AlterConfigsResponse,
} from './messages/alter-configs.ts';
export {
  alterReplicaLogDirsApi,
  alterReplicaLogDirsRequest,
  type AlterReplicaLogDirsRequest,
  alterReplicaLogDirsResponse,
  type AlterReplicaLogDirsResponse,
} from './messages/alter-replica-log-dirs.ts';
export {
  describeLogDirsApi,
  describeLogDirsRequest,
  type DescribeLogDirsRequest,
  describeLogDirsResponse,
  type DescribeLogDirsResponse,
} from './messages/describe-log-dirs.ts';
export {
  saslAuthenticateApi,
  saslAuthenticateRequest,
  type SaslAuthenticateRequest,
  saslAuthenticateResponse,
  type SaslAuthenticateResponse,
} from './messages/sasl-authenticate.ts';
export {
  createPartitionsApi,
  createPartitionsRequest,
  type CreatePartitionsRequest,
  createPartitionsResponse,
  type CreatePartitionsResponse,
} from './messages/create-partitions.ts';
export {
  deleteGroupsApi,
  deleteGroupsRequest,
  type DeleteGroupsRequest,
  deleteGroupsResponse,
  type DeleteGroupsResponse,
} from './messages/delete-groups.ts';
export {
  electLeadersApi,
  electLeadersRequest,
  type ElectLeadersRequest,
  electLeadersResponse,
  type ElectLeadersResponse,
} from './messages/elect-leaders.ts';
export {
  incrementalAlterConfigsApi,
  incrementalAlterConfigsRequest,
  type IncrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
  type IncrementalAlterConfigsResponse,
} from './messages/incremental-alter-configs.ts';
export {
  alterPartitionReassignmentsApi,
  alterPartitionReassignmentsRequest,
  type AlterPartitionReassignmentsRequest,
  alterPartitionReassignmentsResponse,
  type AlterPartitionReassignmentsResponse,
} from './messages/alter-partition-reassignments.ts';
export {
  listPartitionReassignmentsApi,
  listPartitionReassignmentsRequest,
  type ListPartitionReassignmentsRequest,
  listPartitionReassignmentsResponse,
  type ListPartitionReassignmentsResponse,
} from './messages/list-partition-reassignments.ts';
export {
  offsetDeleteApi,
  offsetDeleteRequest,
  type OffsetDeleteRequest,
  offsetDeleteResponse,
  type OffsetDeleteResponse,
} from './messages/offset-delete.ts';
export {
  updateFeaturesApi,
  updateFeaturesRequest,
  type UpdateFeaturesRequest,
  updateFeaturesResponse,
  type UpdateFeaturesResponse,
} from './messages/update-features.ts';
export {
  describeClusterApi,
  describeClusterRequest,
  type DescribeClusterRequest,
  describeClusterResponse,
  type DescribeClusterResponse,
} from './messages/describe-cluster.ts';
export {
  describeProducersApi,
  describeProducersRequest,
  type DescribeProducersRequest,
  describeProducersResponse,
  type DescribeProducersResponse,
} from './messages/describe-producers.ts';
export {
  describeTransactionsApi,
  describeTransactionsRequest,
  type DescribeTransactionsRequest,
  describeTransactionsResponse,
  type DescribeTransactionsResponse,
} from './messages/describe-transactions.ts';
export {
  listTransactionsApi,
  listTransactionsRequest,
  type ListTransactionsRequest,
  listTransactionsResponse,
  type ListTransactionsResponse,
} from './messages/list-transactions.ts';
export {
  consumerGroupHeartbeatApi,
  consumerGroupHeartbeatRequest,
  type ConsumerGroupHeartbeatRequest,
  consumerGroupHeartbeatResponse,
  type ConsumerGroupHeartbeatResponse,
} from './messages/consumer-group-heartbeat.ts';
export {
  consumerGroupDescribeApi,
  consumerGroupDescribeRequest,
  type ConsumerGroupDescribeRequest,
  consumerGroupDescribeResponse,
  type ConsumerGroupDescribeResponse,
} from './messages/consumer-group-describe.ts';
export {
  listConfigResourcesApi,
  listConfigResourcesRequest,
  type ListConfigResourcesRequest,
  listConfigResourcesResponse,
  type ListConfigResourcesResponse,
} from './messages/list-config-resources.ts';
export {
  describeTopicPartitionsApi,
  describeTopicPartitionsRequest,
  type DescribeTopicPartitionsRequest,
  describeTopicPartitionsResponse,
  type DescribeTopicPartitionsResponse,
} from './messages/describe-topic-partitions.ts';
export {
  shareGroupHeartbeatApi,
  shareGroupHeartbeatRequest,
  type ShareGroupHeartbeatRequest,
  shareGroupHeartbeatResponse,
  type ShareGroupHeartbeatResponse,
} from './messages/share-group-heartbeat.ts';
export {
  shareGroupDescribeApi,
  shareGroupDescribeRequest,
  type ShareGroupDescribeRequest,
  shareGroupDescribeResponse,
  type ShareGroupDescribeResponse,
} from './messages/share-group-describe.ts';
export {
  shareFetchApi,
  shareFetchRequest,
  type ShareFetchRequest,
  shareFetchResponse,
  type ShareFetchResponse,
} from './messages/share-fetch.ts';
export {
  shareAcknowledgeApi,
  shareAcknowledgeRequest,
  type ShareAcknowledgeRequest,
  shareAcknowledgeResponse,
  type ShareAcknowledgeResponse,
} from './messages/share-acknowledge.ts';
export {
  describeShareGroupOffsetsApi,
  describeShareGroupOffsetsRequest,
  type DescribeShareGroupOffsetsRequest,
  describeShareGroupOffsetsResponse,
  type DescribeShareGroupOffsetsResponse,
} from './messages/describe-share-group-offsets.ts';
export {
  alterShareGroupOffsetsApi,
  alterShareGroupOffsetsRequest,
  type AlterShareGroupOffsetsRequest,
  alterShareGroupOffsetsResponse,
  type AlterShareGroupOffsetsResponse,
} from './messages/alter-share-group-offsets.ts';
export {
  deleteShareGroupOffsetsApi,
  deleteShareGroupOffsetsRequest,
  type DeleteShareGroupOffsetsRequest,
  deleteShareGroupOffsetsResponse,
  type DeleteShareGroupOffsetsResponse,
} from './messages/delete-share-group-offsets.ts';
export {
  describeAclsApi,
  describeAclsRequest,
  type DescribeAclsRequest,
  describeAclsResponse,
  type DescribeAclsResponse,
} from './messages/describe-acls.ts';
export {
  createAclsApi,
  createAclsRequest,
  type CreateAclsRequest,
  createAclsResponse,
  type CreateAclsResponse,
} from './messages/create-acls.ts';
export {
  deleteAclsApi,
  deleteAclsRequest,
  type DeleteAclsRequest,
  deleteAclsResponse,
  type DeleteAclsResponse,
} from './messages/delete-acls.ts';
export {
  describeClientQuotasApi,
  describeClientQuotasRequest,
  type DescribeClientQuotasRequest,
  describeClientQuotasResponse,
  type DescribeClientQuotasResponse,
} from './messages/describe-client-quotas.ts';
export {
  alterClientQuotasApi,
  alterClientQuotasRequest,
  type AlterClientQuotasRequest,
  alterClientQuotasResponse,
  type AlterClientQuotasResponse,
} from './messages/alter-client-quotas.ts';
export {
  describeUserScramCredentialsApi,
  describeUserScramCredentialsRequest,
  type DescribeUserScramCredentialsRequest,
  describeUserScramCredentialsResponse,
  type DescribeUserScramCredentialsResponse,
} from './messages/describe-user-scram-credentials.ts';
export {
  alterUserScramCredentialsApi,
  alterUserScramCredentialsRequest,
  type AlterUserScramCredentialsRequest,
  alterUserScramCredentialsResponse,
  type AlterUserScramCredentialsResponse,
} from './messages/alter-user-scram-credentials.ts';
export {
  consumerProtocolAssignment,
  type ConsumerProtocolAssignment,
} from './messages/consumer-protocol-assignment.ts';
export {
  consumerProtocolSubscription,
  type ConsumerProtocolSubscription,
} from './messages/consumer-protocol-subscription.ts';
export * from './coordinator-records/index.ts';
