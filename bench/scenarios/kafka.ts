import { fetchAll, type KafkaLoad, type KafkaLoadResult, produce, rdkafkaPerformance } from '../loads/kafka-load.ts';
import { touchMemory } from '../loads/touch-memory.ts';
import type { Server } from '../peers/server.ts';
import type { Measured, Scenario } from './scenario.ts';

const RECORD_BYTES = 1024;
const RECORDS = 1_200_000;

let topics = 0;
/** Topics are made by the first request: both servers are set to one partition. */
function freshTopic(server: Server, records: number): KafkaLoad {
  const program = rdkafkaPerformance();
  if (program === undefined)
    throw new Error('rdkafka_performance could not be built: a C compiler and make are needed');
  return {
    program,
    port: server.kafkaPort as number,
    topic: `bench-${process.pid}-${++topics}`,
    records,
    recordBytes: RECORD_BYTES,
  };
}

const rate = (result: KafkaLoadResult): Measured => ({
  value: result.megabytesPerSecond,
  clientCpuSeconds: result.clientCpuSeconds,
  seconds: (result.records * RECORD_BYTES) / 1e6 / result.megabytesPerSecond,
});

export const KAFKA_SCENARIOS: readonly Scenario[] = [
  {
    name: 'Kafka produce, 1 KiB, acks=all, one partition',
    unit: 'MB/s',
    peer: 'apache-kafka',
    floor: 1.3,
    command: `rdkafka_performance -P -s ${RECORD_BYTES} -c ${RECORDS} -a -1`,
    measure: async (server, scale) => {
      const load = freshTopic(server, RECORDS * scale);
      touchMemory(2 * load.records * RECORD_BYTES);
      return rate(await produce(load));
    },
  },
  {
    name: 'Kafka fetch, 1 KiB, from the beginning, one partition',
    unit: 'MB/s',
    peer: 'apache-kafka',
    floor: 1,
    command: `rdkafka_performance -C -o beginning -c ${RECORDS}`,
    measure: async (server, scale) => {
      const load = freshTopic(server, RECORDS * scale);
      await produce(load);
      return rate(await fetchAll(load));
    },
  },
];

/** Produces `gigabytes` in one go. */
export async function produceGigabytes(server: Server, gigabytes: number): Promise<KafkaLoadResult> {
  return produce(freshTopic(server, Math.ceil((gigabytes * 1e9) / RECORD_BYTES)));
}
