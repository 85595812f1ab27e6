import { describe, expect, it } from '@jest/globals';
import { itRefusesStreams, itRefusesUpdating, STREAM_ARN, withStream } from '../../../test/aws-cases.ts';
import { NOT_NULL, shortest, validationError } from '../../../test/aws-harness.ts';

const all = [
  'IncomingBytes',
  'OutgoingRecords',
  'IteratorAgeMilliseconds',
  'IncomingRecords',
  'ReadProvisionedThroughputExceeded',
  'WriteProvisionedThroughputExceeded',
  'OutgoingBytes',
];

describe('EnableEnhancedMonitoring', () => {
  it('adds metrics to those that are wanted, and shows both', async () => {
    const { ok } = await withStream();
    const enable = (ShardLevelMetrics: readonly string[]) =>
      ok('EnableEnhancedMonitoring', { StreamName: 's', ShardLevelMetrics });
    const named = { StreamName: 's', StreamARN: STREAM_ARN };
    expect(await enable(['OutgoingBytes', 'IncomingBytes'])).toEqual({
      ...named,
      CurrentShardLevelMetrics: [],
      DesiredShardLevelMetrics: ['IncomingBytes', 'OutgoingBytes'],
    });
    expect(await enable(['ALL'])).toEqual({
      ...named,
      CurrentShardLevelMetrics: ['IncomingBytes', 'OutgoingBytes'],
      DesiredShardLevelMetrics: all,
    });
    expect(await ok('DescribeStreamSummary', { StreamName: 's' })).toMatchObject({
      StreamDescriptionSummary: { EnhancedMonitoring: [{ ShardLevelMetrics: all }] },
    });
  });

  it.each([
    [{}, validationError(['null', 'shardLevelMetrics', NOT_NULL])],
    [{ ShardLevelMetrics: [] }, validationError(["'[]'", 'shardLevelMetrics', shortest(1)])],
    [
      { ShardLevelMetrics: ['Bytes'] },
      validationError([
        "'Bytes'",
        'shardLevelMetrics.1.member',
        'Member must satisfy enum value set: [IncomingBytes, IncomingRecords, OutgoingBytes, OutgoingRecords, ' +
          'WriteProvisionedThroughputExceeded, ReadProvisionedThroughputExceeded, IteratorAgeMilliseconds, ALL]',
      ]),
    ],
  ])('refuses (1) %j', async (input, answer) => {
    const { call } = await withStream();
    expect(await call('EnableEnhancedMonitoring', { StreamName: 's', ...input })).toEqual(answer);
  });

  itRefusesStreams('EnableEnhancedMonitoring', { ShardLevelMetrics: ['ALL'] });
  itRefusesUpdating('EnableEnhancedMonitoring', { StreamName: 's', ShardLevelMetrics: ['ALL'] });
});
