import { describeLogDirsApi, type DescribeLogDirsResponse, errorCodes } from '@tailrace/kafka-protocol';
import type { Partition, Stream } from '@tailrace/shard-core';
import type { Bridge } from '../bridge.ts';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import { volumeOf } from '../topics/log-directory.ts';
import { handler } from './handler.ts';

type TopicAnswer = DescribeLogDirsResponse['results'][number]['topics'][number];
type PartitionAnswer = TopicAnswer['partitions'][number];

/**
 * DescribeLogDirs: how large partitions are. There is one directory, that of the store. Who asks every broker, as consoles
 * do, sees each partition once: at the bridge that leads it. Topics and partitions that there are not are left out.
 * Errors: KAFKA_STORAGE_ERROR for the directory, when the store is away.
 */
export const describeLogDirs = handler({
  api: describeLogDirsApi,
  versions: describeLogDirsApi.advertised,
  async run({ topics }, exchange, bridge) {
    const wanted: { stream: Stream; partitions: readonly Partition[] }[] = [];
    if (topics === null) {
      for (const name of bridge.catalog.names()) {
        const stream = bridge.catalog.peek(name);
        if (stream !== undefined) wanted.push({ stream, partitions: stream.partitions });
      }
    } else {
      for (const { topic, partitions } of topics) {
        const stream = bridge.catalog.peek(topic);
        if (stream === undefined) continue;
        wanted.push({
          stream,
          partitions: [...new Set(partitions)].flatMap((index) => stream.partitions[index] ?? []),
        });
      }
    }
    const { logDir } = bridge.options;
    const measured = await unlessUnavailable(measure(wanted, bridge), () => undefined);
    const errorCode = measured === undefined ? errorCodes.KAFKA_STORAGE_ERROR : errorCodes.NONE;
    exchange.noteError(errorCode);
    const volume = await volumeOf(logDir);
    return {
      throttleTimeMs: 0,
      errorCode: errorCodes.NONE,
      results: [{ errorCode, logDir, topics: measured ?? [], ...volume, isCordoned: false }],
    };
  },
});

/** One topic after the other: a topic's shards are asked for together, all of a deployment's would be too many. */
async function measure(
  wanted: readonly { readonly stream: Stream; readonly partitions: readonly Partition[] }[],
  bridge: Bridge,
): Promise<TopicAnswer[]> {
  const answers: TopicAnswer[] = [];
  for (const { stream, partitions } of wanted) {
    const own = partitions.filter(({ index }) => bridge.brokers.leads(stream.id, index));
    const sizes = await Promise.all(own.map((partition) => measurePartition(partition, bridge)));
    if (sizes.length > 0) answers.push({ name: stream.name, partitions: sizes });
  }
  return answers;
}

async function measurePartition({ index, chain }: Partition, { store }: Bridge): Promise<PartitionAnswer> {
  const links = await Promise.all(chain.map(({ key }) => store.log.bounds(key)));
  const bytes = links.reduce((sum, link) => sum + (link.ok ? link.value.sizeBytes : 0), 0);
  return { partitionIndex: index, partitionSize: BigInt(bytes), offsetLag: 0n, isFutureKey: false };
}
