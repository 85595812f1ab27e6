import {
  noStreamArn,
  noSuchStreamArn,
  operationCase,
  type OperationCases,
} from '../../../test/operation-table/operation-cases.ts';

export const cases: OperationCases = {
  operation: 'RegisterStreamConsumer',
  ok: [
    operationCase('a name that is free', async (world) => ({
      StreamARN: await world.streamArn(),
      ConsumerName: 'reader',
    })),
  ],
  errors: {
    1: operationCase('no name', async (world) => ({ StreamARN: await world.streamArn() })),
    2: noStreamArn({ ConsumerName: 'reader' }),
    3: noSuchStreamArn({ ConsumerName: 'reader' }),
    4: operationCase('a stream that is being made', async (world) => ({
      StreamARN: world.arn(await world.creatingStream()),
      ConsumerName: 'reader',
    })),
    5: operationCase('a reserved key among the tags', async (world) => ({
      StreamARN: await world.streamArn(),
      ConsumerName: 'reader',
      Tags: { 'aws:a': 'b' },
    })),
    6: operationCase('a name that is taken', async (world) => ({
      StreamARN: (await world.consumerArn()).split('/consumer')[0],
      ConsumerName: 'reader',
    })),
    7: operationCase('twenty consumers there are', async (world) => {
      const StreamARN = await world.streamArn();
      for (let i = 0; i < 20; i++) {
        await world.call('RegisterStreamConsumer', { StreamARN, ConsumerName: `reader-${i}` });
      }
      return { StreamARN, ConsumerName: 'reader' };
    }),
  },
};
