import { describe, expect, it } from '@jest/globals';
import { type AccessKeyIdentity, compilePolicy, FULL_ACCESS, type PolicyDocument, userArn } from '@tailrace/identity';
import { awsError, awsHarness } from '../../test/aws-harness.ts';
import type { Authentication } from './caller.ts';
import { TARGET_PREFIX } from './aws-protocol.ts';
import type { OperationName } from './operation-names.ts';

const HOME = '111122223333';
const OTHER = '444455556666';
const REGION = 'eu-west-1';
const ARN = `arn:aws:kinesis:${REGION}:${HOME}:stream/s`;

function identity(account: string, userName: string, document: PolicyDocument): AccessKeyIdentity {
  const compiled = compilePolicy('identity', document);
  if (!compiled.ok) throw new Error(compiled.problem);
  return { accessKeyId: userName, account, userName, arn: userArn(account, userName), policies: [compiled.policy] };
}

function allow(Action: string | string[], Resource: string): PolicyDocument {
  return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource }] };
}

const identities = [
  identity(HOME, 'ops', FULL_ACCESS),
  identity(HOME, 'reader', allow(['kinesis:Get*', 'kinesis:ListShards'], ARN)),
  identity(HOME, 'nobody', allow('kinesis:ListShards', 'arn:aws:kinesis:*:*:stream/t')),
  identity(HOME, 'stream-only', allow('kinesis:*', ARN)),
  identity(OTHER, 'guest', FULL_ACCESS),
  identity(HOME, 'kept-out', {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: '*', Resource: '*' },
      { Effect: 'Deny', Action: '*', Resource: `${ARN}*` },
    ],
  }),
];

/** Whoever is named by the header `authorization` has signed. */
const authentication: Authentication = {
  account: HOME,
  verify({ headers }) {
    const found = identities.find(({ userName }) => userName === headers.authorization);
    return found === undefined
      ? { ok: false, type: 'UnrecognizedClientException', message: 'who?' }
      : { ok: true, identity: found, accessKeyId: found.userName, region: (headers['x-region'] as string) ?? REGION };
  },
};

async function deployment(region?: string) {
  const harness = await awsHarness({ authentication: { ...authentication, region } });
  const as = (user: string, operation: OperationName, input: object, headers: object = {}) =>
    harness.send({
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `${TARGET_PREFIX}.${operation}`,
        authorization: user,
        ...headers,
      },
      body: JSON.stringify(input),
    });
  expect(await as('ops', 'CreateStream', { StreamName: 's', ShardCount: 2 })).toMatchObject({ statusCode: 200 });
  return { ...harness, as };
}

const denied = (user: string, account: string, action: string, resource: string, why: string) => {
  const { body, ...answer } = awsError('AccessDeniedException', '');
  const { __type } = body as { __type: string };
  return {
    ...answer,
    body: {
      __type,
      Message: `User: ${userArn(account, user)} is not authorized to perform: kinesis:${action} on resource: ${resource} ${why}`,
    },
  };
};
const noIdentity = (action: string) => `because no identity-based policy allows the kinesis:${action} action`;
const noResource = (action: string) => `because no resource-based policy allows the kinesis:${action} action`;

async function iterator({ as }: Awaited<ReturnType<typeof deployment>>): Promise<string> {
  const position = { StreamName: 's', ShardId: '0', ShardIteratorType: 'LATEST' };
  const { body } = await as('ops', 'GetShardIterator', position);
  return (body as { ShardIterator: string }).ShardIterator;
}

/** The store tells of changes a moment later. */
const told = (): Promise<unknown> => new Promise(setImmediate);

