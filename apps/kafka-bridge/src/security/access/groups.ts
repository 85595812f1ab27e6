import {
  type Api,
  consumerGroupDescribeApi,
  consumerGroupHeartbeatApi,
  deleteGroupsApi,
  describeGroupsApi,
  type Draft,
  errorCodes,
  findCoordinatorApi,
  heartbeatApi,
  joinGroupApi,
  leaveGroupApi,
  listGroupsApi,
  type Message,
  type Of,
  offsetCommitApi,
  offsetDeleteApi,
  offsetFetchApi,
  syncGroupApi,
} from '@tailrace/kafka-protocol';
import { type Access, changed, eachByItself, PASSES, refused, split, type Verdict } from './access.ts';
import { accessRule } from './access-rule.ts';
import { forDescription, narrowGroups } from './group-description.ts';

const {
  CLUSTER_AUTHORIZATION_FAILED,
  GROUP_AUTHORIZATION_FAILED,
  TOPIC_AUTHORIZATION_FAILED,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
} = errorCodes;
const GROUP_KEY = 0;
const SHARE_KEY = 2;
const BATCHED_COORDINATORS_SINCE = 4;
const BATCHED_OFFSETS_SINCE = 8;
const EMPTY = Buffer.alloc(0);

/** Who is a member of groups, and who sees and changes what they have. */
export const groupRules = [
  forMembers(joinGroupApi, ({ memberId }) => ({
    throttleTimeMs: 0,
    errorCode: GROUP_AUTHORIZATION_FAILED,
    protocolName: '',
    leader: '',
    memberId,
    members: [],
  })),
  forMembers(syncGroupApi, () => ({ throttleTimeMs: 0, errorCode: GROUP_AUTHORIZATION_FAILED, assignment: EMPTY })),
  forMembers(heartbeatApi, () => ({ throttleTimeMs: 0, errorCode: GROUP_AUTHORIZATION_FAILED })),
  forMembers(leaveGroupApi, () => ({ throttleTimeMs: 0, errorCode: GROUP_AUTHORIZATION_FAILED, members: [] })),
  accessRule({
    api: consumerGroupHeartbeatApi,
    needs: 'READ on the group; DESCRIBE on each topic that it names',
    judge({ groupId, subscribedTopicNames }, access) {
      const answer = (errorCode: number) => ({ throttleTimeMs: 0, errorCode, memberEpoch: 0, heartbeatIntervalMs: 0 });
      if (!access.mayWithGroup('READ', groupId)) {
        return refused(GROUP_AUTHORIZATION_FAILED, answer(GROUP_AUTHORIZATION_FAILED));
      }
      if (subscribedTopicNames?.some((name) => !access.mayWithTopic('DESCRIBE', name))) {
        return refused(TOPIC_AUTHORIZATION_FAILED, answer(TOPIC_AUTHORIZATION_FAILED));
      }
      return PASSES;
    },
  }),
  accessRule({
    api: findCoordinatorApi,
    needs: 'DESCRIBE on the group or the transactional id; CLUSTER_ACTION on the cluster for a share-partition',
    judge(request, access) {
      const { keyType, key, coordinatorKeys } = request;
      if (keyType === SHARE_KEY) {
        if (access.mayWithCluster('CLUSTER_ACTION')) return PASSES;
        const errorCode = CLUSTER_AUTHORIZATION_FAILED;
        const coordinators = coordinatorKeys.map((one) => ({
          key: one,
          errorCode,
          errorMessage: null,
          nodeId: -1,
          host: '',
          port: -1,
        }));
        return refused(errorCode, { throttleTimeMs: 0, coordinators });
      }
      const errorCode = keyType === GROUP_KEY ? GROUP_AUTHORIZATION_FAILED : TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
      const type = keyType === GROUP_KEY ? 'GROUP' : 'TRANSACTIONAL_ID';
      const failed = { errorCode, errorMessage: null, nodeId: -1, host: '', port: -1 };
      if (access.exchange.header.apiVersion < BATCHED_COORDINATORS_SINCE) {
        return access.may('DESCRIBE', type, key) ? PASSES : refused(errorCode, { throttleTimeMs: 0, ...failed });
      }
      const mayPass = (one: string) => access.may('DESCRIBE', type, one);
      const refuse = (one: string) => ({ key: one, ...failed });
      return eachByItself(request, 'coordinatorKeys', mayPass, 'coordinators', refuse, errorCode);
    },
  }),
  accessRule({
    api: offsetCommitApi,
    needs: 'READ on the group; READ on each topic',
    judge(request, access) {
      const { groupId, topics } = request;
      const answerWith =
        (errorCode: number) =>
        ({ name, topicId, partitions }: (typeof topics)[number]) => ({
          name,
          topicId,
          partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
        });
      if (!access.mayWithGroup('READ', groupId)) {
        const errorCode = GROUP_AUTHORIZATION_FAILED;
        return refused(errorCode, { throttleTimeMs: 0, topics: topics.map(answerWith(errorCode)) });
      }
      return eachByItself(
        request,
        'topics',
        ({ name, topicId }) => mayWithTopic(access, 'READ', topicId, name),
        'topics',
        answerWith(TOPIC_AUTHORIZATION_FAILED),
        TOPIC_AUTHORIZATION_FAILED,
      );
    },
  }),
  accessRule({
    api: offsetFetchApi,
    needs: 'DESCRIBE on the group; DESCRIBE on each topic (others are left out where all are asked for)',
    judge: judgeOffsetFetch,
  }),
  accessRule({
    api: describeGroupsApi,
    needs: 'DESCRIBE on each group',
    judge(request, access) {
      const { kept, refusedOnes } = split(request.groups, (groupId) => access.mayWithGroup('DESCRIBE', groupId));
      const failed = refusedOnes.map((groupId) => ({
        errorCode: GROUP_AUTHORIZATION_FAILED,
        groupId,
        groupState: '',
        protocolType: '',
        protocolData: '',
        members: [],
      }));
      return changed(
        { ...request, groups: kept },
        (answer) => ({ ...answer, groups: [...narrowGroups(answer.groups, access), ...failed] }),
        refusedOnes.length > 0 ? GROUP_AUTHORIZATION_FAILED : undefined,
      );
    },
  }),
  forDescription(consumerGroupDescribeApi),
  accessRule({
    api: listGroupsApi,
    needs: 'DESCRIBE on the cluster, or else on each group (others are left out)',
    judge(request, access) {
      if (access.mayWithCluster('DESCRIBE')) return PASSES;
      return changed(request, (answer) => ({
        ...answer,
        groups: answer.groups.filter(({ groupId }) => access.mayWithGroup('DESCRIBE', groupId)),
      }));
    },
  }),
  accessRule({
    api: deleteGroupsApi,
    needs: 'DELETE on each group',
    judge(request, access) {
      const errorCode = GROUP_AUTHORIZATION_FAILED;
      const mayPass = (groupId: string) => access.mayWithGroup('DELETE', groupId);
      return eachByItself(request, 'groupsNames', mayPass, 'results', (groupId) => ({ groupId, errorCode }), errorCode);
    },
  }),
  accessRule({
    api: offsetDeleteApi,
    needs: 'DELETE on the group; READ on each topic',
    judge(request, access) {
      if (!access.mayWithGroup('DELETE', request.groupId)) {
        const errorCode = GROUP_AUTHORIZATION_FAILED;
        return refused(errorCode, { throttleTimeMs: 0, errorCode, topics: [] });
      }
      const errorCode = TOPIC_AUTHORIZATION_FAILED;
      return eachByItself(
        request,
        'topics',
        ({ name }) => access.mayWithTopic('READ', name),
        'topics',
        ({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
        }),
        errorCode,
      );
    },
  }),
];

