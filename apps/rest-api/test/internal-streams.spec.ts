import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type AwsHarness, awsHarness } from './aws-harness.ts';
import { MemoryStore } from './rest-memory-store.ts';
import { type RestService, startRestService } from './rest-service.ts';

const NAME = '__consumer_offsets';
const made = { name: NAME, shardCount: 50, mode: 'ON_DEMAND', origin: 'kafka' } as const;
const NOT_FOUND = {
  statusCode: 400,
  body: { __type: 'ResourceNotFoundException', message: `Stream ${NAME} under account 000000000000 not found.` },
};

describe('a stream that the service writes for Kafka clients, to callers of the AWS API', () => {
  let aws: AwsHarness;
  beforeAll(async () => {
    aws = await awsHarness();
    await aws.catalog.create(made);
  });

  it('is not listed and does not count', async () => {
    expect(await aws.ok('ListStreams', {})).toMatchObject({ StreamNames: [], StreamSummaries: [] });
    expect(await aws.ok('DescribeLimits', {})).toMatchObject({ OpenShardCount: 0, OnDemandStreamCount: 0 });
  });

  it.each([
    ['DescribeStreamSummary', {}],
    ['DescribeStream', {}],
    ['ListShards', {}],
    ['PutRecord', { Data: 'eA==', PartitionKey: 'k' }],
    ['GetShardIterator', { ShardId: 'shardId-000000000000', ShardIteratorType: 'TRIM_HORIZON' }],
    ['AddTagsToStream', { Tags: { a: 'b' } }],
    ['SplitShard', { ShardToSplit: 'shardId-000000000000', NewStartingHashKey: '10' }],
    ['UpdateShardCount', { TargetShardCount: 100, ScalingType: 'UNIFORM_SCALING' }],
    ['DeleteStream', {}],
  ] as const)('is not there for %s', async (operation, input) => {
    const name = operation === 'GetShardIterator' ? expect.stringContaining('not') : NOT_FOUND.body.message;
    expect(await aws.call(operation, { StreamName: NAME, ...input })).toMatchObject({
      statusCode: 400,
      body: { __type: 'ResourceNotFoundException', message: name },
    });
  });

  it('cannot be made', async () => {
    expect(await aws.call('CreateStream', { StreamName: NAME, ShardCount: 1 })).toMatchObject({
      statusCode: 400,
      body: { __type: 'ResourceInUseException' },
    });
  });
});

describe('a stream that the service writes for Kafka clients, to callers of the REST API', () => {
  let rest: RestService;
  beforeAll(async () => {
    rest = await startRestService(new MemoryStore());
    await rest.catalog.create(made);
  });
  afterAll(() => rest.close());

  it('is not listed', async () => {
    expect((await rest.call('GET', '/v1/streams')).body).toEqual({ streams: [] });
  });

  it.each([
    ['GET', ''],
    ['GET', '/shards/0/records'],
    ['GET', '/events'],
    ['POST', '/records'],
    ['DELETE', ''],
  ])('is not there for %s %s', async (method, path) => {
    const body = method === 'POST' ? { partitionKey: 'k', data: 'x' } : undefined;
    const answer = await rest.call(method, `/v1/streams/${NAME}${path}`, body);
    expect([answer.status, answer.body.code]).toEqual([404, 'streamNotFound']);
  });

  it('cannot be made', async () => {
    expect((await rest.call('POST', '/v1/streams', { name: NAME, shards: 1 })).status).toBe(409);
  });
});
