import {
  alterShareGroupOffsetsApi,
  deleteShareGroupOffsetsApi,
  describeShareGroupOffsetsApi,
  errorCodes,
  shareAcknowledgeApi,
  shareFetchApi,
  shareGroupDescribeApi,
  shareGroupHeartbeatApi,
  ZERO_UUID,
} from '@tailrace/kafka-protocol';
import { type Access, changed, PASSES, refused, split } from './access.ts';
import { accessRule } from './access-rule.ts';
import { forDescription } from './group-description.ts';

const { GROUP_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED } = errorCodes;

/** Who is a member of share groups (KIP-932), and who sees and changes what they have read. */
export const shareGroupRules = [
  accessRule({
    api: shareGroupHeartbeatApi,
    needs: 'READ on the group; DESCRIBE on each topic that it names',
    judge({ groupId, subscribedTopicNames }, access) {
      const answer = (errorCode: number) => ({ throttleTimeMs: 0, errorCode, memberEpoch: 0, heartbeatIntervalMs: 0 });
      if (!access.mayWithGroup('READ', groupId))
        return refused(GROUP_AUTHORIZATION_FAILED, answer(GROUP_AUTHORIZATION_FAILED));
      if (subscribedTopicNames?.some((name) => !access.mayWithTopic('DESCRIBE', name)))
        return refused(TOPIC_AUTHORIZATION_FAILED, answer(TOPIC_AUTHORIZATION_FAILED));
      return PASSES;
    },
  }),
  forDescription(shareGroupDescribeApi),
  accessRule({
    api: shareFetchApi,
    needs: 'READ on the group; READ on each topic, with every answer of a session anew',
    judge({ groupId }, access) {
      if (!access.mayWithGroup('READ', groupId ?? '')) {
        const errorCode = GROUP_AUTHORIZATION_FAILED;
        const nothing = { acquisitionLockTimeoutMs: 0, responses: [], nodeEndpoints: [] };
        return refused(errorCode, { throttleTimeMs: 0, errorCode, ...nothing });
      }
      readsTopics(access);
      return PASSES;
    },
  }),
  accessRule({
    api: shareAcknowledgeApi,
    needs: 'READ on the group; READ on each topic',
    judge(request, access) {
      if (!access.mayWithGroup('READ', request.groupId ?? '')) {
        const errorCode = GROUP_AUTHORIZATION_FAILED;
        const nothing = { acquisitionLockTimeoutMs: 0, responses: [], nodeEndpoints: [] };
        return refused(errorCode, { throttleTimeMs: 0, errorCode, ...nothing });
      }
      readsTopics(access);
      return PASSES;
    },
  }),
  accessRule({
    api: describeShareGroupOffsetsApi,
    needs: 'DESCRIBE on each group; DESCRIBE on each topic (others are left out where all are asked for)',
    judge(request, access) {
      const { kept, refusedOnes } = split(request.groups, ({ groupId }) => access.mayWithGroup('DESCRIBE', groupId));
      const seen = (topic: string) => access.mayWithTopic('DESCRIBE', topic);
      const parts = kept.map((group) => ({ group, ...split(group.topics ?? [], ({ topicName }) => seen(topicName)) }));
      const anyTopic = parts.some((part) => part.refusedOnes.length > 0);
      return changed(
        {
          ...request,
          groups: parts.map(({ group, kept: topics }) => (group.topics === null ? group : { ...group, topics })),
        },
        (answer) => ({
          ...answer,
          groups: [
            ...answer.groups.map((group, i) => ({
              ...group,
              topics: [
                ...group.topics.filter(({ topicName }) => seen(topicName)),
                ...(parts[i]?.refusedOnes ?? []).map(({ topicName, partitions }) => ({
                  topicName,
                  topicId: ZERO_UUID,
                  partitions: partitions.map((partitionIndex) => ({
                    partitionIndex,
                    startOffset: -1n,
                    leaderEpoch: 0,
                    errorCode: TOPIC_AUTHORIZATION_FAILED,
                  })),
                })),
              ],
            })),
            ...refusedOnes.map(({ groupId }) => ({ groupId, topics: [], errorCode: GROUP_AUTHORIZATION_FAILED })),
          ],
        }),
        refusedOnes.length > 0 ? GROUP_AUTHORIZATION_FAILED : anyTopic ? TOPIC_AUTHORIZATION_FAILED : undefined,
      );
    },
  }),
  accessRule({
    api: alterShareGroupOffsetsApi,
    needs: 'READ on the group; READ on each topic',
    judge(request, access) {
      if (!access.mayWithGroup('READ', request.groupId)) {
        const errorCode = GROUP_AUTHORIZATION_FAILED;
        return refused(errorCode, { throttleTimeMs: 0, errorCode, responses: [] });
      }
      const { kept, refusedOnes } = split(request.topics, ({ topicName }) => access.mayWithTopic('READ', topicName));
      if (refusedOnes.length === 0) return PASSES;
      const failed = refusedOnes.map(({ topicName, partitions }) => ({
        topicName,
        topicId: ZERO_UUID,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: TOPIC_AUTHORIZATION_FAILED })),
      }));
      return changed(
        { ...request, topics: kept },
        (answer) => ({ ...answer, responses: [...answer.responses, ...failed] }),
        TOPIC_AUTHORIZATION_FAILED,
      );
    },
  }),
  accessRule({
    api: deleteShareGroupOffsetsApi,
    needs: 'DELETE on the group; READ on each topic',
    judge(request, access) {
      if (!access.mayWithGroup('DELETE', request.groupId)) {
        const errorCode = GROUP_AUTHORIZATION_FAILED;
        return refused(errorCode, { throttleTimeMs: 0, errorCode, responses: [] });
      }
      const { kept, refusedOnes } = split(request.topics, ({ topicName }) => access.mayWithTopic('READ', topicName));
      if (refusedOnes.length === 0) return PASSES;
      const errorCode = TOPIC_AUTHORIZATION_FAILED;
      const failed = refusedOnes.map(({ topicName }) => ({ topicName, topicId: ZERO_UUID, errorCode }));
      return changed(
        { ...request, topics: kept },
        (answer) => ({ ...answer, responses: [...answer.responses, ...failed] }),
        errorCode,
      );
    },
  }),
];

/** A session remembers more than a request names: the handler asks for each partition that it is about to serve. */
function readsTopics(access: Access): void {
  access.exchange.mayRead = (topicName, topicId) => {
    const name = access.topicName(topicId, topicName);
    return name === '' || access.mayWithTopic('READ', name);
  };
}
