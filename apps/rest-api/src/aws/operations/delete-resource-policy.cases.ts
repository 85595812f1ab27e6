import {
  noResource,
  noSuchResource,
  operationCase,
  type OperationCases,
} from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'DeleteResourcePolicy',
  ok: [
    operationCase('of a stream with a policy', async (world) => {
      const ResourceARN = await world.streamArn();
      await world.call('PutResourcePolicy', {
        ResourceARN,
        Policy: JSON.stringify({
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Principal: '*', Action: 'kinesis:GetRecords', Resource: '*' }],
        }),
      });
      return { ResourceARN };
    }),
  ],
  errors: {
    1: operationCase('no resource', {}),
    2: noResource(),
    3: noSuchResource(),
  },
};
