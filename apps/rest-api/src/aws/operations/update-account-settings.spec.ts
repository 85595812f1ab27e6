import { describe, expect, it } from '@jest/globals';
import { awsHarness, NOT_NULL, START_MS, validationError } from '../../../test/aws-harness.ts';
import { COMMITMENT_MS_MIN } from '../account-settings.ts';

const START = START_MS / 1000;
const DAY = 86_400;
const enabled = { Status: 'ENABLED', StartedAt: START, EarliestAllowedEndAt: START + DAY };
const ending = { ...enabled, Status: 'ENABLED_UNTIL_EARLIEST_ALLOWED_END' };

async function account() {
  const { call, ok, clock } = await awsHarness();
  return {
    call,
    clock,
    set: async (Status: string) =>
      (
        await ok<{ MinimumThroughputBillingCommitment: object }>('UpdateAccountSettings', {
          MinimumThroughputBillingCommitment: { Status },
        })
      ).MinimumThroughputBillingCommitment,
  };
}

describe('UpdateAccountSettings', () => {
  it('begins a commitment once, and ends it no sooner than after a day', async () => {
    const { set, clock } = await account();
    expect(await set('DISABLED')).toEqual({ Status: 'DISABLED' });
    expect(await set('ENABLED')).toEqual(enabled);
    clock.nowMs += 1_000;
    expect(await set('ENABLED')).toEqual(enabled);
    expect(await set('DISABLED')).toEqual(ending);
    clock.nowMs += COMMITMENT_MS_MIN - 1_000;
    expect(await set('DISABLED')).toEqual({ Status: 'DISABLED', StartedAt: START, EndedAt: START + DAY });
  });

  it('takes an end back before it comes', async () => {
    const { set } = await account();
    await set('ENABLED');
    expect(await set('DISABLED')).toEqual(ending);
    expect(await set('ENABLED')).toEqual(enabled);
  });

  it('ends one of more than a day at once, and begins a new one behind it', async () => {
    const { set, clock } = await account();
    await set('ENABLED');
    clock.nowMs += COMMITMENT_MS_MIN + 5_000;
    expect(await set('DISABLED')).toEqual({ Status: 'DISABLED', StartedAt: START, EndedAt: START + DAY + 5 });
    clock.nowMs += 1_000;
    expect(await set('ENABLED')).toEqual({
      Status: 'ENABLED',
      StartedAt: START + DAY + 6,
      EarliestAllowedEndAt: START + 2 * DAY + 6,
    });
  });

  it.each([
    [{}, validationError(['null', 'minimumThroughputBillingCommitment', NOT_NULL])],
    [
      { MinimumThroughputBillingCommitment: {} },
      validationError(['null', 'minimumThroughputBillingCommitment.status', NOT_NULL]),
    ],
    [
      { MinimumThroughputBillingCommitment: { Status: 'ON' } },
      validationError([
        "'ON'",
        'minimumThroughputBillingCommitment.status',
        'Member must satisfy enum value set: [ENABLED, DISABLED]',
      ]),
    ],
  ])('refuses (1) %j', async (input, answer) => {
    const { call } = await account();
    expect(await call('UpdateAccountSettings', input)).toEqual(answer);
  });
});
