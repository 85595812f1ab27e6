import { describe, expect, it } from '@jest/globals';
import { itRefusesStreams, itRefusesUpdating, ON_DEMAND, STREAM_ARN, withStream } from '../../../test/aws-cases.ts';
import { ACCOUNT, awsError, least, NOT_NULL, validationError } from '../../../test/aws-harness.ts';
import { SHARD_COUNT_CHANGES_MAX } from './update-shard-count.ts';

const to = (TargetShardCount: number) => ({ StreamName: 's', TargetShardCount, ScalingType: 'UNIFORM_SCALING' });

async function scalable(ShardCount: number, options: { readonly limits?: boolean } = {}) {
  const harness = await withStream({ ShardCount }, options);
  const settled = () =>
    harness.catalog.waitFor('s', (stream) => stream?.document.status === 'ACTIVE', { timeoutMs: 10_000 });
  return { ...harness, settled };
}

describe('UpdateShardCount', () => {
  // As the service was seen to do it.
  it.each([
    [2, 4, 6],
    [4, 5, 15],
    [10, 13, 37],
    [4, 2, 6],
  ])('from %d to %d shards, after which there are %d, open and closed', async (from, target, total) => {
    const { ok, settled } = await scalable(from);
    expect(await ok('UpdateShardCount', to(target))).toEqual({
      StreamName: 's',
      CurrentShardCount: from,
      TargetShardCount: target,
      StreamARN: STREAM_ARN,
    });
    const stream = await settled();
    expect([stream?.openShards.length, stream?.shards.length]).toEqual([target, total]);
  });

  it.each([
    [{}, validationError(['null', 'targetShardCount', NOT_NULL], ['null', 'scalingType', NOT_NULL])],
    [
      { TargetShardCount: 0, ScalingType: 'FAST' },
      validationError(
        ["'0'", 'targetShardCount', least(1)],
        ["'FAST'", 'scalingType', 'Member must satisfy enum value set: [UNIFORM_SCALING]'],
      ),
    ],
  ])('refuses (1) %j', async (input, answer) => {
    const { call } = await withStream();
    expect(await call('UpdateShardCount', { StreamName: 's', ...input })).toEqual(answer);
  });

  itRefusesStreams('UpdateShardCount', { TargetShardCount: 2, ScalingType: 'UNIFORM_SCALING' });
  itRefusesUpdating('UpdateShardCount', to(2));

  it('refuses (5) an ON_DEMAND stream', async () => {
    const { call } = await withStream(ON_DEMAND);
    expect(await call('UpdateShardCount', to(5))).toEqual(
      awsError('ValidationException', `Request is invalid. Stream s under account ${ACCOUNT} is in On-Demand mode.`),
    );
  });

  it.each([
    [11, 'UpdateShardCount cannot scale up over double your current open shard count.'],
    [2, 'UpdateShardCount cannot scale down below half your current open shard count.'],
  ])('refuses (6) to go from 5 to %d at once while limits are on', async (target, message) => {
    const limited = await scalable(5, { limits: true });
    expect(await limited.call('UpdateShardCount', to(target))).toEqual(
      awsError('LimitExceededException', `${message} Current open shard count: 5, Target shard count: ${target}`),
    );
    const unlimited = await scalable(5);
    await unlimited.ok('UpdateShardCount', to(target));
    expect((await unlimited.settled())?.openShards).toHaveLength(target);
  });

  it.each([10, 3])('goes from 5 to %d at once while limits are on', async (target) => {
    const { ok, settled } = await scalable(5, { limits: true });
    await ok('UpdateShardCount', to(target));
    expect((await settled())?.openShards).toHaveLength(target);
  });

  it('refuses (6) the eleventh change within 24 hours while limits are on', async () => {
    const { call, ok, clock, settled } = await scalable(1, { limits: true });
    for (let i = 0; i < SHARD_COUNT_CHANGES_MAX; i++) {
      await ok('UpdateShardCount', to(i % 2 === 0 ? 2 : 1));
      await settled();
      clock.nowMs += 60_000;
    }
    expect(await call('UpdateShardCount', to(2))).toEqual(
      awsError(
        'LimitExceededException',
        `Stream s under account ${ACCOUNT} has changed its shard count 10 times within 24 hours. Limit: 10.`,
      ),
    );
    clock.nowMs += 24 * 60 * 60_000 - 10 * 60_000;
    await ok('UpdateShardCount', to(2));
  });

  it('refuses (6) more shards than the account may have', async () => {
    const { call } = await withStream();
    expect((await call('UpdateShardCount', to(20_001))).body).toMatchObject({ __type: 'LimitExceededException' });
  });
});
