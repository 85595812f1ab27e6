import { describe, expect, it } from '@jest/globals';
import { awsHarness, START_MS } from '../../../test/aws-harness.ts';

describe('DescribeAccountSettings', () => {
  it('shows whether the account has committed itself', async () => {
    const { ok, clock } = await awsHarness();
    expect(await ok('DescribeAccountSettings', {})).toEqual({
      MinimumThroughputBillingCommitment: { Status: 'DISABLED' },
    });
    await ok('UpdateAccountSettings', { MinimumThroughputBillingCommitment: { Status: 'ENABLED' } });
    clock.nowMs += 1_000;
    expect(await ok('DescribeAccountSettings', {})).toEqual({
      MinimumThroughputBillingCommitment: {
        Status: 'ENABLED',
        StartedAt: START_MS / 1000,
        EarliestAllowedEndAt: START_MS / 1000 + 86_400,
      },
    });
  });
});
