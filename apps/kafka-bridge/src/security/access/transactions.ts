import {
  addOffsetsToTxnApi,
  addPartitionsToTxnApi,
  describeProducersApi,
  describeTransactionsApi,
  endTxnApi,
  errorCodes,
  initProducerIdApi,
  listTransactionsApi,
  txnOffsetCommitApi,
  writeTxnMarkersApi,
} from '@tailrace/kafka-protocol';
import { type Access, changed, PASSES, refused, split } from './access.ts';
import { accessRule } from './access-rule.ts';

const {
  CLUSTER_AUTHORIZATION_FAILED,
  GROUP_AUTHORIZATION_FAILED,
  OPERATION_NOT_ATTEMPTED,
  TOPIC_AUTHORIZATION_FAILED,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
} = errorCodes;
const BATCHED_SINCE = 4;

interface TxnTopic {
  readonly name: string;
  readonly partitions: readonly number[];
}

/** Who writes in transactions, and who sees them. */
export const transactionRules = [
  accessRule({
    api: initProducerIdApi,
    needs: 'WRITE on the transactional id; without one IDEMPOTENT_WRITE on the cluster or WRITE on some topic',
    judge({ transactionalId }, access) {
      const mayWrite =
        transactionalId === null
          ? access.mayWithCluster('IDEMPOTENT_WRITE') || access.mayWithSomeTopic('WRITE')
          : access.mayWithTransactionalId('WRITE', transactionalId);
      if (mayWrite) return PASSES;
      const errorCode = transactionalId === null ? CLUSTER_AUTHORIZATION_FAILED : TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
      return refused(errorCode, { throttleTimeMs: 0, errorCode, producerEpoch: -1 });
    },
  }),
  accessRule({
    api: addPartitionsToTxnApi,
    needs: 'WRITE on the transactional id; WRITE on each topic, or none of them is added',
    judge(request, access) {
      if (access.exchange.header.apiVersion < BATCHED_SINCE) {
        const { v3AndBelowTransactionalId: transactionalId, v3AndBelowTopics: topics } = request;
        const failed = partitionsRefused(transactionalId, topics, access);
        return failed === undefined
          ? PASSES
          : refused(failed.errorCode, { throttleTimeMs: 0, resultsByTopicV3AndBelow: failed.results });
      }
      const refusedOnes = request.transactions.flatMap(({ transactionalId, topics }) => {
        const failed = partitionsRefused(transactionalId, topics, access);
        return failed === undefined ? [] : [{ transactionalId, ...failed }];
      });
      if (refusedOnes.length === 0) return PASSES;
      const names = new Set(refusedOnes.map(({ transactionalId }) => transactionalId));
      return changed(
        { ...request, transactions: request.transactions.filter(({ transactionalId }) => !names.has(transactionalId)) },
        (answer) => ({
          ...answer,
          resultsByTransaction: [
            ...(answer.resultsByTransaction ?? []),
            ...refusedOnes.map(({ transactionalId, results }) => ({ transactionalId, topicResults: results })),
          ],
        }),
        refusedOnes[0]?.errorCode,
      );
    },
  }),
  accessRule({
    api: addOffsetsToTxnApi,
    needs: 'WRITE on the transactional id; READ on the group',
    judge({ transactionalId, groupId }, access) {
      const errorCode = !access.mayWithTransactionalId('WRITE', transactionalId)
        ? TRANSACTIONAL_ID_AUTHORIZATION_FAILED
        : GROUP_AUTHORIZATION_FAILED;
      const may = errorCode === GROUP_AUTHORIZATION_FAILED && access.mayWithGroup('READ', groupId);
      return may ? PASSES : refused(errorCode, { throttleTimeMs: 0, errorCode });
    },
  }),
  accessRule({
    api: endTxnApi,
    needs: 'WRITE on the transactional id',
    judge({ transactionalId }, access) {
      if (access.mayWithTransactionalId('WRITE', transactionalId)) return PASSES;
      const errorCode = TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
      return refused(errorCode, { throttleTimeMs: 0, errorCode });
    },
  }),
  accessRule({
    api: writeTxnMarkersApi,
    needs: 'ALTER or CLUSTER_ACTION on the cluster',
    judge({ markers }, access) {
      if (access.mayWithCluster('ALTER') || access.mayWithCluster('CLUSTER_ACTION')) return PASSES;
      const errorCode = CLUSTER_AUTHORIZATION_FAILED;
      return refused(errorCode, {
        markers: markers.map(({ producerId, topics }) => ({
          producerId,
          topics: topics.map(({ name, partitionIndexes }) => ({
            name,
            partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, errorCode })),
          })),
        })),
      });
    },
  }),
  accessRule({
    api: txnOffsetCommitApi,
    needs: 'WRITE on the transactional id; READ on the group; READ on each topic',
    judge(request, access) {
      const { transactionalId, groupId, topics } = request;
      const answerTo = (some: typeof topics, errorCode: number) =>
        some.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
        }));
      const whole = !access.mayWithTransactionalId('WRITE', transactionalId)
        ? TRANSACTIONAL_ID_AUTHORIZATION_FAILED
        : access.mayWithGroup('READ', groupId)
          ? undefined
          : GROUP_AUTHORIZATION_FAILED;
      if (whole !== undefined) return refused(whole, { throttleTimeMs: 0, topics: answerTo(topics, whole) });
      const { kept, refusedOnes } = split(topics, ({ name }) => access.mayWithTopic('READ', name));
      if (refusedOnes.length === 0) return PASSES;
      return changed(
        { ...request, topics: kept },
        (answer) => ({ ...answer, topics: [...answer.topics, ...answerTo(refusedOnes, TOPIC_AUTHORIZATION_FAILED)] }),
        TOPIC_AUTHORIZATION_FAILED,
      );
    },
  }),
  accessRule({
    api: describeProducersApi,
    needs: 'READ on each topic',
    judge(request, access) {
      const { kept, refusedOnes } = split(request.topics, ({ name }) => access.mayWithTopic('READ', name));
      if (refusedOnes.length === 0) return PASSES;
      const failed = refusedOnes.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => ({
          partitionIndex,
          errorCode: TOPIC_AUTHORIZATION_FAILED,
          activeProducers: [],
        })),
      }));
      return changed(
        { ...request, topics: kept },
        (answer) => ({ ...answer, topics: [...answer.topics, ...failed] }),
        TOPIC_AUTHORIZATION_FAILED,
      );
    },
  }),
  accessRule({
    api: describeTransactionsApi,
    needs: 'DESCRIBE on each transactional id, and on each topic (others are left out)',
    judge(request, access) {
      const { kept, refusedOnes } = split(request.transactionalIds, (id) =>
        access.mayWithTransactionalId('DESCRIBE', id),
      );
      const failed = refusedOnes.map((transactionalId) => ({
        errorCode: TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        transactionalId,
        transactionState: '',
        transactionTimeoutMs: 0,
        transactionStartTimeMs: -1n,
        producerId: -1n,
        producerEpoch: -1,
        topics: [],
      }));
      return changed(
        { ...request, transactionalIds: kept },
        (answer) => ({
          ...answer,
          transactionStates: [
            ...answer.transactionStates.map((state) => ({
              ...state,
              topics: state.topics.filter(({ topic }) => access.mayWithTopic('DESCRIBE', topic)),
            })),
            ...failed,
          ],
        }),
        refusedOnes.length > 0 ? TRANSACTIONAL_ID_AUTHORIZATION_FAILED : undefined,
      );
    },
  }),
  accessRule({
    api: listTransactionsApi,
    needs: 'DESCRIBE on each transactional id (others are left out)',
    judge(request, access) {
      return changed(request, (answer) => ({
        ...answer,
        transactionStates: answer.transactionStates.filter(({ transactionalId }) =>
          access.mayWithTransactionalId('DESCRIBE', transactionalId),
        ),
      }));
    },
  }),
];

/** Why partitions may not be added; one topic that may not keeps the others out. */
function partitionsRefused(transactionalId: string, topics: readonly TxnTopic[], access: Access) {
  const results = (errorCodeOf: (name: string) => number) =>
    topics.map(({ name, partitions }) => ({
      name,
      resultsByPartition: partitions.map((partitionIndex) => ({
        partitionIndex,
        partitionErrorCode: errorCodeOf(name),
      })),
    }));
  if (!access.mayWithTransactionalId('WRITE', transactionalId)) {
    const errorCode = TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    return { errorCode, results: results(() => errorCode) };
  }
  const mayWrite = (name: string) => access.mayWithTopic('WRITE', name);
  if (topics.every(({ name }) => mayWrite(name))) return undefined;
  const errorCode = TOPIC_AUTHORIZATION_FAILED;
  return { errorCode, results: results((name) => (mayWrite(name) ? OPERATION_NOT_ATTEMPTED : errorCode)) };
}
