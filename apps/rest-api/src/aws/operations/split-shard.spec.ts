import { describe, expect, it } from '@jest/globals';
import { itRefusesStreams, itRefusesUpdating, ON_DEMAND, withStream } from '../../../test/aws-cases.ts';
import { ACCOUNT, awsError, NOT_NULL, shortest, validationError } from '../../../test/aws-harness.ts';
import { OPEN_SHARDS_MAX } from '../open-shard-limit.ts';

const HASH_KEY_PATTERN = 'Member must satisfy regular expression pattern: 0|([1-9]\\d{0,38})';
const half = 1n << 127n;
const last = (1n << 128n) - 1n;
const split = { StreamName: 's', ShardToSplit: 'shardId-000000000000', NewStartingHashKey: String(half) };
const id = (shard: number): string => `shardId-${String(shard).padStart(12, '0')}`;

interface Shards {
  readonly Shards: readonly {
    readonly ShardId: string;
    readonly ParentShardId?: string;
    readonly HashKeyRange: { readonly StartingHashKey: string; readonly EndingHashKey: string };
    readonly SequenceNumberRange: { readonly EndingSequenceNumber?: string };
  }[];
}

describe('SplitShard', () => {
  it('closes the shard and opens two, which take records at once', async () => {
    const { call, ok } = await withStream();
    const put = { StreamName: 's', Data: '', PartitionKey: 'k' };
    await ok('PutRecord', put);
    expect(await call('SplitShard', split)).toEqual({
      statusCode: 200,
      contentType: 'application/x-amz-json-1.1',
      body: '',
    });
    const { Shards } = await ok<Shards>('ListShards', { StreamName: 's' });
    expect(
      Shards.map(({ ShardId, ParentShardId, HashKeyRange, SequenceNumberRange }) => [
        ShardId,
        ParentShardId,
        HashKeyRange.StartingHashKey,
        HashKeyRange.EndingHashKey,
        SequenceNumberRange.EndingSequenceNumber !== undefined,
      ]),
    ).toEqual([
      [id(0), undefined, '0', String(last), true],
      [id(1), id(0), '0', String(half - 1n), false],
      [id(2), id(0), String(half), String(last), false],
    ]);
    expect(await ok('DescribeStreamSummary', { StreamName: 's' })).toMatchObject({
      StreamDescriptionSummary: { StreamStatus: 'ACTIVE', OpenShardCount: 2 },
    });
    expect(await ok('PutRecord', { ...put, ExplicitHashKey: String(half) })).toMatchObject({ ShardId: id(2) });
    expect(await ok('PutRecord', { ...put, ExplicitHashKey: String(half - 1n) })).toMatchObject({ ShardId: id(1) });
  });

  it.each([
    [{}, validationError(['null', 'newStartingHashKey', NOT_NULL], ['null', 'shardToSplit', NOT_NULL])],
    [
      { ShardToSplit: '', NewStartingHashKey: 'sth' },
      validationError(
        ["'sth'", 'newStartingHashKey', HASH_KEY_PATTERN],
        ["''", 'shardToSplit', 'Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+'],
        ["''", 'shardToSplit', shortest(1)],
      ),
    ],
  ])('refuses (1) %j', async (input, answer) => {
    const { call } = await withStream();
    expect(await call('SplitShard', input)).toEqual(answer);
  });

  itRefusesStreams('SplitShard', { ShardToSplit: 'shardId-0', NewStartingHashKey: '5' });
  itRefusesUpdating('SplitShard', split);

  it('refuses (5) an ON_DEMAND stream', async () => {
    const { call } = await withStream(ON_DEMAND);
    expect(await call('SplitShard', split)).toEqual(
      awsError('ValidationException', `Request is invalid. Stream s under account ${ACCOUNT} is in On-Demand mode.`),
    );
  });

  it.each([
    ['unknown', 'unknown'],
    ['shardId-5', id(5)],
  ])('refuses (6) %s, which it does not have', async (ShardToSplit, shown) => {
    const { call } = await withStream();
    expect(await call('SplitShard', { ...split, ShardToSplit })).toEqual(
      awsError('ResourceNotFoundException', `Could not find shard ${shown} in stream s under account ${ACCOUNT}.`),
    );
  });

  it('refuses (7) one shard more than there may be', async () => {
    const { call, catalog } = await withStream();
    const many = { openShards: { length: OPEN_SHARDS_MAX }, document: { mode: 'PROVISIONED' } };
    const { names, peek } = catalog;
    catalog.names = () => [...names.call(catalog), 'many'];
    catalog.peek = (name) =>
      name === 'many' ? (many as unknown as ReturnType<typeof peek>) : peek.call(catalog, name);
    expect((await call('SplitShard', split)).body).toMatchObject({
      __type: 'LimitExceededException',
      message: expect.stringContaining('Number of additional shards that would have resulted from this request: 1.'),
    });
  });

  it('refuses (8) a closed shard, and a hash key that leaves one child with less than two', async () => {
    const { call, ok } = await withStream();
    const refused = (NewStartingHashKey: string) =>
      awsError(
        'InvalidArgumentException',
        `NewStartingHashKey ${NewStartingHashKey} used in SplitShard() on shard ${id(0)} in stream s under account ` +
          `${ACCOUNT} is not both greater than one plus the shard's StartingHashKey 0 and less than the shard's ` +
          `EndingHashKey ${last}.`,
      );
    for (const key of ['0', '1', String(last), '9'.repeat(39)]) {
      expect(await call('SplitShard', { ...split, NewStartingHashKey: key })).toEqual(refused(key));
    }
    await ok('SplitShard', { ...split, NewStartingHashKey: '2' });
    expect(await call('SplitShard', split)).toEqual(
      awsError(
        'InvalidArgumentException',
        `Shard ${id(0)} in stream s under account ${ACCOUNT} has already been merged or split, ` +
          'and thus is not eligible for merging or splitting.',
      ),
    );
  });
});
