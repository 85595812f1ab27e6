import { startRedis, temporaryDirectory } from '@tailrace/testkit';
import { startApacheKafka } from '../apache-kafka.ts';
import { service } from '../service.ts';

export interface Server {
  readonly bootstrap: string;
  /** What results are kept under. */
  readonly name: string;
  stop(): Promise<void>;
}

/** The service on one of its stores, or a real Apache Kafka, on free ports and without limits. */
export async function startServer({
  redis,
  peer,
  defaultPartitions = 4,
}: {
  readonly redis?: boolean;
  readonly peer?: string;
  /** Of topics that clients make by naming them. */
  readonly defaultPartitions?: number;
}): Promise<Server> {
  if (peer !== undefined && peer !== 'apache') throw new Error(`--peer ${peer}: there is apache`);
  if (peer === 'apache') {
    const broker = await startApacheKafka({
      'group.initial.rebalance.delay.ms': '0',
      'num.partitions': String(defaultPartitions),
    });
    return { bootstrap: broker.kafka, name: 'apache', stop: () => broker.stop() };
  }
  const directory = await temporaryDirectory();
  const store = redis ? await startRedis({ appendonly: true }) : undefined;
  const server = await service({
    env: {
      TAILRACE_DATA_DIR: directory.path,
      ...(store ? { TAILRACE_STORE: 'redis', TAILRACE_REDIS_URL: store.url } : {}),
      TAILRACE_LIMITS: 'off',
      TAILRACE_DEFAULT_PARTITIONS: String(defaultPartitions),
    },
  });
  await server.start();
  return {
    bootstrap: server.kafka,
    name: store ? 'redis' : 'embedded',
    async stop() {
      await server.stop();
      await store?.stop();
      await directory.remove();
    },
  };
}
