import { beforeEach, describe, expect, it } from '@jest/globals';
import { type AccessKeyIdentity, compilePolicy, type PolicyDocument, FULL_ACCESS, userArn } from '@tailrace/identity';
import { type AwsAnswer, awsError, type AwsHarness, awsHarness } from '../../test/aws-harness.ts';
import { TARGET_PREFIX } from './aws-protocol.ts';
import type { Authentication } from './caller.ts';
import type { OperationName } from './operation-names.ts';

const HOME = { account: '000000000000', region: 'us-east-1' };
const IRELAND = { account: '000000000000', region: 'eu-west-1' };
const OTHER = { account: '444455556666', region: 'us-east-1' };
type Place = typeof HOME;

const arnIn = ({ account, region }: Place, name = 'orders') => `arn:aws:kinesis:${region}:${account}:stream/${name}`;
const textOf = (data: unknown) => Buffer.from(data as string, 'base64').toString();

let harness: AwsHarness;
let call: (place: Place, operation: OperationName, input: object) => Promise<AwsAnswer>;
let ok: <T = Record<string, unknown>>(place: Place, operation: OperationName, input: object) => Promise<T>;

function callsOf({ send }: AwsHarness): typeof call {
  return ({ account, region }, operation, input) =>
    send({
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `${TARGET_PREFIX}.${operation}`,
        authorization: `AWS4-HMAC-SHA256 Credential=${account}/20261123/${region}/kinesis/aws4_request, SignedHeaders=host, Signature=0`,
      },
      body: JSON.stringify(input),
    });
}

async function put(place: Place, reference: object, data: string): Promise<void> {
  await ok(place, 'PutRecord', { ...reference, PartitionKey: 'k', Data: Buffer.from(data).toString('base64') });
}

async function iterator(place: Place, reference: object): Promise<string> {
  const position = { ...reference, ShardId: '0', ShardIteratorType: 'TRIM_HORIZON' };
  return (await ok<{ ShardIterator: string }>(place, 'GetShardIterator', position)).ShardIterator;
}

async function read(place: Place, reference: object): Promise<string[]> {
  const arn = 'StreamARN' in reference ? reference : {};
  const input = { ShardIterator: await iterator(place, reference), ...arn };
  const { Records } = await ok<{ Records: { Data: string }[] }>(place, 'GetRecords', input);
  return Records.map(({ Data }) => textOf(Data));
}

const notFound = ({ account }: Place, name = 'orders') =>
  awsError('ResourceNotFoundException', `Stream ${name} under account ${account} not found.`);

