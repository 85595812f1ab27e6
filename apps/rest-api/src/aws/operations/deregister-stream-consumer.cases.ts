import { operationCase, type OperationCases } from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'DeregisterStreamConsumer',
  ok: [operationCase('by its ARN', async (world) => ({ ConsumerARN: await world.consumerArn() }))],
  errors: {
    1: operationCase('a name that is none', (world) => ({ StreamARN: world.arn('a'), ConsumerName: 'a b' })),
    2: operationCase('no consumer named', {}),
    3: operationCase('a consumer that there is not', async (world) => ({
      StreamARN: await world.streamArn(),
      ConsumerName: 'nobody',
    })),
  },
};
