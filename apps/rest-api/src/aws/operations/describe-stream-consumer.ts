import { consumerReference, existingConsumer } from '../consumers/consumer-reference.ts';
import { describeConsumer } from '../consumers/consumer.ts';
import { operation } from '../operation.ts';

/**
 * DescribeStreamConsumer: a consumer by its ARN, or by the stream's and its name.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeStreamConsumer.html
 * 1 ValidationException  2 InvalidArgumentException  3 ResourceNotFoundException
 */
export const describeStreamConsumer = operation({
  name: 'DescribeStreamConsumer',
  input: consumerReference,
  async run(input, context) {
    const { consumer, streamArn } = await existingConsumer(input, context); // 2, 3
    return { ConsumerDescription: { ...describeConsumer(streamArn, consumer), StreamARN: streamArn } };
  },
});
