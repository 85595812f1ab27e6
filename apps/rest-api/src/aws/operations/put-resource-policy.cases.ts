import {
  noResource,
  noSuchResource,
  operationCase,
  type OperationCases,
} from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'PutResourcePolicy',
  ok: [
    operationCase('for everybody', async (world) => ({
      ResourceARN: await world.streamArn(),
      Policy: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: '*', Action: 'kinesis:GetRecords', Resource: '*' }],
      }),
    })),
  ],
  errors: {
    1: operationCase('no resource', { Policy: '{}' }),
    2: noResource({ Policy: '{}' }),
    3: noSuchResource({ Policy: '{}' }),
    4: operationCase('what is no policy', async (world) => ({ ResourceARN: await world.streamArn(), Policy: '{}' })),
  },
};
