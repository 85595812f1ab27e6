import { ENCRYPTED } from './encryption.ts';
import type { Stream } from '@tailrace/shard-core';
import type { WireStructure } from './wire/wire-codec.ts';
import { retentionHoursOf } from './retention-hours.ts';

/** What DescribeStream and DescribeStreamSummary say of a stream alike. */
export function describeStream(stream: Stream, streamName: string, arn: string): WireStructure {
  const { document } = stream;
  return {
    StreamName: streamName,
    StreamARN: arn,
    StreamStatus: document.status,
    StreamModeDetails: { StreamMode: document.mode },
    RetentionPeriodHours: retentionHoursOf(stream),
    StreamCreationTimestamp: new Date(document.createdAtMs),
    EnhancedMonitoring: [{ ShardLevelMetrics: document.shardLevelMetrics ?? [] }],
    EncryptionType: document.encryption === undefined ? 'NONE' : ENCRYPTED,
    KeyId: document.encryption?.keyId,
  };
}
