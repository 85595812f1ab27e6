import { describe, expect, it } from '@jest/globals';
import { itRefusesStreamArns, itRefusesUpdating, ON_DEMAND, STREAM_ARN, withStream } from '../../../test/aws-cases.ts';
import { ACCOUNT, awsError, NOT_NULL, validationError } from '../../../test/aws-harness.ts';
import { MODE_CHANGES_MAX } from './update-stream-mode.ts';

const to = (StreamMode: string) => ({ StreamARN: STREAM_ARN, StreamModeDetails: { StreamMode } });
const HOUR_MS = 3_600_000;

describe('UpdateStreamMode', () => {
  it('takes the write limits off a stream, and puts them on again', async () => {
    const { call, ok, catalog } = await withStream({ ShardCount: 2 });
    expect(await call('UpdateStreamMode', to('ON_DEMAND'))).toEqual({
      statusCode: 200,
      contentType: 'application/x-amz-json-1.1',
      body: '',
    });
    expect(catalog.peek('s')?.writeLimited).toBe(false);
    expect(await ok('DescribeStreamSummary', { StreamName: 's' })).toMatchObject({
      StreamDescriptionSummary: { StreamModeDetails: { StreamMode: 'ON_DEMAND' }, OpenShardCount: 2 },
    });
    await ok('UpdateStreamMode', to('PROVISIONED'));
    expect(catalog.peek('s')?.writeLimited).toBe(true);
  });

  it('limits a topic that a Kafka client made as soon as it is PROVISIONED', async () => {
    const { ok, catalog } = await withStream();
    await catalog.create({ name: 'topic', shardCount: 1, mode: 'ON_DEMAND', origin: 'kafka' });
    expect(catalog.peek('topic')?.writeLimited).toBe(false);
    const StreamARN = STREAM_ARN.replace(/s$/, 'topic');
    await ok('UpdateStreamMode', { StreamARN, StreamModeDetails: { StreamMode: 'PROVISIONED' } });
    expect(catalog.peek('topic')?.writeLimited).toBe(true);
  });

  it('scales to the warm throughput that is asked for, and forgets with the mode what only ON_DEMAND streams have', async () => {
    const { ok, catalog } = await withStream({ ShardCount: 2 });
    await ok('UpdateAccountSettings', { MinimumThroughputBillingCommitment: { Status: 'ENABLED' } });
    await ok('UpdateStreamMode', { ...to('ON_DEMAND'), WarmThroughputMiBps: 5 });
    const done = await catalog.waitFor('s', (stream) => stream?.document.status === 'ACTIVE', { timeoutMs: 5_000 });
    expect(done?.openShards).toHaveLength(5);
    expect(done?.document.warmThroughputMiBps).toBe(5);
    await ok('UpdateStreamRecordDistributionStrategy', { StreamARN: STREAM_ARN, RecordDistributionStrategy: 'AUTO' });
    await ok('UpdateStreamMode', to('PROVISIONED'));
    const { warmThroughputMiBps, recordDistribution, mode } = catalog.peek('s')?.document ?? {};
    expect({ warmThroughputMiBps, recordDistribution, mode }).toEqual({ mode: 'PROVISIONED' });
  });

  it.each([
    [{}, validationError(['null', 'streamARN', NOT_NULL], ['null', 'streamModeDetails', NOT_NULL])],
    [
      to('FAST'),
      validationError([
        "'FAST'",
        'streamModeDetails.streamMode',
        'Member must satisfy enum value set: [PROVISIONED, ON_DEMAND]',
      ]),
    ],
  ])('refuses (1) %j', async (input, answer) => {
    const { call } = await withStream();
    expect(await call('UpdateStreamMode', input)).toEqual(answer);
  });

  it.each([
    ['PROVISIONED', 'WarmThroughputMiBps cannot be specified for a stream in PROVISIONED mode.'],
    [
      'ON_DEMAND',
      `Warm throughput requires that MinimumThroughputBillingCommitment is enabled for account ${ACCOUNT}.`,
    ],
  ])('refuses (2) warm throughput with %s', async (mode, message) => {
    const { call } = await withStream();
    expect(await call('UpdateStreamMode', { ...to(mode), WarmThroughputMiBps: 5 })).toEqual(
      awsError('InvalidArgumentException', message),
    );
  });

  itRefusesStreamArns('UpdateStreamMode', { StreamModeDetails: { StreamMode: 'ON_DEMAND' } });
  itRefusesUpdating('UpdateStreamMode', to('ON_DEMAND'));

  it('refuses (6) a third change within 24 hours while limits are on; the mode that it has is none', async () => {
    const { call, ok, clock } = await withStream(ON_DEMAND, { limits: true });
    for (let i = 0; i < MODE_CHANGES_MAX; i++) {
      await ok('UpdateStreamMode', to(i % 2 === 0 ? 'PROVISIONED' : 'ON_DEMAND'));
      clock.nowMs += HOUR_MS;
    }
    await ok('UpdateStreamMode', to('ON_DEMAND'));
    expect(await call('UpdateStreamMode', to('PROVISIONED'))).toEqual(
      awsError(
        'LimitExceededException',
        `Stream s under account ${ACCOUNT} has changed its mode 2 times within 24 hours. Limit: 2.`,
      ),
    );
    clock.nowMs += 22 * HOUR_MS;
    await ok('UpdateStreamMode', to('PROVISIONED'));
  });

  it('knows no such limit while limits are off', async () => {
    const { ok } = await withStream();
    for (let i = 0; i < 5; i++) await ok('UpdateStreamMode', to(i % 2 === 0 ? 'ON_DEMAND' : 'PROVISIONED'));
  });
});
