import {
  createPartitionsApi,
  createTopicsApi,
  deleteTopicsApi,
  describeTopicPartitionsApi,
  errorCodes,
  ZERO_UUID,
} from '@tailrace/kafka-protocol';
import { changed, eachByItself, split } from './access.ts';
import { accessRule } from './access-rule.ts';

const { NONE, TOPIC_AUTHORIZATION_FAILED } = errorCodes;
const NOT_AUTHORIZED = 'Authorization failed.';
const TOPIC_ID_SINCE = 6;

/** Who makes, changes and drops topics. */
export const topicRules = [
  accessRule({
    api: createTopicsApi,
    needs: 'CREATE on the cluster or on each topic; DESCRIBE_CONFIGS on each topic to see its settings in the answer',
    judge(request, access) {
      const { kept, refusedOnes } = split(request.topics, ({ name }) => access.mayCreateTopic(name));
      const failed = refusedOnes.map(({ name }) => ({
        name,
        topicId: ZERO_UUID,
        errorCode: TOPIC_AUTHORIZATION_FAILED,
        errorMessage: NOT_AUTHORIZED,
        numPartitions: -1,
        replicationFactor: -1,
        configs: [],
      }));
      return changed(
        { ...request, topics: kept },
        (answer) => ({
          ...answer,
          topics: [
            ...answer.topics.map((topic) => {
              if (topic.errorCode !== NONE || access.mayWithTopic('DESCRIBE_CONFIGS', topic.name)) return topic;
              const hidden = { numPartitions: -1, replicationFactor: -1, configs: [] };
              return { ...topic, ...hidden, topicConfigErrorCode: TOPIC_AUTHORIZATION_FAILED };
            }),
            ...failed,
          ],
        }),
        refusedOnes.length > 0 ? TOPIC_AUTHORIZATION_FAILED : undefined,
      );
    },
  }),
  accessRule({
    api: deleteTopicsApi,
    needs: 'DELETE on each topic; by id also DESCRIBE, or its name stays untold',
    judge(request, access) {
      const failed = (name: string | null, topicId: string) => ({
        name,
        topicId,
        errorCode: TOPIC_AUTHORIZATION_FAILED,
        errorMessage: NOT_AUTHORIZED,
      });
      if (access.exchange.header.apiVersion < TOPIC_ID_SINCE) {
        const mayPass = (name: string) => access.mayWithTopic('DELETE', name);
        const refuse = (name: string) => failed(name, ZERO_UUID);
        return eachByItself(request, 'topicNames', mayPass, 'responses', refuse, TOPIC_AUTHORIZATION_FAILED);
      }
      const nameOf = ({ name, topicId }: { name: string | null; topicId: string }) =>
        access.topicName(topicId, name ?? '');
      return eachByItself(
        request,
        'topics',
        (topic) => nameOf(topic) === '' || access.mayWithTopic('DELETE', nameOf(topic)),
        'responses',
        (topic) => {
          const told = topic.name ?? (access.mayWithTopic('DESCRIBE', nameOf(topic)) ? nameOf(topic) : null);
          return failed(told, topic.topicId);
        },
        TOPIC_AUTHORIZATION_FAILED,
      );
    },
  }),
  accessRule({
    api: createPartitionsApi,
    needs: 'ALTER on each topic',
    judge(request, access) {
      const errorCode = TOPIC_AUTHORIZATION_FAILED;
      return eachByItself(
        request,
        'topics',
        ({ name }) => access.mayWithTopic('ALTER', name),
        'results',
        ({ name }) => ({ name, errorCode, errorMessage: NOT_AUTHORIZED }),
        errorCode,
      );
    },
  }),
  accessRule({
    api: describeTopicPartitionsApi,
    needs: 'DESCRIBE on each topic (others are left out where all are asked for)',
    judge(request, access) {
      const asksForAll = request.topics.length === 0;
      const topics = asksForAll
        ? access.catalog
            .names()
            .filter((name) => access.mayWithTopic('DESCRIBE', name))
            .map((name) => ({ name }))
        : request.topics;
      const { kept, refusedOnes } = split(topics, ({ name }) => access.mayWithTopic('DESCRIBE', name));
      const failed = refusedOnes.map(({ name }) => ({
        errorCode: TOPIC_AUTHORIZATION_FAILED,
        name,
        topicId: ZERO_UUID,
        isInternal: false,
        partitions: [],
      }));
      // No names mean all of them: one that is no name stands for none, and its answer is dropped.
      const isEmpty = kept.length === 0;
      return changed(
        { ...request, topics: isEmpty ? [{ name: '' }] : kept },
        (answer) => ({
          ...answer,
          topics: [
            ...(isEmpty ? [] : answer.topics).map((topic) =>
              topic.name === null || topic.errorCode !== NONE
                ? topic
                : { ...topic, topicAuthorizedOperations: access.operations('TOPIC', topic.name) },
            ),
            ...failed,
          ],
        }),
        refusedOnes.length > 0 ? TOPIC_AUTHORIZATION_FAILED : undefined,
      );
    },
  }),
];
