import type { Stream } from '@tailrace/shard-core';
import type { WireStructure } from './operation.ts';

const HOUR_MS = 3_600_000;

/** What DescribeStream and DescribeStreamSummary say of a stream alike. */
export function describeStream({ document, name }: Stream, arn: string): WireStructure {
  return {
    StreamName: name,
    StreamARN: arn,
    StreamStatus: document.status,
    StreamModeDetails: { StreamMode: document.mode },
    RetentionPeriodHours: Math.max(1, Math.floor(document.retentionMs / HOUR_MS)),
    StreamCreationTimestamp: new Date(document.createdAtMs),
    EnhancedMonitoring: [{ ShardLevelMetrics: [] }],
    EncryptionType: 'NONE',
  };
}
