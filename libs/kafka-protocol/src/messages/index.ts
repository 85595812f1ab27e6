import type { Api } from '../headers.ts';
import { produceApi } from './produce.ts';
import { fetchApi } from './fetch.ts';
import { listOffsetsApi } from './list-offsets.ts';
import { metadataApi } from './metadata.ts';
import { offsetCommitApi } from './offset-commit.ts';
import { offsetFetchApi } from './offset-fetch.ts';
import { findCoordinatorApi } from './find-coordinator.ts';
import { joinGroupApi } from './join-group.ts';
import { heartbeatApi } from './heartbeat.ts';
import { leaveGroupApi } from './leave-group.ts';
import { syncGroupApi } from './sync-group.ts';
import { describeGroupsApi } from './describe-groups.ts';
import { listGroupsApi } from './list-groups.ts';
import { saslHandshakeApi } from './sasl-handshake.ts';
import { apiVersionsApi } from './api-versions.ts';
import { createTopicsApi } from './create-topics.ts';
import { deleteTopicsApi } from './delete-topics.ts';
import { deleteRecordsApi } from './delete-records.ts';
import { initProducerIdApi } from './init-producer-id.ts';
import { offsetForLeaderEpochApi } from './offset-for-leader-epoch.ts';
import { addPartitionsToTxnApi } from './add-partitions-to-txn.ts';
import { addOffsetsToTxnApi } from './add-offsets-to-txn.ts';
import { endTxnApi } from './end-txn.ts';
import { writeTxnMarkersApi } from './write-txn-markers.ts';
import { txnOffsetCommitApi } from './txn-offset-commit.ts';
import { describeAclsApi } from './describe-acls.ts';
import { createAclsApi } from './create-acls.ts';
import { deleteAclsApi } from './delete-acls.ts';
import { describeConfigsApi } from './describe-configs.ts';
import { alterConfigsApi } from './alter-configs.ts';
import { alterReplicaLogDirsApi } from './alter-replica-log-dirs.ts';
import { describeLogDirsApi } from './describe-log-dirs.ts';
import { saslAuthenticateApi } from './sasl-authenticate.ts';
import { createPartitionsApi } from './create-partitions.ts';
import { deleteGroupsApi } from './delete-groups.ts';
import { electLeadersApi } from './elect-leaders.ts';
import { incrementalAlterConfigsApi } from './incremental-alter-configs.ts';
import { alterPartitionReassignmentsApi } from './alter-partition-reassignments.ts';
import { listPartitionReassignmentsApi } from './list-partition-reassignments.ts';
import { offsetDeleteApi } from './offset-delete.ts';
import { describeClientQuotasApi } from './describe-client-quotas.ts';
import { alterClientQuotasApi } from './alter-client-quotas.ts';
import { describeUserScramCredentialsApi } from './describe-user-scram-credentials.ts';
import { alterUserScramCredentialsApi } from './alter-user-scram-credentials.ts';
import { updateFeaturesApi } from './update-features.ts';
import { describeClusterApi } from './describe-cluster.ts';
import { describeProducersApi } from './describe-producers.ts';
import { describeTransactionsApi } from './describe-transactions.ts';
import { listTransactionsApi } from './list-transactions.ts';
import { consumerGroupHeartbeatApi } from './consumer-group-heartbeat.ts';
import { consumerGroupDescribeApi } from './consumer-group-describe.ts';
import { listConfigResourcesApi } from './list-config-resources.ts';
import { describeTopicPartitionsApi } from './describe-topic-partitions.ts';
import { shareGroupHeartbeatApi } from './share-group-heartbeat.ts';
import { shareGroupDescribeApi } from './share-group-describe.ts';
import { shareFetchApi } from './share-fetch.ts';
import { shareAcknowledgeApi } from './share-acknowledge.ts';
import { describeShareGroupOffsetsApi } from './describe-share-group-offsets.ts';
import { alterShareGroupOffsetsApi } from './alter-share-group-offsets.ts';
import { deleteShareGroupOffsetsApi } from './delete-share-group-offsets.ts';

/** Every operation that this library can read and write, in the order of its keys. */
export const apis = [
  produceApi,
  fetchApi,
  listOffsetsApi,
  metadataApi,
  offsetCommitApi,
  offsetFetchApi,
  findCoordinatorApi,
  joinGroupApi,
  heartbeatApi,
  leaveGroupApi,
  syncGroupApi,
  describeGroupsApi,
  listGroupsApi,
  saslHandshakeApi,
  apiVersionsApi,
  createTopicsApi,
  deleteTopicsApi,
  deleteRecordsApi,
  initProducerIdApi,
  offsetForLeaderEpochApi,
  addPartitionsToTxnApi,
  addOffsetsToTxnApi,
  endTxnApi,
  writeTxnMarkersApi,
  txnOffsetCommitApi,
  describeAclsApi,
  createAclsApi,
  deleteAclsApi,
  describeConfigsApi,
  alterConfigsApi,
  alterReplicaLogDirsApi,
  describeLogDirsApi,
  saslAuthenticateApi,
  createPartitionsApi,
  deleteGroupsApi,
  electLeadersApi,
  incrementalAlterConfigsApi,
  alterPartitionReassignmentsApi,
  listPartitionReassignmentsApi,
  offsetDeleteApi,
  describeClientQuotasApi,
  alterClientQuotasApi,
  describeUserScramCredentialsApi,
  alterUserScramCredentialsApi,
  updateFeaturesApi,
  describeClusterApi,
  describeProducersApi,
  describeTransactionsApi,
  listTransactionsApi,
  consumerGroupHeartbeatApi,
  consumerGroupDescribeApi,
  listConfigResourcesApi,
  describeTopicPartitionsApi,
  shareGroupHeartbeatApi,
  shareGroupDescribeApi,
  shareFetchApi,
  shareAcknowledgeApi,
  describeShareGroupOffsetsApi,
  alterShareGroupOffsetsApi,
  deleteShareGroupOffsetsApi,
] as const satisfies readonly Api[];

/** The same, each at the index of its key. */
export const apisByKey: readonly (Api | undefined)[] = byKey(apis);

function byKey(all: readonly Api[]): readonly (Api | undefined)[] {
  const table = new Array<Api | undefined>(1 + Math.max(...all.map(({ key }) => key))).fill(undefined);
  for (const one of all) table[one.key] = one;
  return table;
}
