import type { WireValue } from '../aws/wire/wire-codec.ts';

/** Requests that work or are refused for what is not there, of all operations but SubscribeToShard, which goes on. */
export const goodRequests: Readonly<Record<string, object>> = {
  AddTagsToStream: { StreamName: 's', Tags: { a: 'b' } },
  CreateStream: { StreamName: 'made', ShardCount: 1, StreamModeDetails: { StreamMode: 'PROVISIONED' } },
  DecreaseStreamRetentionPeriod: { StreamName: 's', RetentionPeriodHours: 24 },
  DeleteResourcePolicy: { ResourceARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/s' },
  DeleteStream: { StreamName: 'gone' },
  DeregisterStreamConsumer: { StreamARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/s', ConsumerName: 'c' },
  DescribeAccountSettings: {},
  DescribeLimits: {},
  DescribeStream: { StreamName: 's', Limit: 5, ExclusiveStartShardId: 'shardId-000000000000' },
  DescribeStreamConsumer: { ConsumerARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/s/consumer/c:1' },
  DescribeStreamSummary: { StreamARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/s' },
  DisableEnhancedMonitoring: { StreamName: 's', ShardLevelMetrics: ['ALL'] },
  EnableEnhancedMonitoring: { StreamName: 's', ShardLevelMetrics: ['IncomingBytes'] },
  GetRecords: { ShardIterator: 'AAAAAAAAAAE=', Limit: 3 },
  GetResourcePolicy: { ResourceARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/s' },
  GetShardIterator: { StreamName: 's', ShardId: '0', ShardIteratorType: 'AT_TIMESTAMP', Timestamp: 1.5 },
  IncreaseStreamRetentionPeriod: { StreamName: 's', RetentionPeriodHours: 48 },
  ListShards: { StreamName: 's', MaxResults: 2, ShardFilter: { Type: 'AT_TIMESTAMP', Timestamp: 1 } },
  ListStreamConsumers: { StreamARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/s', MaxResults: 1 },
  ListStreams: { Limit: 1, ExclusiveStartStreamName: 'a' },
  ListTagsForResource: { ResourceARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/s' },
  ListTagsForStream: { StreamName: 's', Limit: 1, ExclusiveStartTagKey: 'a' },
  MergeShards: { StreamName: 's', ShardToMerge: 'shardId-0', AdjacentShardToMerge: 'shardId-1' },
  PutRecord: { StreamName: 's', PartitionKey: 'k', Data: 'AAAA', ExplicitHashKey: '5' },
  PutRecords: {
    StreamName: 's',
    Records: [
      { PartitionKey: 'k', Data: 'AAAA' },
      { PartitionKey: 'l', Data: '' },
    ],
  },
  PutResourcePolicy: { ResourceARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/s', Policy: '{"Statement":[]}' },
  RegisterStreamConsumer: {
    StreamARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/s',
    ConsumerName: 'c',
    Tags: { a: 'b' },
  },
  RemoveTagsFromStream: { StreamName: 's', TagKeys: ['a'] },
  SplitShard: { StreamName: 's', ShardToSplit: 'shardId-0', NewStartingHashKey: '85' },
  StartStreamEncryption: { StreamName: 's', EncryptionType: 'KMS', KeyId: 'alias/aws/kinesis' },
  StopStreamEncryption: { StreamName: 's', EncryptionType: 'KMS', KeyId: 'alias/aws/kinesis' },
  TagResource: { ResourceARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/s', Tags: { a: 'b' } },
  UntagResource: { ResourceARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/s', TagKeys: ['a'] },
  UpdateAccountSettings: { MinimumThroughputBillingCommitment: { Status: 'ENABLED' } },
  UpdateMaxRecordSize: { StreamARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/s', MaxRecordSizeInKiB: 2048 },
  UpdateShardCount: { StreamName: 's', TargetShardCount: 2, ScalingType: 'UNIFORM_SCALING' },
  UpdateStreamMode: {
    StreamARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/s',
    StreamModeDetails: { StreamMode: 'ON_DEMAND' },
  },
  UpdateStreamRecordDistributionStrategy: {
    StreamARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/s',
    RecordDistributionStrategy: 'AUTO',
  },
  UpdateStreamWarmThroughput: { StreamName: 's', WarmThroughputMiBps: 5 },
};

/** What comes in the place of members. */
const odd = [
  null,
  true,
  -1,
  1e99,
  0.5,
  '',
  '\u0000',
  '\ud800',
  'x'.repeat(300),
  [],
  [[]],
  {},
  { a: 1 },
  '__proto__',
  '9'.repeat(60),
];

/** A value with some of its members changed, some left out and some added. */
export function mutated(value: unknown, random: () => number): unknown {
  const strange = () => odd[Math.floor(random() * odd.length)];
  if (random() < 0.15) return strange();
  if (Array.isArray(value)) {
    return random() < 0.1 ? [...(value as unknown[]), strange()] : value.map((item) => mutated(item, random));
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, member]) => [name, mutated(member, random)] as const);
  return Object.fromEntries(random() < 0.1 ? entries.slice(1) : entries);
}

/** What CBOR has types of its own for. */
export function inCbor(value: unknown, name = ''): WireValue {
  if (typeof value === 'string' && name === 'Data') return Buffer.from(value, 'base64');
  if (typeof value === 'number' && name === 'Timestamp') return new Date(value * 1000);
  if (Array.isArray(value)) return value.map((item) => inCbor(item));
  if (typeof value !== 'object' || value === null) return value as WireValue;
  return Object.fromEntries(Object.entries(value).map(([member, inner]) => [member, inCbor(inner, member)]));
}
