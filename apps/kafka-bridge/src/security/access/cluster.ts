import {
  alterClientQuotasApi,
  alterConfigsApi,
  alterPartitionReassignmentsApi,
  alterReplicaLogDirsApi,
  alterUserScramCredentialsApi,
  type Api,
  apiVersionsApi,
  createAclsApi,
  deleteAclsApi,
  describeAclsApi,
  describeClientQuotasApi,
  describeClusterApi,
  describeConfigsApi,
  describeLogDirsApi,
  describeUserScramCredentialsApi,
  type Draft,
  electLeadersApi,
  type ErrorCode,
  errorCodes,
  incrementalAlterConfigsApi,
  listConfigResourcesApi,
  listPartitionReassignmentsApi,
  type Message,
  type Of,
  saslAuthenticateApi,
  saslHandshakeApi,
  updateFeaturesApi,
} from '@tailrace/kafka-protocol';
import type { Operation } from '@tailrace/identity';
import { type Access, changed, eachByItself, PASSES, refused } from './access.ts';
import { accessRule } from './access-rule.ts';

const { CLUSTER_AUTHORIZATION_FAILED, GROUP_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED } = errorCodes;
const NOT_AUTHORIZED = 'Cluster authorization failed.';
const TOPIC = 2;
const GROUP = 32;
const failure = { errorCode: CLUSTER_AUTHORIZATION_FAILED, errorMessage: NOT_AUTHORIZED } as const;
const failed = { throttleTimeMs: 0, ...failure } as const;

/** Who sees and changes what concerns everybody: settings, quotas, users, entries like these. */
export const clusterRules = [
  free(apiVersionsApi),
  free(saslHandshakeApi),
  free(saslAuthenticateApi),
  accessRule({
    api: describeClusterApi,
    needs: 'nothing',
    judge(request, access) {
      if (!request.includeClusterAuthorizedOperations) return PASSES;
      return changed(request, (answer) => ({
        ...answer,
        clusterAuthorizedOperations: access.mayWithCluster('DESCRIBE')
          ? access.operations('CLUSTER', 'kafka-cluster')
          : 0,
      }));
    },
  }),
  onCluster(describeAclsApi, 'DESCRIBE', () => ({ ...failed, resources: [] })),
  onCluster(createAclsApi, 'ALTER', ({ creations }) => ({ throttleTimeMs: 0, results: creations.map(() => failure) })),
  onCluster(deleteAclsApi, 'ALTER', ({ filters }) => ({
    throttleTimeMs: 0,
    filterResults: filters.map(() => ({ ...failure, matchingAcls: [] })),
  })),
  onCluster(describeClientQuotasApi, 'DESCRIBE_CONFIGS', () => ({ ...failed, entries: null })),
  onCluster(alterClientQuotasApi, 'ALTER_CONFIGS', ({ entries }) => ({
    throttleTimeMs: 0,
    entries: entries.map(({ entity }) => ({ ...failure, entity })),
  })),
  onCluster(describeUserScramCredentialsApi, 'DESCRIBE', () => ({ ...failed, results: [] })),
  onCluster(alterUserScramCredentialsApi, 'ALTER', ({ deletions, upsertions }) => ({
    throttleTimeMs: 0,
    results: [...new Set([...deletions, ...upsertions].map(({ name }) => name))].map((user) => ({ user, ...failure })),
  })),
  accessRule({
    api: describeConfigsApi,
    needs: 'DESCRIBE_CONFIGS on each topic or group, on the cluster for anything else',
    judge(request, access) {
      const mayPass = (one: ConfigResource) => mayWithConfigs('DESCRIBE_CONFIGS', one, access);
      const refuse = (one: ConfigResource) => ({ ...refuseConfigs(one), configs: [] });
      return eachByItself(request, 'resources', mayPass, 'results', refuse, CLUSTER_AUTHORIZATION_FAILED);
    },
  }),
  accessRule({
    api: alterConfigsApi,
    needs: 'ALTER_CONFIGS on each topic or group, on the cluster for anything else',
    judge(request, access) {
      const mayPass = (one: ConfigResource) => mayWithConfigs('ALTER_CONFIGS', one, access);
      return eachByItself(request, 'resources', mayPass, 'responses', refuseConfigs, CLUSTER_AUTHORIZATION_FAILED);
    },
  }),
  accessRule({
    api: incrementalAlterConfigsApi,
    needs: 'ALTER_CONFIGS on each topic or group, on the cluster for anything else',
    judge(request, access) {
      const mayPass = (one: ConfigResource) => mayWithConfigs('ALTER_CONFIGS', one, access);
      return eachByItself(request, 'resources', mayPass, 'responses', refuseConfigs, CLUSTER_AUTHORIZATION_FAILED);
    },
  }),
  onCluster(listConfigResourcesApi, 'DESCRIBE_CONFIGS', () => ({
    throttleTimeMs: 0,
    errorCode: CLUSTER_AUTHORIZATION_FAILED,
    configResources: [],
  })),
  onCluster(describeLogDirsApi, 'DESCRIBE', () => ({
    throttleTimeMs: 0,
    errorCode: CLUSTER_AUTHORIZATION_FAILED,
    results: [],
  })),
  onCluster(alterReplicaLogDirsApi, 'ALTER', ({ dirs }) => ({
    throttleTimeMs: 0,
    results: dirs.flatMap(({ topics }) =>
      topics.map(({ name, partitions }) => ({
        topicName: name,
        partitions: partitions.map((partitionIndex) => ({ partitionIndex, errorCode: CLUSTER_AUTHORIZATION_FAILED })),
      })),
    ),
  })),
  onCluster(electLeadersApi, 'ALTER', ({ topicPartitions }) => ({
    throttleTimeMs: 0,
    errorCode: CLUSTER_AUTHORIZATION_FAILED,
    replicaElectionResults: (topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => ({ partitionId, ...failure })),
    })),
  })),
  onCluster(alterPartitionReassignmentsApi, 'ALTER', () => ({ ...failed, responses: [] })),
  onCluster(listPartitionReassignmentsApi, 'DESCRIBE', () => ({ ...failed, topics: [] })),
  onCluster(updateFeaturesApi, 'ALTER', () => ({ ...failed, results: [] })),
];

