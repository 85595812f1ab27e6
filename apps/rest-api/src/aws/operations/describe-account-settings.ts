import { AccountSettings } from '../account-settings.ts';
import { operation } from '../operation.ts';

/**
 * DescribeAccountSettings: the account's commitment to a minimum of throughput.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeAccountSettings.html
 * No errors of its own.
 */
export const describeAccountSettings = operation({
  name: 'DescribeAccountSettings',
  input: {},
  run: ({}, context) => new AccountSettings(context).describe(context.caller),
});