describe('authorization', () => {
  it('asks who has signed before it looks at the input, and after it has found the operation', async () => {
    const { as, send } = await deployment();
    const unknown = awsError('UnrecognizedClientException', 'who?');
    expect(await as('mallory', 'DescribeStream', { StreamName: 5 })).toEqual(unknown);
    expect(
      await send({ headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'x' }, body: '{}' }),
    ).toMatchObject({ body: { __type: 'UnknownOperationException' } });
    // Types and limits come before permission.
    expect(await as('nobody', 'DescribeStream', { StreamName: '' })).toMatchObject({
      body: { __type: 'ValidationException' },
    });
  });

  it('asks for the stream in whatever way a request names it', async () => {
    const all = await deployment();
    const { as } = all;
    const ShardIterator = await iterator(all);
    const { body } = await as('ops', 'ListShards', { StreamName: 's', MaxResults: 1 });
    const { NextToken } = body as { NextToken: string };
    const position = { StreamName: 's', ShardId: '0', ShardIteratorType: 'LATEST' };
    const requests: [OperationName, object][] = [
      ['GetShardIterator', position],
      ['GetShardIterator', { ...position, StreamName: undefined, StreamARN: ARN }],
      ['GetRecords', { ShardIterator }],
      ['GetRecords', { ShardIterator, StreamARN: ARN }],
      ['ListShards', { StreamName: 's' }],
      ['ListShards', { NextToken }],
      ['GetResourcePolicy', { ResourceARN: ARN }],
    ];
    for (const [operation, input] of requests) {
      expect([operation, (await as('reader', operation, input)).statusCode]).toEqual([operation, 200]);
      expect(await as('nobody', operation, input)).toEqual(
        denied('nobody', HOME, operation, ARN, noIdentity(operation)),
      );
    }
    expect(await as('reader', 'ListStreams', {})).toEqual(
      denied('reader', HOME, 'ListStreams', '*', noIdentity('ListStreams')),
    );
    expect(await as('reader', 'PutRecord', { StreamName: 's', PartitionKey: 'k', Data: '' })).toEqual(
      denied('reader', HOME, 'PutRecord', ARN, noIdentity('PutRecord')),
    );
  });

  it('asks for the same stream however its ARN is written', async () => {
    const { as } = await deployment();
    const explicit = 'with an explicit deny in an identity-based policy';
    const elsewhere = ARN.replace('arn:aws:', 'arn:aws-cn:');
    for (const arn of [ARN, elsewhere]) {
      expect(await as('kept-out', 'DeleteStream', { StreamARN: arn })).toEqual(
        denied('kept-out', HOME, 'DeleteStream', ARN, explicit),
      );
      expect(await as('kept-out', 'DeleteResourcePolicy', { ResourceARN: arn })).toEqual(
        denied('kept-out', HOME, 'DeleteResourcePolicy', ARN, explicit),
      );
      expect(await as('kept-out', 'DescribeStreamConsumer', { ConsumerARN: `${arn}/consumer/c:1` })).toEqual(
        denied('kept-out', HOME, 'DescribeStreamConsumer', `${ARN}/consumer/c:1`, explicit),
      );
    }
    // A policy that was put by the one name counts by the other.
    const Statement = [{ Effect: 'Deny', Principal: '*', Action: 'kinesis:DescribeStream', Resource: '*' }];
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
    expect(await as('ops', 'PutResourcePolicy', { ResourceARN: elsewhere, Policy })).toMatchObject({ statusCode: 200 });
    await told();
    expect(await as('ops', 'DescribeStream', { StreamName: 's' })).toEqual(
      denied('ops', HOME, 'DescribeStream', ARN, 'with an explicit deny in a resource-based policy'),
    );
    expect(await as('ops', 'GetResourcePolicy', { ResourceARN: ARN })).toMatchObject({ body: { Policy } });
  });

  it('lets no iterator of one stream pass for another that is allowed', async () => {
    const all = await deployment();
    const ShardIterator = await iterator(all);
    const other = `arn:aws:kinesis:${REGION}:${HOME}:stream/t`;
    const answer = await all.as('ops', 'GetRecords', { ShardIterator, StreamARN: other });
    expect(answer).toMatchObject({ body: { __type: 'InvalidArgumentException' } });
  });

  it('lets other accounts in where key and stream allow it', async () => {
    const { as } = await deployment();
    const describe = (input: object) => as('guest', 'DescribeStreamSummary', input);
    const action = 'DescribeStreamSummary';
    expect(await describe({ StreamARN: ARN })).toEqual(denied('guest', OTHER, action, ARN, noResource(action)));
    const policy = (Effect: string) => ({
      ResourceARN: ARN,
      Policy: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect, Principal: { AWS: OTHER }, Action: 'kinesis:DescribeStreamSummary', Resource: ARN }],
      }),
    });
    expect(await as('ops', 'PutResourcePolicy', policy('Allow'))).toMatchObject({ statusCode: 200 });
    await told();
    expect(await describe({ StreamARN: ARN })).toMatchObject({ statusCode: 200 });
    expect(await as('guest', 'ListShards', { StreamARN: ARN })).toEqual(
      denied('guest', OTHER, 'ListShards', ARN, noResource('ListShards')),
    );
    await as('ops', 'PutResourcePolicy', policy('Deny'));
    await told();
    expect(await describe({ StreamARN: ARN })).toEqual(
      denied('guest', OTHER, action, ARN, 'with an explicit deny in a resource-based policy'),
    );
    await as('ops', 'DeleteResourcePolicy', { ResourceARN: ARN });
    await told();
    expect(await describe({ StreamARN: ARN })).toEqual(denied('guest', OTHER, action, ARN, noResource(action)));
  });

  it('asks the policies of a consumer also where it is named by its stream and its name', async () => {
    const { as } = await deployment();
    const named = { StreamARN: ARN, ConsumerName: 'c' };
    // One that does not exist has no policy, and no ARN to ask for.
    expect(await as('ops', 'DescribeStreamConsumer', named)).toMatchObject({
      body: { __type: 'ResourceNotFoundException' },
    });
    const { body } = await as('ops', 'RegisterStreamConsumer', named);
    const { ConsumerARN } = (body as { Consumer: { ConsumerARN: string } }).Consumer;
    // The key's own policies are asked for the consumer as well.
    expect(await as('stream-only', 'DescribeStreamConsumer', named)).toEqual(
      denied('stream-only', HOME, 'DescribeStreamConsumer', ConsumerARN, noIdentity('DescribeStreamConsumer')),
    );
    const Statement = [
      {
        Effect: 'Deny',
        Principal: '*',
        Action: ['kinesis:De*StreamConsumer', 'kinesis:RegisterStreamConsumer'],
        Resource: '*',
      },
    ];
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
    expect(await as('ops', 'PutResourcePolicy', { ResourceARN: ConsumerARN, Policy })).toMatchObject({
      statusCode: 200,
    });
    await told();
    for (const operation of ['DescribeStreamConsumer', 'DeregisterStreamConsumer'] as const) {
      const refused = denied('ops', HOME, operation, ConsumerARN, 'with an explicit deny in a resource-based policy');
      for (const input of [
        { ConsumerARN },
        named,
        { ...named, ConsumerARN },
        { ...named, StreamARN: ARN.replace('arn:aws:', 'arn:aws-cn:') },
      ]) {
        expect(await as('ops', operation, input)).toEqual(refused);
      }
    }
    // Who registers asks for a consumer that is not there yet; that the name is taken is for the operation to say.
    expect(await as('ops', 'RegisterStreamConsumer', named)).toMatchObject({
      body: { __type: 'ResourceInUseException' },
    });
    expect(await as('stream-only', 'ListStreamConsumers', { StreamARN: ARN })).toMatchObject({ statusCode: 200 });
  });

  it('has no streams under the names of other accounts and regions', async () => {
    const { as } = await deployment(REGION);
    const action = 'DescribeStreamSummary';
    const foreign = `arn:aws:kinesis:${REGION}:${OTHER}:stream/s`;
    expect(await as('guest', action, { StreamName: 's' })).toEqual(
      denied('guest', OTHER, action, foreign, noResource(action)),
    );
    expect(await as('guest', 'ListStreams', {})).toEqual(
      denied('guest', OTHER, 'ListStreams', '*', noResource('ListStreams')),
    );
    for (const arn of [foreign, ARN.replace(REGION, 'us-east-1')]) {
      expect(await as('ops', action, { StreamARN: arn })).toEqual(denied('ops', HOME, action, arn, noResource(action)));
    }
  });
});
