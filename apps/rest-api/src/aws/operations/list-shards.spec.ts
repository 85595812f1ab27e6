import { describe, expect, it } from '@jest/globals';
import { ACCOUNT, awsError, awsHarness, type AwsHarness, START_MS } from '../../../test/aws-harness.ts';

interface Page {
  readonly Shards: readonly { readonly ShardId: string; readonly ParentShardId?: string }[];
  readonly NextToken?: string;
}

const numbers = ({ Shards }: Page) => Shards.map(({ ShardId }) => Number(ShardId.slice(-3)));

/** Four shards; a minute later number 0 is split into 4 and 5. */
async function resharded(): Promise<AwsHarness> {
  const harness = await awsHarness();
  await harness.ok('CreateStream', { StreamName: 's', ShardCount: 4 });
  const closedAtMs = START_MS + 60_000;
  const changed = await harness.catalog.update('s', (document) => {
    const [first, ...others] = document.shards;
    const parent = first as (typeof document.shards)[number];
    const { start, end } = parent.hashRange;
    const middle = BigInt(end) / 2n;
    const child = { parent: 0, startOffset: '7', openedAtMs: closedAtMs };
    return {
      ...document,
      shards: [
        { ...parent, endOffset: '7', closedAtMs },
        ...others,
        { ...child, number: 4, partition: 0, hashRange: { start, end: String(middle) } },
        { ...child, number: 5, partition: 4, hashRange: { start: String(middle + 1n), end } },
      ],
    };
  });
  if (!changed.ok) throw new Error(changed.refusal.code);
  harness.clock.nowMs = closedAtMs + 60_000;
  return harness;
}

describe('ListShards', () => {
  it('shows closed shards with their end, and children with their parent', async () => {
    const { ok } = await resharded();
    const page = await ok<Page>('ListShards', { StreamName: 's' });
    expect(numbers(page)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(page.Shards[0]).toMatchObject({
      SequenceNumberRange: { EndingSequenceNumber: expect.stringMatching(/^\d{56}$/) as unknown },
    });
    expect(page.Shards[5]?.ParentShardId).toBe('shardId-000000000000');
    expect(page.Shards[1]).not.toHaveProperty('ParentShardId');
  });

  it('goes on by token, which remembers stream and filter', async () => {
    const { ok } = await resharded();
    const first = await ok<Page>('ListShards', {
      StreamName: 's',
      MaxResults: 2,
      ShardFilter: { Type: 'AT_LATEST' },
    });
    expect(numbers(first)).toEqual([1, 2]);
    const second = await ok<Page>('ListShards', { NextToken: first.NextToken, MaxResults: 3 });
    expect(numbers(second)).toEqual([3, 4, 5]);
    expect(second).not.toHaveProperty('NextToken');
  });

  it.each([
    [{ Type: 'AT_LATEST' }, [1, 2, 3, 4, 5]],
    [{ Type: 'AT_TRIM_HORIZON' }, [0, 1, 2, 3]],
    [{ Type: 'FROM_TRIM_HORIZON' }, [0, 1, 2, 3, 4, 5]],
    [{ Type: 'AFTER_SHARD_ID', ShardId: 'shardId-000000000003' }, [4, 5]],
    [{ Type: 'AT_TIMESTAMP', Timestamp: (START_MS + 30_000) / 1000 }, [0, 1, 2, 3]],
    [{ Type: 'AT_TIMESTAMP', Timestamp: (START_MS + 90_000) / 1000 }, [1, 2, 3, 4, 5]],
    [{ Type: 'FROM_TIMESTAMP', Timestamp: (START_MS + 30_000) / 1000 }, [0, 1, 2, 3, 4, 5]],
    [{ Type: 'FROM_TIMESTAMP', Timestamp: (START_MS + 90_000) / 1000 }, [1, 2, 3, 4, 5]],
  ])('filters by %j', async (ShardFilter, expected) => {
    const { ok } = await resharded();
    expect(numbers(await ok<Page>('ListShards', { StreamName: 's', ShardFilter }))).toEqual(expected);
  });

  it('tells a stream that was made again from the one that a client means', async () => {
    const { ok, call } = await resharded();
    const named = { StreamName: 's' };
    expect(numbers(await ok<Page>('ListShards', { ...named, StreamCreationTimestamp: START_MS / 1000 }))).toHaveLength(
      6,
    );
    expect(await call('ListShards', { ...named, StreamCreationTimestamp: START_MS / 1000 - 5 })).toEqual(
      awsError('ResourceNotFoundException', `Stream s under account ${ACCOUNT} not found.`),
    );
  });

  it.each([
    ['2', {}, 'Either NextToken or StreamName should be provided.'],
    ['2', { StreamName: 's', NextToken: 'x' }, 'NextToken and StreamName cannot be provided together.'],
    ['2', { NextToken: 'x' }, 'Invalid NextToken.'],
    ['2', { StreamName: 's', ExclusiveStartShardId: 'abc' }, 'abc is not the id of a shard.'],
    [
      '2',
      { StreamName: 's', ShardFilter: { Type: 'AFTER_SHARD_ID' } },
      'ShardId must be specified when the type of the ShardFilter is AFTER_SHARD_ID.',
    ],
    [
      '2',
      { StreamName: 's', ShardFilter: { Type: 'AT_TIMESTAMP' } },
      'Timestamp must be specified when the type of the ShardFilter is AT_TIMESTAMP.',
    ],
  ])('refuses (%s) %j', async (_number, input, message) => {
    const { call } = await resharded();
    expect(await call('ListShards', input)).toEqual(awsError('InvalidArgumentException', message));
  });

  it('does not take the token of another listing', async () => {
    const { call, ok } = await resharded();
    await ok('CreateStream', { StreamName: 't', ShardCount: 1 });
    const { NextToken } = await ok<{ NextToken: string }>('ListStreams', { Limit: 1 });
    expect(await call('ListShards', { NextToken })).toEqual(awsError('InvalidArgumentException', 'Invalid NextToken.'));
  });
});
