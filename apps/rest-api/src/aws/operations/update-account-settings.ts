import { AccountSettings } from '../account-settings.ts';
import { operation } from '../operation.ts';
import { required, string, structure } from '../wire/shapes.ts';

/**
 * UpdateAccountSettings: begins or ends the account's commitment to a minimum of throughput. It lasts 24 hours at least:
 * who ends it before has it end then.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateAccountSettings.html
 * 1 ValidationException
 */
export const updateAccountSettings = operation({
  name: 'UpdateAccountSettings',
  input: {
    MinimumThroughputBillingCommitment: required(
      structure({ Status: required(string({ values: ['ENABLED', 'DISABLED'] })) }),
    ),
  },
  run: ({ MinimumThroughputBillingCommitment: { Status } }, context) =>
    new AccountSettings(context).commit(context.caller, Status === 'ENABLED'),
});
