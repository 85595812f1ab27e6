import { alterReplicaLogDirsApi, errorCodes } from '@tailrace/kafka-protocol';
import { handler } from './handler.ts';

/**
 * AlterReplicaLogDirs: move partitions to another directory. There is one; a partition that is named for it lies there already.
 * Per partition: UNKNOWN_TOPIC_OR_PARTITION, LOG_DIR_NOT_FOUND (any other directory).
 */
export const alterReplicaLogDirs = handler({
  api: alterReplicaLogDirsApi,
  versions: alterReplicaLogDirsApi.advertised,
  run({ dirs }, exchange, { catalog, options }) {
    const byTopic = new Map<string, Map<number, number>>();
    for (const { path, topics } of dirs) {
      for (const { name, partitions } of topics) {
        const stream = catalog.peek(name);
        const answers = byTopic.get(name) ?? new Map<number, number>();
        byTopic.set(name, answers);
        for (const index of partitions) {
          const errorCode =
            stream?.partitions[index] === undefined
              ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION
              : path === options.logDir
                ? errorCodes.NONE
                : errorCodes.LOG_DIR_NOT_FOUND;
          exchange.noteError(errorCode);
          answers.set(index, errorCode);
        }
      }
    }
    const results = [...byTopic].map(([topicName, answers]) => ({
      topicName,
      partitions: [...answers].map(([partitionIndex, errorCode]) => ({ partitionIndex, errorCode })),
    }));
    return { throttleTimeMs: 0, results };
  },
});