/** READ on the group, for those whose whole answer is one error. */
function forMembers<Request extends Message, Response extends Message>(
  api: Api<Request, Response>,
  answer: (request: Of<Request>) => Draft<Response>,
) {
  return accessRule<Request, Response>({
    api,
    needs: 'READ on the group',
    judge(request, access) {
      const { groupId } = request as unknown as { readonly groupId: string };
      return access.mayWithGroup('READ', groupId) ? PASSES : refused(GROUP_AUTHORIZATION_FAILED, answer(request));
    },
  });
}

/** An id that nobody knows is told as such by the handler. */
function mayWithTopic(access: Access, operation: 'READ' | 'DESCRIBE', topicId: string, name: string): boolean {
  const known = access.topicName(topicId, name);
  return known === '' || access.mayWithTopic(operation, known);
}

type OffsetFetch = typeof offsetFetchApi;
type OffsetFetchRequest = Of<OffsetFetch['request']>;
type OffsetFetchAnswer = Draft<OffsetFetch['response']>;

function judgeOffsetFetch(request: OffsetFetchRequest, access: Access): Verdict<OffsetFetchRequest, OffsetFetchAnswer> {
  const noOffset = (index: number, errorCode: number) => ({
    partitionIndex: index,
    committedOffset: -1n,
    committedLeaderEpoch: -1,
    metadata: '',
    errorCode,
  });
  const unseen = <T extends { readonly name: string; readonly partitionIndexes: readonly number[] }>(
    topics: readonly T[],
  ) =>
    topics.map(({ partitionIndexes, ...topic }) => ({
      ...topic,
      partitions: partitionIndexes.map((index) => noOffset(index, TOPIC_AUTHORIZATION_FAILED)),
    }));
  const seenBy = (topic: { readonly name?: string | undefined; readonly topicId?: string | undefined }) =>
    mayWithTopic(access, 'DESCRIBE', topic.topicId ?? '', topic.name ?? '');
  if (access.exchange.header.apiVersion < BATCHED_OFFSETS_SINCE) {
    const { groupId, topics } = request;
    if (!access.mayWithGroup('DESCRIBE', groupId)) {
      const errorCode = GROUP_AUTHORIZATION_FAILED;
      const answered = (topics ?? []).map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((index) => noOffset(index, errorCode)),
      }));
      return refused(errorCode, { throttleTimeMs: 0, errorCode, topics: answered });
    }
    if (topics === null) {
      return changed<OffsetFetchRequest, OffsetFetchAnswer>(request, (answer) => ({
        ...answer,
        topics: (answer.topics ?? []).filter(seenBy),
      }));
    }
    const { kept, refusedOnes } = split(topics, seenBy);
    if (refusedOnes.length === 0) return PASSES;
    return changed<OffsetFetchRequest, OffsetFetchAnswer>(
      { ...request, topics: kept },
      (answer) => ({ ...answer, topics: [...(answer.topics ?? []), ...unseen(refusedOnes)] }),
      TOPIC_AUTHORIZATION_FAILED,
    );
  }
  const { kept, refusedOnes } = split(request.groups, ({ groupId }) => access.mayWithGroup('DESCRIBE', groupId));
  const parts = kept.map((group) => ({ group, ...split(group.topics ?? [], seenBy) }));
  const groups = parts.map(({ group, kept: topics }) => (group.topics === null ? group : { ...group, topics }));
  const anyRefused = refusedOnes.length > 0 || parts.some((part) => part.refusedOnes.length > 0);
  return changed<OffsetFetchRequest, OffsetFetchAnswer>(
    { ...request, groups },
    (answer) => ({
      ...answer,
      groups: [
        ...(answer.groups ?? []).map((group, i) => ({
          ...group,
          topics: [...group.topics.filter(seenBy), ...unseen(parts[i]?.refusedOnes ?? [])],
        })),
        ...refusedOnes.map(({ groupId }) => ({ groupId, topics: [], errorCode: GROUP_AUTHORIZATION_FAILED })),
      ],
    }),
    anyRefused ? (refusedOnes.length > 0 ? GROUP_AUTHORIZATION_FAILED : TOPIC_AUTHORIZATION_FAILED) : undefined,
  );
}