describe('accounts and regions that are kept apart', () => {
  beforeEach(async () => {
    harness = await awsHarness({ home: HOME });
    call = callsOf(harness);
    ok = async <T>(place: Place, operation: OperationName, input: object) => {
      const { statusCode, body } = await call(place, operation, input);
      if (statusCode !== 200) throw new Error(`${operation}: ${statusCode} ${JSON.stringify(body)}`);
      return body as T;
    };
  });

  it('have a stream each under one name, with records of its own', async () => {
    for (const place of [HOME, IRELAND, OTHER]) {
      await ok(place, 'CreateStream', { StreamName: 'orders', ShardCount: 1 });
      await put(place, { StreamName: 'orders' }, `${place.account} ${place.region}`);
    }
    for (const place of [HOME, IRELAND, OTHER]) {
      const own = `${place.account} ${place.region}`;
      expect(await read(place, { StreamName: 'orders' })).toEqual([own]);
      expect(await read(place, { StreamARN: arnIn(place) })).toEqual([own]);
      expect(await call(place, 'CreateStream', { StreamName: 'orders', ShardCount: 1 })).toEqual(
        awsError('ResourceInUseException', `Stream orders under account ${place.account} already exists.`),
      );
    }
    expect(harness.catalog.names()).toEqual([
      '000000000000.eu-west-1.orders',
      '444455556666.us-east-1.orders',
      'orders',
    ]);
  });

  it('do not see one another by name, and regions not by ARN either', async () => {
    await ok(OTHER, 'CreateStream', { StreamName: 'orders', ShardCount: 1 });
    for (const place of [HOME, IRELAND, { ...OTHER, region: 'eu-west-1' }]) {
      expect(await call(place, 'DescribeStreamSummary', { StreamName: 'orders' })).toEqual(notFound(place));
      expect(await call(place, 'DeleteStream', { StreamName: 'orders' })).toEqual(notFound(place));
      expect(
        await call(place, 'SplitShard', { StreamName: 'orders', ShardToSplit: '0', NewStartingHashKey: '9' }),
      ).toEqual(notFound(place));
      const kept = '444455556666.us-east-1.orders';
      expect(await call(place, 'DescribeStreamSummary', { StreamName: kept })).toEqual(notFound(place, kept));
      const put = { StreamName: kept, PartitionKey: 'k', Data: '' };
      expect(await call(place, 'PutRecord', put)).toEqual(notFound(place, kept));
    }
    for (const place of [IRELAND, { ...OTHER, region: 'eu-west-1' }]) {
      expect(await call(place, 'DescribeStreamSummary', { StreamARN: arnIn(OTHER) })).toEqual(notFound(OTHER));
      expect(await call(place, 'ListTagsForResource', { ResourceARN: arnIn(OTHER) })).toEqual(notFound(OTHER));
    }
    // Another account's by ARN, in its region: whether it may is for policies to say, where somebody authenticates.
    await put(HOME, { StreamARN: arnIn(OTHER) }, 'from home');
    expect(await read(OTHER, { StreamName: 'orders' })).toEqual(['from home']);
  });

  it('show streams by their own names everywhere', async () => {
    const place = IRELAND;
    await ok(place, 'CreateStream', { StreamName: 'orders', ShardCount: 2, Tags: { of: 'ireland' } });
    const named = { StreamName: 'orders', StreamARN: arnIn(place) };
    expect(await ok(place, 'DescribeStream', { StreamName: 'orders' })).toMatchObject({ StreamDescription: named });
    expect(await ok(place, 'DescribeStreamSummary', { StreamARN: arnIn(place) })).toMatchObject({
      StreamDescriptionSummary: named,
    });
    expect(await ok(place, 'ListTagsForStream', { StreamName: 'orders' })).toMatchObject({
      Tags: [{ Key: 'of', Value: 'ireland' }],
    });
    expect(await ok(place, 'ListTagsForResource', { ResourceARN: arnIn(place) })).toEqual({
      Tags: [{ Key: 'of', Value: 'ireland' }],
    });
    expect(
      await ok(place, 'EnableEnhancedMonitoring', { StreamName: 'orders', ShardLevelMetrics: ['ALL'] }),
    ).toMatchObject(named);
    expect(
      await ok(place, 'UpdateShardCount', { ...named, TargetShardCount: 3, ScalingType: 'UNIFORM_SCALING' }),
    ).toMatchObject({ ...named, TargetShardCount: 3 });
    const { Consumer } = await ok<{ Consumer: { ConsumerARN: string } }>(place, 'RegisterStreamConsumer', {
      StreamARN: arnIn(place),
      ConsumerName: 'app',
    });
    expect(Consumer.ConsumerARN).toMatch(`${arnIn(place)}/consumer/app:`);
    const { ConsumerARN } = Consumer;
    expect(await ok(place, 'DescribeStreamConsumer', { ConsumerARN })).toMatchObject({
      ConsumerDescription: { ConsumerName: 'app', StreamARN: arnIn(place) },
    });
    expect(await call(HOME, 'DescribeStreamConsumer', { ConsumerARN })).toEqual(notFound(place));
    expect(await call(place, 'DeleteStream', { StreamName: 'orders' })).toEqual(
      awsError(
        'ResourceInUseException',
        `DeleteStream can't delete ${place.account}:orders because there are consumers associated with this data stream. ` +
          'To delete orders anyway, set the EnforceConsumerDeletion parameter to true.',
      ),
    );
    await ok(place, 'DeleteStream', { StreamName: 'orders', EnforceConsumerDeletion: true });
    expect(harness.catalog.names()).toEqual([]);
  });

  it('list their own streams, in pages', async () => {
    for (const place of [HOME, IRELAND, OTHER]) {
      for (const name of ['a', 'b', 'c']) {
        await ok(place, 'CreateStream', { StreamName: `${name}-${place.region}`, ShardCount: 1 });
      }
    }
    for (const place of [HOME, IRELAND, OTHER]) {
      const first = await ok<{ NextToken: string }>(place, 'ListStreams', { Limit: 2 });
      expect(first).toMatchObject({ StreamNames: [`a-${place.region}`, `b-${place.region}`], HasMoreStreams: true });
      expect(first).toMatchObject({ StreamSummaries: [{ StreamARN: arnIn(place, `a-${place.region}`) }, {}] });
      expect(await ok(place, 'ListStreams', { NextToken: first.NextToken })).toMatchObject({
        StreamNames: [`c-${place.region}`],
        HasMoreStreams: false,
        StreamSummaries: [{ StreamName: `c-${place.region}`, StreamStatus: 'ACTIVE' }],
      });
    }
    expect(await ok({ ...HOME, region: 'ap-east-1' }, 'ListStreams', {})).toMatchObject({ StreamNames: [] });
  });

  it('take no iterators and tokens of one another', async () => {
    for (const place of [HOME, IRELAND, OTHER])
      await ok(place, 'CreateStream', { StreamName: 'orders', ShardCount: 3 });
    const invalid = awsError('InvalidArgumentException', 'Invalid ShardIterator.');
    const ShardIterator = await iterator(OTHER, { StreamName: 'orders' });
    expect(await call(HOME, 'GetRecords', { ShardIterator })).toEqual(invalid);
    expect(await call({ ...OTHER, region: 'eu-west-1' }, 'GetRecords', { ShardIterator })).toEqual(invalid);
    expect(await call(HOME, 'GetRecords', { ShardIterator, StreamARN: arnIn(HOME) })).toEqual(
      awsError('InvalidArgumentException', `The ShardIterator is not one of the stream ${arnIn(HOME)}.`),
    );
    expect(await ok(HOME, 'GetRecords', { ShardIterator, StreamARN: arnIn(OTHER) })).toMatchObject({ Records: [] });

    const page = { StreamARN: arnIn(OTHER), MaxResults: 1 };
    const { NextToken } = await ok<{ NextToken: string }>(HOME, 'ListShards', page);
    expect(await call(OTHER, 'ListShards', { NextToken })).toEqual(
      awsError('InvalidArgumentException', 'Invalid NextToken.'),
    );
    expect(await ok(HOME, 'ListShards', { NextToken })).toMatchObject({
      Shards: [{ ShardId: 'shardId-000000000001' }, { ShardId: 'shardId-000000000002' }],
    });
    await ok(OTHER, 'DeleteStream', { StreamName: 'orders' });
    expect(await call(HOME, 'ListShards', { NextToken })).toEqual(notFound(OTHER));
    expect(await call(OTHER, 'GetRecords', { ShardIterator })).toEqual(
      awsError(
        'ResourceNotFoundException',
        `Shard shardId-000000000000 in stream orders under account ${OTHER.account} does not exist`,
      ),
    );
  });

  it('have limits and settings of their own', async () => {
    await ok(HOME, 'CreateStream', { StreamName: 'a', ShardCount: 3 });
    await ok(IRELAND, 'CreateStream', { StreamName: 'a', StreamModeDetails: { StreamMode: 'ON_DEMAND' } });
    expect(await ok(HOME, 'DescribeLimits', {})).toMatchObject({ OpenShardCount: 3, OnDemandStreamCount: 0 });
    expect(await ok(IRELAND, 'DescribeLimits', {})).toMatchObject({ OpenShardCount: 4, OnDemandStreamCount: 1 });
    expect(await ok(OTHER, 'DescribeLimits', {})).toMatchObject({ OpenShardCount: 0, OnDemandStreamCount: 0 });
    await ok(IRELAND, 'UpdateAccountSettings', { MinimumThroughputBillingCommitment: { Status: 'ENABLED' } });
    const status = async (place: Place) =>
      (await ok<{ MinimumThroughputBillingCommitment: { Status: string } }>(place, 'DescribeAccountSettings', {}))
        .MinimumThroughputBillingCommitment.Status;
    expect(await Promise.all([HOME, IRELAND, OTHER].map(status))).toEqual(['DISABLED', 'ENABLED', 'DISABLED']);
    await ok(IRELAND, 'UpdateStreamWarmThroughput', { StreamName: 'a', WarmThroughputMiBps: 2 });
  });

  it('reserve the names of what is kept, for whoever has no owner', async () => {
    const reserved = '444455556666.us-east-1.orders';
    expect(await call(HOME, 'CreateStream', { StreamName: reserved, ShardCount: 1 })).toEqual(
      awsError(
        'InvalidArgumentException',
        `StreamName ${reserved} has the form of the name of a stream in another account or region.`,
      ),
    );
    const topic = { shardCount: 1, mode: 'ON_DEMAND', origin: 'kafka' } as const;
    expect(await harness.catalog.create({ ...topic, name: reserved })).toEqual({
      ok: false,
      refusal: { code: 'streamNameReserved', stream: reserved },
    });
    // Elsewhere such a name is one as any other.
    await ok(OTHER, 'CreateStream', { StreamName: reserved, ShardCount: 1 });
    expect(await ok(OTHER, 'ListStreams', {})).toMatchObject({ StreamNames: [reserved] });
    expect((await harness.catalog.create({ ...topic, name: 'orders' })).ok).toBe(true);
    expect(await ok(HOME, 'ListStreams', {})).toMatchObject({ StreamNames: ['orders'] });
  });

  it('leave a topic at home that had such a name before', async () => {
    const kept = '444455556666.us-east-1.orders';
    const before = await awsHarness();
    await before.ok('CreateStream', { StreamName: kept, ShardCount: 1 });
    const [document] = await before.store.documents.list('stream/');
    await harness.store.documents.write([{ key: document!.key, value: document!.value, expected: 'any' }]);
    expect(await call(OTHER, 'DescribeStreamSummary', { StreamName: 'orders' })).toEqual(notFound(OTHER));
    expect(await ok(HOME, 'ListStreams', {})).toMatchObject({ StreamNames: [kept] });
    expect(await call(OTHER, 'CreateStream', { StreamName: 'orders', ShardCount: 1 })).toEqual(
      awsError('ResourceInUseException', `Stream orders under account ${OTHER.account} already exists.`),
    );
  });
});

