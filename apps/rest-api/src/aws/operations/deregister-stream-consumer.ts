import { consumerReference, existingConsumer } from '../consumers/consumer-reference.ts';
import { operation } from '../operation.ts';

/**
 * DeregisterStreamConsumer: ends the subscriptions of a consumer and removes it; it is gone at once.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DeregisterStreamConsumer.html
 * 1 ValidationException  2 InvalidArgumentException  3 ResourceNotFoundException
 */
export const deregisterStreamConsumer = operation({
  name: 'DeregisterStreamConsumer',
  input: consumerReference,
  async run(input, context) {
    const { consumer } = await existingConsumer(input, context); // 2, 3
    await context.consumers.remove(consumer);
    return undefined;
  },
});
