import {
  alterPartitionReassignmentsApi,
  type AlterPartitionReassignmentsResponse,
  errorCodes,
} from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';
import { refuseReplicas } from '../topics/replica-assignment.ts';
import { handler } from './handler.ts';

type PartitionAnswer = AlterPartitionReassignmentsResponse['responses'][number]['partitions'][number];

/**
 * AlterPartitionReassignments: place partitions on other brokers. Every bridge can serve every partition, and those that are
 * alive agree on who leads it: what is asked for is taken where it is so already, and refused otherwise.
 * Per partition: UNKNOWN_TOPIC_OR_PARTITION, NO_REASSIGNMENT_IN_PROGRESS (null: take one back), INVALID_REPLICA_ASSIGNMENT.
 */
export const alterPartitionReassignments = handler({
  api: alterPartitionReassignmentsApi,
  versions: alterPartitionReassignmentsApi.advertised,
  run({ allowReplicationFactorChange, topics }, exchange, bridge) {
    const responses = topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, replicas }) => {
        const answer = answerPartition(name, partitionIndex, replicas, bridge);
        exchange.noteError(answer.errorCode);
        return answer;
      }),
    }));
    return {
      throttleTimeMs: 0,
      allowReplicationFactorChange,
      errorCode: errorCodes.NONE,
      errorMessage: null,
      responses,
    };
  },
});

function answerPartition(
  name: string,
  partitionIndex: number,
  replicas: readonly number[] | null,
  bridge: Bridge,
): PartitionAnswer {
  const answer = (errorCode: number, errorMessage: string | null) => ({ partitionIndex, errorCode, errorMessage });
  const stream = bridge.catalog.peek(name);
  if (stream === undefined)
    return answer(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find a topic named ${name}.`);
  if (stream.partitions[partitionIndex] === undefined)
    return answer(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find partition ${name}:${partitionIndex}.`);
  if (replicas === null) return answer(errorCodes.NO_REASSIGNMENT_IN_PROGRESS, null);
  const refused = refuseReplicas([{ brokerIds: replicas }], bridge);
  if (refused !== undefined) return answer(errorCodes.INVALID_REPLICA_ASSIGNMENT, refused);
  const { nodeId } = bridge.brokers.leaderOf(stream.id, partitionIndex);
  if (replicas.length === 1 && replicas[0] === nodeId) return answer(errorCodes.NONE, null);
  const sentence = `Partition ${name}-${partitionIndex} is led by broker ${nodeId}: the brokers that are alive share the partitions by themselves, and copies are made by the store.`;
  return answer(errorCodes.INVALID_REPLICA_ASSIGNMENT, sentence);
}
