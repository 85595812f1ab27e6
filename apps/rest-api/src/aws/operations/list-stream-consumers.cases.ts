import { noSuchStreamArn, operationCase, type OperationCases } from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'ListStreamConsumers',
  ok: [operationCase('one', async (world) => ({ StreamARN: (await world.consumerArn()).split('/consumer')[0] }))],
  errors: {
    1: operationCase('a page of none', (world) => ({ StreamARN: world.arn('a'), MaxResults: 0 })),
    2: operationCase('an ARN of something else', (world) => ({ StreamARN: `${world.arn('a')}/b` })),
    3: operationCase('a token of six minutes ago', async (world) => {
      const StreamARN = await world.streamArn();
      for (const ConsumerName of ['a', 'b']) await world.call('RegisterStreamConsumer', { StreamARN, ConsumerName });
      const { NextToken } = await world.call<{ NextToken: string }>('ListStreamConsumers', {
        StreamARN,
        MaxResults: 1,
      });
      world.wait(6);
      return { StreamARN, NextToken };
    }),
    4: noSuchStreamArn(),
  },
};
