import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@tailrace/testkit';
import { awsHarness } from '../../test/aws-harness.ts';
import { notImplemented, operations } from './operations/index.ts';
import { TARGET_PREFIX } from './aws-protocol.ts';
import type { WireStructure } from './operation.ts';
import { CBOR_MEDIA_TYPE, cborCodec } from './wire/cbor-codec.ts';
import { JSON_MEDIA_TYPE } from './wire/json-codec.ts';
import type { WireValue } from './wire/wire-codec.ts';

/** In each form. A longer run: `TAILRACE_FUZZ_REQUESTS=500000`. */
const MUTATIONS = Number(process.env.TAILRACE_FUZZ_REQUESTS ?? 3_000);
const PATIENCE_MS = 60_000 + MUTATIONS * 5;

/** Requests that work, for all operations. */
const good: Readonly<Record<string, object>> = {
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

/** What CBOR has types of its own for. */
function inCbor(value: unknown, name = ''): WireValue {
  if (typeof value === 'string' && name === 'Data') return Buffer.from(value, 'base64');
  if (typeof value === 'number' && name === 'Timestamp') return new Date(value * 1000);
  if (Array.isArray(value)) return value.map((item) => inCbor(item));
  if (typeof value !== 'object' || value === null) return value as WireValue;
  return Object.fromEntries(Object.entries(value).map(([member, inner]) => [member, inCbor(inner, member)]));
}

describe('mutated requests', () => {
  it.each([
    ['JSON', JSON_MEDIA_TYPE, 4711],
    ['CBOR', CBOR_MEDIA_TYPE, 4712],
  ])(
    'in %s are answered with 200 or an error of the protocol, never with a failure of ours',
    async (_, mediaType, seed) => {
      const { send, ok } = await awsHarness();
      await ok('CreateStream', { StreamName: 's', ShardCount: 2 });
      const random = seededRandom(seed);
      const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
      const names = Object.keys(operations).filter(
        (name) => operations[name as keyof typeof operations] !== notImplemented,
      );
      // It answers with events, over a connection of its own.
      expect(Object.keys(good)).toEqual(names.filter((name) => name !== 'SubscribeToShard'));

      const mutate = (value: unknown): unknown => {
        if (random() < 0.15) return pick(odd);
        if (Array.isArray(value)) return random() < 0.1 ? [...value, pick(odd)] : value.map(mutate);
        if (typeof value !== 'object' || value === null) return value;
        const entries = Object.entries(value).map(([name, member]) => [name, mutate(member)] as const);
        return Object.fromEntries(random() < 0.1 ? entries.slice(1) : entries);
      };
      for (let i = 0; i < MUTATIONS; i++) {
        const name = pick(Object.keys(good));
        const mutated = mutate(good[name]);
        const body =
          mediaType === CBOR_MEDIA_TYPE
            ? (cborCodec.encode(inCbor(mutated) as WireStructure) as Buffer)
            : Buffer.from(JSON.stringify(mutated));
        while (body.length > 0 && random() < 0.2) body[Math.floor(random() * body.length)] = Math.floor(random() * 256);
        const headers = { 'content-type': mediaType, 'x-amz-target': `${TARGET_PREFIX}.${name}` };
        const answer = await send({ headers, body });
        if (answer.statusCode !== 200 && answer.statusCode !== 400) {
          throw new Error(`${name} ${body.toString('hex')}: ${answer.statusCode} ${JSON.stringify(answer.body)}`);
        }
      }
    },
    PATIENCE_MS,
  );
});
