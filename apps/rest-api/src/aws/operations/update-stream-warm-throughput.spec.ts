import { describe, expect, it } from '@jest/globals';
import { itRefusesStreams, ON_DEMAND, STREAM_ARN, withStream } from '../../../test/aws-cases.ts';
import { ACCOUNT, awsError, least, NOT_NULL, validationError } from '../../../test/aws-harness.ts';
import { WARM_THROUGHPUT_MIBPS_MAX } from '../warm-throughput.ts';

async function withCommitment(settings: object = ON_DEMAND) {
  const harness = await withStream(settings);
  await harness.ok('UpdateAccountSettings', { MinimumThroughputBillingCommitment: { Status: 'ENABLED' } });
  return harness;
}

describe('UpdateStreamWarmThroughput', () => {
  it('gives the stream a shard for each MiB/s, and takes none away', async () => {
    const { ok, catalog } = await withCommitment();
    const warm = (WarmThroughputMiBps: number) =>
      ok('UpdateStreamWarmThroughput', { StreamName: 's', WarmThroughputMiBps });
    const named = { StreamName: 's', StreamARN: STREAM_ARN };
    expect(await warm(6)).toEqual({ ...named, WarmThroughput: { TargetMiBps: 6, CurrentMiBps: 4 } });
    await catalog.waitFor('s', (stream) => stream?.document.status === 'ACTIVE', { timeoutMs: 5_000 });
    expect(await ok('DescribeStreamSummary', { StreamName: 's' })).toMatchObject({
      StreamDescriptionSummary: { OpenShardCount: 6, WarmThroughput: { TargetMiBps: 6, CurrentMiBps: 6 } },
    });
    expect(await warm(0)).toEqual({ ...named, WarmThroughput: { TargetMiBps: 0, CurrentMiBps: 6 } });
    expect(catalog.peek('s')?.openShards).toHaveLength(6);
  });

  it.each([
    [{}, validationError(['null', 'warmThroughputMiBps', NOT_NULL])],
    [{ WarmThroughputMiBps: -1 }, validationError(["'-1'", 'warmThroughputMiBps', least(0)])],
  ])('refuses (1) %j', async (input, answer) => {
    const { call } = await withCommitment();
    expect(await call('UpdateStreamWarmThroughput', { StreamName: 's', ...input })).toEqual(answer);
  });

  itRefusesStreams('UpdateStreamWarmThroughput', { WarmThroughputMiBps: 5 });

  it('refuses (4) a PROVISIONED stream, and an account without a commitment', async () => {
    const provisioned = await withCommitment({ ShardCount: 1 });
    const input = { StreamName: 's', WarmThroughputMiBps: 5 };
    expect(await provisioned.call('UpdateStreamWarmThroughput', input)).toEqual(
      awsError(
        'InvalidArgumentException',
        `Stream s under account ${ACCOUNT} is in PROVISIONED mode, which has no warm throughput.`,
      ),
    );
    const uncommitted = await withStream(ON_DEMAND);
    expect(await uncommitted.call('UpdateStreamWarmThroughput', input)).toEqual(
      awsError(
        'InvalidArgumentException',
        `Warm throughput requires that MinimumThroughputBillingCommitment is enabled for account ${ACCOUNT}.`,
      ),
    );
  });

  it('refuses (5) more than 10 GiB/s, and more shards than one stream keeps', async () => {
    const { call } = await withCommitment();
    const warm = (WarmThroughputMiBps: number) =>
      call('UpdateStreamWarmThroughput', { StreamName: 's', WarmThroughputMiBps });
    expect(await warm(WARM_THROUGHPUT_MIBPS_MAX + 1)).toEqual(
      awsError('LimitExceededException', 'WarmThroughputMiBps 10241 is above the limit of 10240 MiBps for a stream.'),
    );
    expect((await warm(WARM_THROUGHPUT_MIBPS_MAX)).body).toMatchObject({ __type: 'LimitExceededException' });
  });

  it('refuses (6) a stream that is UPDATING', async () => {
    const { call, catalog } = await withCommitment();
    await catalog.update('s', (document) => ({ ...document, status: 'UPDATING' }));
    for (const WarmThroughputMiBps of [0, 9]) {
      expect(await call('UpdateStreamWarmThroughput', { StreamName: 's', WarmThroughputMiBps })).toEqual(
        awsError('ResourceInUseException', `Stream s under account ${ACCOUNT} not ACTIVE, instead in state UPDATING`),
      );
    }
  });
});