describe('one name space', () => {
  it('shows every account and region the same streams', async () => {
    const shared = await awsHarness();
    const ask = callsOf(shared);
    expect((await ask(HOME, 'CreateStream', { StreamName: 'orders', ShardCount: 1 })).statusCode).toBe(200);
    for (const place of [HOME, IRELAND, OTHER]) {
      expect(await ask(place, 'DescribeStreamSummary', { StreamName: 'orders' })).toMatchObject({
        body: { StreamDescriptionSummary: { StreamName: 'orders', StreamARN: arnIn(place) } },
      });
    }
    expect(shared.catalog.names()).toEqual(['orders']);
  });
});

describe('accounts that are kept apart, with access keys', () => {
  const identity = ({ account }: Place, userName: string, document: PolicyDocument): AccessKeyIdentity => {
    const compiled = compilePolicy('identity', document);
    if (!compiled.ok) throw new Error(compiled.problem);
    return { accessKeyId: userName, account, userName, arn: userArn(account, userName), policies: [compiled.policy] };
  };
  const identities = [identity(HOME, 'ops', FULL_ACCESS), identity(OTHER, 'guest', FULL_ACCESS)];
  const authentication: Authentication = {
    account: HOME.account,
    verify({ headers }) {
      const [userName, region] = (headers.authorization as string).split(' ');
      const found = identities.find((known) => known.userName === userName) as AccessKeyIdentity;
      return { ok: true, identity: found, accessKeyId: found.accessKeyId, region: region as string };
    },
  };

  it('let a key use the streams of its own account, and those whose policies say so', async () => {
    const { send, catalog } = await awsHarness({ authentication, home: HOME });
    const as = (user: string, operation: OperationName, input: object) =>
      send({
        headers: {
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': `${TARGET_PREFIX}.${operation}`,
          authorization: user,
        },
        body: JSON.stringify(input),
      });
    const fine = { statusCode: 200 };
    expect(await as('ops us-east-1', 'CreateStream', { StreamName: 'orders', ShardCount: 2 })).toMatchObject(fine);
    expect(await as('guest us-east-1', 'CreateStream', { StreamName: 'orders', ShardCount: 1 })).toMatchObject(fine);
    expect(await as('guest us-east-1', 'ListStreams', {})).toMatchObject({
      ...fine,
      body: { StreamNames: ['orders'] },
    });
    expect(await as('guest us-east-1', 'ListShards', { StreamName: 'orders' })).toMatchObject({
      ...fine,
      body: { Shards: [{}] },
    });
    const theirs = { StreamARN: arnIn(HOME), MaxResults: 1 };
    const denied = { statusCode: 400, body: { __type: 'AccessDeniedException' } };
    expect(await as('guest us-east-1', 'ListShards', theirs)).toMatchObject(denied);
    const shown = `${HOME.account}.us-east-1.orders`;
    expect(await as('guest us-east-1', 'ListShards', { StreamName: shown })).toMatchObject({
      body: { __type: 'ResourceNotFoundException' },
    });

    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: OTHER.account },
          Action: ['kinesis:ListShards', 'kinesis:GetShardIterator', 'kinesis:GetRecords'],
          Resource: arnIn(HOME),
        },
      ],
    });
    expect(await as('guest us-east-1', 'PutResourcePolicy', { ResourceARN: arnIn(HOME), Policy })).toMatchObject(
      denied,
    );
    expect(await as('ops us-east-1', 'PutResourcePolicy', { ResourceARN: arnIn(HOME), Policy })).toMatchObject(fine);
    await new Promise(setImmediate);
    const listed = await as('guest us-east-1', 'ListShards', theirs);
    expect(listed).toMatchObject(fine);
    const { NextToken } = listed.body as { NextToken: string };
    expect(await as('guest us-east-1', 'ListShards', { NextToken })).toMatchObject({ ...fine, body: { Shards: [{}] } });
    const position = { StreamARN: arnIn(HOME), ShardId: '0', ShardIteratorType: 'LATEST' };
    const { body } = await as('guest us-east-1', 'GetShardIterator', position);
    const { ShardIterator } = body as { ShardIterator: string };
    expect(await as('guest us-east-1', 'GetRecords', { ShardIterator, StreamARN: arnIn(HOME) })).toMatchObject(fine);
    expect(await as('guest us-east-1', 'DeleteStream', { StreamARN: arnIn(HOME) })).toMatchObject(denied);
    // The policy is one of the home's stream, and not of another region's of the same name.
    expect(await as('guest eu-west-1', 'ListShards', theirs)).toMatchObject(denied);
    expect(await as('ops eu-west-1', 'ListShards', theirs)).toMatchObject({
      body: { __type: 'ResourceNotFoundException' },
    });
    expect(catalog.names()).toEqual(['444455556666.us-east-1.orders', 'orders']);
  });
});
