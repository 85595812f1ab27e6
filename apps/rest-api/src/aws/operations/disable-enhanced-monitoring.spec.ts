import { describe, expect, it } from '@jest/globals';
import { itRefusesStreams, itRefusesUpdating, STREAM_ARN, withStream } from '../../../test/aws-cases.ts';
import { NOT_NULL, validationError } from '../../../test/aws-harness.ts';

describe('DisableEnhancedMonitoring', () => {
  it('takes metrics from those that are wanted, and shows both', async () => {
    const { ok } = await withStream();
    await ok('EnableEnhancedMonitoring', { StreamName: 's', ShardLevelMetrics: ['IncomingBytes', 'OutgoingBytes'] });
    const disable = (ShardLevelMetrics: readonly string[]) =>
      ok('DisableEnhancedMonitoring', { StreamARN: STREAM_ARN, ShardLevelMetrics });
    const named = { StreamName: 's', StreamARN: STREAM_ARN };
    expect(await disable(['IncomingBytes', 'IncomingRecords'])).toEqual({
      ...named,
      CurrentShardLevelMetrics: ['IncomingBytes', 'OutgoingBytes'],
      DesiredShardLevelMetrics: ['OutgoingBytes'],
    });
    expect(await disable(['ALL'])).toEqual({
      ...named,
      CurrentShardLevelMetrics: ['OutgoingBytes'],
      DesiredShardLevelMetrics: [],
    });
    expect(await ok('DescribeStreamSummary', { StreamName: 's' })).toMatchObject({
      StreamDescriptionSummary: { EnhancedMonitoring: [{ ShardLevelMetrics: [] }] },
    });
  });

  it('refuses (1) a request that names no metrics', async () => {
    const { call } = await withStream();
    expect(await call('DisableEnhancedMonitoring', { StreamName: 's' })).toEqual(
      validationError(['null', 'shardLevelMetrics', NOT_NULL]),
    );
  });

  itRefusesStreams('DisableEnhancedMonitoring', { ShardLevelMetrics: ['ALL'] });
  itRefusesUpdating('DisableEnhancedMonitoring', { StreamName: 's', ShardLevelMetrics: ['ALL'] });
});