/** What everybody may ask. */
function free<Request extends Message, Response extends Message>(api: Api<Request, Response>) {
  return accessRule<Request, Response>({ api, needs: 'nothing', judge: () => PASSES });
}

/** One operation on the cluster, whatever the request says. */
function onCluster<Request extends Message, Response extends Message>(
  api: Api<Request, Response>,
  operation: Operation,
  answer: (request: Of<Request>) => Draft<Response>,
) {
  return accessRule<Request, Response>({
    api,
    needs: `${operation} on the cluster`,
    judge(request, access) {
      return access.mayWithCluster(operation) ? PASSES : refused(CLUSTER_AUTHORIZATION_FAILED, answer(request));
    },
  });
}

interface ConfigResource {
  readonly resourceType: number;
  readonly resourceName: string;
}

function mayWithConfigs(
  operation: 'DESCRIBE_CONFIGS' | 'ALTER_CONFIGS',
  { resourceType, resourceName }: ConfigResource,
  access: Access,
): boolean {
  if (resourceType === TOPIC) return access.mayWithTopic(operation, resourceName);
  return resourceType === GROUP ? access.mayWithGroup(operation, resourceName) : access.mayWithCluster(operation);
}

function refuseConfigs({ resourceType, resourceName }: ConfigResource) {
  const errorCode: ErrorCode =
    resourceType === TOPIC
      ? TOPIC_AUTHORIZATION_FAILED
      : resourceType === GROUP
        ? GROUP_AUTHORIZATION_FAILED
        : CLUSTER_AUTHORIZATION_FAILED;
  return { errorCode, errorMessage: null, resourceType, resourceName };
}
