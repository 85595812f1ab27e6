import { describe, expect, it } from '@jest/globals';
import { awsError, awsHarness, least, most, START_MS, validationError } from '../../../test/aws-harness.ts';
import { PAGE_TOKEN_LIFETIME_MS } from '../page-token.ts';

interface Page {
  readonly StreamNames: readonly string[];
  readonly HasMoreStreams: boolean;
  readonly NextToken?: string;
}

async function withStreams(...names: readonly string[]) {
  const harness = await awsHarness();
  for (const StreamName of names) await harness.ok('CreateStream', { StreamName, ShardCount: 1 });
  return harness;
}

describe('ListStreams', () => {
  it('lists names in order, with what each stream is', async () => {
    const { ok } = await withStreams('b', 'a');
    const summary = (name: string) => ({
      StreamName: name,
      StreamARN: `arn:aws:kinesis:us-east-1:000000000000:stream/${name}`,
      StreamStatus: 'ACTIVE',
      StreamModeDetails: { StreamMode: 'PROVISIONED' },
      StreamCreationTimestamp: START_MS / 1000,
    });
    expect(await ok('ListStreams', {})).toEqual({
      StreamNames: ['a', 'b'],
      HasMoreStreams: false,
      StreamSummaries: [summary('a'), summary('b')],
    });
  });

  it('goes on by name and by token', async () => {
    const { ok } = await withStreams('a', 'b', 'c');
    const first = await ok<Page>('ListStreams', { Limit: 2 });
    expect(first).toMatchObject({ StreamNames: ['a', 'b'], HasMoreStreams: true });
    expect(await ok('ListStreams', { NextToken: first.NextToken })).toMatchObject({
      StreamNames: ['c'],
      HasMoreStreams: false,
    });
    expect(await ok('ListStreams', { ExclusiveStartStreamName: 'aa', Limit: 1 })).toMatchObject({ StreamNames: ['b'] });
    expect(await ok('ListStreams', { ExclusiveStartStreamName: 'z' })).toMatchObject({
      StreamNames: [],
      HasMoreStreams: false,
    });
  });

  it('refuses what is out of range, no token of ours, and an old one', async () => {
    const { call, ok, clock } = await withStreams('a', 'b');
    expect(await call('ListStreams', { Limit: 0 })).toEqual(validationError(["'0'", 'limit', least(1)]));
    expect(await call('ListStreams', { Limit: 10_001 })).toEqual(validationError(["'10001'", 'limit', most(10_000)]));
    expect(await call('ListStreams', { NextToken: 'abc' })).toEqual(
      awsError('InvalidArgumentException', 'Invalid NextToken.'),
    );
    const { NextToken } = await ok<Page>('ListStreams', { Limit: 1 });
    clock.nowMs += PAGE_TOKEN_LIFETIME_MS;
    expect(await ok('ListStreams', { NextToken })).toMatchObject({ StreamNames: ['b'] });
    clock.nowMs += 1;
    expect((await call('ListStreams', { NextToken })).body).toMatchObject({ __type: 'ExpiredNextTokenException' });
  });
});
