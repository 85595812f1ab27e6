import { electLeadersApi, type ElectLeadersResponse, errorCodes } from '@tailrace/kafka-protocol';
import { handler } from './handler.ts';

type PartitionResult = ElectLeadersResponse['replicaElectionResults'][number]['partitionResult'][number];

/** Preferred, unclean. */
const ELECTION_TYPES: readonly number[] = [0, 1];

/**
 * ElectLeaders: choose leaders anew. The bridges that are alive agree on who leads what by themselves, so there never is
 * anything to elect. For all partitions (null), Kafka names the topics and none of their partitions; so it is here.
 * Whole request and per partition: INVALID_REQUEST (an election that is none). Per partition: UNKNOWN_TOPIC_OR_PARTITION,
 * ELECTION_NOT_NEEDED.
 */
export const electLeaders = handler({
  api: electLeadersApi,
  versions: electLeadersApi.advertised,
  run({ electionType, topicPartitions }, exchange, { catalog }) {
    const known = ELECTION_TYPES.includes(electionType);
    const wanted = topicPartitions ?? catalog.names().map((topic) => ({ topic, partitions: [] }));
    const replicaElectionResults = wanted.map(({ topic, partitions }) => ({
      topic,
      partitionResult: [...new Set(partitions)].map((partitionId): PartitionResult => {
        const answer = (errorCode: number, errorMessage: string) => ({ partitionId, errorCode, errorMessage });
        const stream = catalog.peek(topic);
        if (!known) return answer(errorCodes.INVALID_REQUEST, `Unknown election type ${electionType}`);
        if (stream === undefined) return answer(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, `No such topic as ${topic}`);
        if (stream.partitions[partitionId] === undefined)
          return answer(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, `No such partition as ${topic}-${partitionId}`);
        return answer(errorCodes.ELECTION_NOT_NEEDED, 'Leader election not needed for topic partition.');
      }),
    }));
    const errorCode = known ? errorCodes.NONE : errorCodes.INVALID_REQUEST;
    exchange.noteError(errorCode);
    return { throttleTimeMs: 0, errorCode, replicaElectionResults };
  },
});
