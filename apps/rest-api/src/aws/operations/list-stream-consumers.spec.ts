import { describe, expect, it } from '@jest/globals';
import {
  ACCOUNT,
  awsError,
  awsHarness,
  least,
  most,
  NOT_NULL,
  START_MS,
  validationError,
} from '../../../test/aws-harness.ts';
import { PAGE_TOKEN_LIFETIME_MS } from '../page-token.ts';

const StreamARN = `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/s`;

interface Page {
  readonly Consumers: readonly { ConsumerName: string }[];
  readonly NextToken?: string;
}
const names = ({ Consumers }: Page) => Consumers.map(({ ConsumerName }) => ConsumerName);

async function withConsumers(count: number) {
  const harness = await awsHarness();
  await harness.ok('CreateStream', { StreamName: 's', ShardCount: 1 });
  for (let i = 0; i < count; i++) await harness.ok('RegisterStreamConsumer', { StreamARN, ConsumerName: `c${i}` });
  return harness;
}

describe('ListStreamConsumers', () => {
  it('answers the consumers of one stream', async () => {
    const { ok } = await withConsumers(1);
    expect(await ok('ListStreamConsumers', { StreamARN })).toEqual({
      Consumers: [
        {
          ConsumerName: 'c0',
          ConsumerARN: `${StreamARN}/consumer/c0:${Math.floor(START_MS / 1000)}`,
          ConsumerStatus: 'ACTIVE',
          ConsumerCreationTimestamp: START_MS / 1000,
        },
      ],
    });
    await ok('CreateStream', { StreamName: 't', ShardCount: 1 });
    expect(await ok('ListStreamConsumers', { StreamARN: StreamARN.replace(/s$/, 't') })).toEqual({ Consumers: [] });
  });

  it('goes on with a token until all were shown once', async () => {
    const { ok } = await withConsumers(5);
    const seen: string[][] = [];
    for (let NextToken: string | undefined, more = true; more;) {
      const page: Page = await ok('ListStreamConsumers', { StreamARN, MaxResults: 2, NextToken });
      seen.push(names(page));
      NextToken = page.NextToken;
      more = NextToken !== undefined;
    }
    expect(seen).toEqual([['c0', 'c1'], ['c2', 'c3'], ['c4']]);
  });

  it('tells streams of one name apart by their creation time', async () => {
    const { ok, call } = await withConsumers(1);
    const at = (seconds: number) => ({ StreamARN, StreamCreationTimestamp: seconds });
    expect(names(await ok('ListStreamConsumers', at(Math.floor(START_MS / 1000))))).toEqual(['c0']);
    expect(await call('ListStreamConsumers', at(START_MS / 1000 - 60))).toEqual(
      awsError('ResourceNotFoundException', `Stream s under account ${ACCOUNT} not found.`),
    );
  });

  it('refuses (4) the token of a stream that was deleted and made again', async () => {
    const { ok, call } = await withConsumers(2);
    const { NextToken } = await ok<Page>('ListStreamConsumers', { StreamARN, MaxResults: 1 });
    await ok('DeleteStream', { StreamARN, EnforceConsumerDeletion: true });
    await ok('CreateStream', { StreamName: 's', ShardCount: 1 });
    expect(await ok('ListStreamConsumers', { StreamARN })).toEqual({ Consumers: [] });
    expect(await call('ListStreamConsumers', { StreamARN, NextToken })).toEqual(
      awsError('ResourceNotFoundException', `Stream s under account ${ACCOUNT} not found.`),
    );
  });

  it('refuses (3) an old token', async () => {
    const { ok, call, clock } = await withConsumers(2);
    const { NextToken } = await ok<Page>('ListStreamConsumers', { StreamARN, MaxResults: 1 });
    clock.nowMs += PAGE_TOKEN_LIFETIME_MS + 1;
    expect(await call('ListStreamConsumers', { StreamARN, NextToken })).toMatchObject({
      statusCode: 400,
      body: { __type: 'ExpiredNextTokenException' },
    });
  });

  it.each([
    ['1', {}, validationError(['null', 'streamARN', NOT_NULL])],
    ['1', { StreamARN, MaxResults: 0 }, validationError(["'0'", 'maxResults', least(1)])],
    ['1', { StreamARN, MaxResults: 10_001 }, validationError(["'10001'", 'maxResults', most(10_000)])],
    [
      '2',
      { StreamARN, NextToken: 'x', StreamCreationTimestamp: 1 },
      awsError('InvalidArgumentException', 'NextToken and StreamCreationTimestamp cannot be provided together.'),
    ],
    ['2', { StreamARN, NextToken: 'x' }, awsError('InvalidArgumentException', 'Invalid NextToken.')],
    [
      '4',
      { StreamARN: `${StreamARN}2` },
      awsError('ResourceNotFoundException', `Stream s2 under account ${ACCOUNT} not found.`),
    ],
  ])('refuses (%s) %j', async (_number, input, answer) => {
    const { call } = await withConsumers(0);
    expect(await call('ListStreamConsumers', input)).toEqual(answer);
  });
});
