import {
  deleteRecordsApi,
  errorCodes,
  fetchApi,
  listOffsetsApi,
  metadataApi,
  offsetForLeaderEpochApi,
  produceApi,
  ZERO_UUID,
} from '@tailrace/kafka-protocol';
import { isInternalTopic } from '../../topics/internal-topics.ts';
import { changed, eachByItself, PASSES, refused, split } from './access.ts';
import { accessRule } from './access-rule.ts';

const { NONE, TOPIC_AUTHORIZATION_FAILED, TRANSACTIONAL_ID_AUTHORIZATION_FAILED, UNKNOWN_TOPIC_OR_PARTITION } =
  errorCodes;
/** "Not asked for": the smallest int32. */
const OPERATIONS_NOT_ASKED = -0x8000_0000;

interface Narrowable {
  readonly name: string | null;
  readonly topicAuthorizedOperations?: number | undefined;
}

/** Who writes and reads records, and who sees where they are. */
export const recordRules = [
  accessRule({
    api: produceApi,
    needs:
      'WRITE on each topic (and CREATE, on it or the cluster, where it must be made first); WRITE on the transactional id',
    judge(request, access) {
      const { transactionalId, topicData } = request;
      const answerTo = (topics: typeof topicData, errorCode: number) =>
        topics.map(({ name, topicId, partitionData }) => ({
          name,
          topicId,
          partitionResponses: partitionData.map(({ index }) => ({ index, errorCode, baseOffset: -1n })),
        }));
      if (transactionalId !== null && !access.mayWithTransactionalId('WRITE', transactionalId)) {
        const errorCode = TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
        return refused(errorCode, { responses: answerTo(topicData, errorCode), throttleTimeMs: 0 });
      }
      const nameOf = (topic: (typeof topicData)[number]) => access.topicName(topic.topicId, topic.name);
      // An id that nobody knows is told as such by the handler.
      const { kept, refusedOnes } = split(topicData, (topic) => {
        const name = nameOf(topic);
        return name === '' || access.mayWithTopic('WRITE', name);
      });
      const unmade = split(kept, ({ name }) => {
        return name === '' || access.catalog.peek(name) !== undefined || access.mayCreateTopic(name);
      });
      if (refusedOnes.length === 0 && unmade.refusedOnes.length === 0) return PASSES;
      const errorCode = refusedOnes.length > 0 ? TOPIC_AUTHORIZATION_FAILED : UNKNOWN_TOPIC_OR_PARTITION;
      return changed(
        { ...request, topicData: unmade.kept },
        (answer) => ({
          ...answer,
          responses: [
            ...answer.responses,
            ...answerTo(refusedOnes, TOPIC_AUTHORIZATION_FAILED),
            ...answerTo(unmade.refusedOnes, UNKNOWN_TOPIC_OR_PARTITION),
          ],
        }),
        errorCode,
      );
    },
  }),
  accessRule({
    api: fetchApi,
    needs: 'READ on each topic, with every answer of a session anew',
    judge(_request, access) {
      // A session remembers more than a request names: the handler asks for each partition that it is about to read.
      access.exchange.mayRead = (topicName, topicId) => {
        const name = access.topicName(topicId, topicName);
        return name === '' || access.mayWithTopic('READ', name);
      };
      return PASSES;
    },
  }),
  accessRule({
    api: listOffsetsApi,
    needs: 'DESCRIBE on each topic',
    judge(request, access) {
      const mayPass = ({ name }: { readonly name: string }) => access.mayWithTopic('DESCRIBE', name);
      return eachByItself(request, 'topics', mayPass, 'topics', refusePartitions, TOPIC_AUTHORIZATION_FAILED);
    },
  }),
  accessRule({
    api: metadataApi,
    needs:
      'DESCRIBE on each topic (others are left out of "all topics"); CREATE, on it or the cluster, where it must be made first',
    judge(request, access) {
      const asksForAll =
        request.topics === null || (access.exchange.header.apiVersion === 0 && request.topics.length === 0);
      const narrow = <T extends Narrowable>(topics: readonly T[]): T[] =>
        topics.map((topic) => {
          const { name, topicAuthorizedOperations = OPERATIONS_NOT_ASKED } = topic;
          if (topicAuthorizedOperations === OPERATIONS_NOT_ASKED || name === null) return topic;
          return { ...topic, topicAuthorizedOperations: access.operations('TOPIC', name) };
        });
      const clusterOperations = request.includeClusterAuthorizedOperations
        ? { clusterAuthorizedOperations: access.operations('CLUSTER', 'kafka-cluster') }
        : {};
      if (asksForAll) {
        const seen = [...access.catalog.names()].filter((name) => access.mayWithTopic('DESCRIBE', name));
        const topics = seen.map((name) => ({ name, topicId: ZERO_UUID }));
        // In version 0 no names mean all of them: one that is no name stands for none.
        const none = access.exchange.header.apiVersion === 0 ? [{ name: '', topicId: ZERO_UUID }] : [];
        return changed(
          { ...request, topics: topics.length > 0 ? topics : none, allowAutoTopicCreation: false },
          (answer) => ({
            ...answer,
            ...clusterOperations,
            topics: narrow(answer.topics.filter(({ errorCode }) => errorCode === NONE)),
          }),
        );
      }
      const nameOf = (topic: { name: string | null; topicId: string }) =>
        access.topicName(topic.topicId, topic.name ?? '');
      const { kept, refusedOnes } = split(request.topics ?? [], (topic) => {
        const name = nameOf(topic);
        if (name === '') return true;
        if (!access.mayWithTopic('DESCRIBE', name)) return false;
        // An internal topic is made by the service itself.
        const makes =
          request.allowAutoTopicCreation && !isInternalTopic(name) && access.catalog.peek(name) === undefined;
        return !makes || access.mayCreateTopic(name);
      });
      const failed = refusedOnes.map(({ name, topicId }) => ({
        errorCode: TOPIC_AUTHORIZATION_FAILED,
        // Whoever asks by id does not learn the name.
        name: name ?? (access.exchange.header.apiVersion >= 12 ? null : ''),
        topicId: name === null ? topicId : ZERO_UUID,
        isInternal: false,
        partitions: [],
      }));
      const none =
        access.exchange.header.apiVersion === 0 && kept.length === 0 ? [{ name: '', topicId: ZERO_UUID }] : kept;
      return changed(
        { ...request, topics: none },
        (answer) => ({
          ...answer,
          ...clusterOperations,
          topics: [...narrow(none === kept ? answer.topics : []), ...failed],
        }),
        refusedOnes.length > 0 ? TOPIC_AUTHORIZATION_FAILED : undefined,
      );
    },
  }),
  accessRule({
    api: offsetForLeaderEpochApi,
    needs: 'DESCRIBE on each topic',
    judge(request, access) {
      return eachByItself(
        request,
        'topics',
        ({ topic }) => access.mayWithTopic('DESCRIBE', topic),
        'topics',
        ({ topic, partitions }) => ({
          topic,
          partitions: partitions.map(({ partition }) => ({ partition, errorCode: TOPIC_AUTHORIZATION_FAILED })),
        }),
        TOPIC_AUTHORIZATION_FAILED,
      );
    },
  }),
  accessRule({
    api: deleteRecordsApi,
    needs: 'DELETE on each topic',
    judge(request, access) {
      return eachByItself(
        request,
        'topics',
        ({ name }) => access.mayWithTopic('DELETE', name),
        'topics',
        ({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => ({
            partitionIndex,
            lowWatermark: -1n,
            errorCode: TOPIC_AUTHORIZATION_FAILED,
          })),
        }),
        TOPIC_AUTHORIZATION_FAILED,
      );
    },
  }),
];

interface NamedPartitions {
  readonly name: string;
  readonly partitions: readonly { readonly partitionIndex: number }[];
}

function refusePartitions({ name, partitions }: NamedPartitions) {
  return {
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: TOPIC_AUTHORIZATION_FAILED })),
  };
}
