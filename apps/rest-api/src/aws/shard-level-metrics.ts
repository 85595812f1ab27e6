import type { StreamDocument } from '@tailrace/shard-core';
import type { NamedStreams, StreamReference } from './named-streams.ts';
import type { WireStructure } from './wire/wire-codec.ts';
import { list, string } from './wire/shapes.ts';

/** In the order in which the service lists them. */
const METRICS = [
  'IncomingBytes',
  'OutgoingRecords',
  'IteratorAgeMilliseconds',
  'IncomingRecords',
  'ReadProvisionedThroughputExceeded',
  'WriteProvisionedThroughputExceeded',
  'OutgoingBytes',
] as const;

export const shardLevelMetrics = list({
  min: 1,
  max: METRICS.length,
  of: string({
    values: [
      'IncomingBytes',
      'IncomingRecords',
      'OutgoingBytes',
      'OutgoingRecords',
      'WriteProvisionedThroughputExceeded',
      'ReadProvisionedThroughputExceeded',
      'IteratorAgeMilliseconds',
      'ALL',
    ],
  }),
});

/** Turns metrics of a stream's shards on or off. Answers as EnableEnhancedMonitoring and DisableEnhancedMonitoring do. */
export async function changeMetrics(
  reference: StreamReference,
  named: readonly string[],
  enabled: boolean,
  streams: NamedStreams,
): Promise<WireStructure> {
  const chosen = new Set(named.includes('ALL') ? METRICS : named);
  const next = ({ shardLevelMetrics: current = [] }: StreamDocument) =>
    METRICS.filter((metric) => (chosen.has(metric) ? enabled : current.includes(metric)));
  const before = await streams.change(reference, (document) => ({ ...document, shardLevelMetrics: next(document) }));
  return {
    StreamName: streams.nameShown(before),
    CurrentShardLevelMetrics: before.document.shardLevelMetrics ?? [],
    DesiredShardLevelMetrics: next(before.document),
    StreamARN: streams.arnOf(reference, before),
  };
}
