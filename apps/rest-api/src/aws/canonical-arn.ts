import { parseConsumerArn } from './consumers/consumer.ts';
import { parseStreamArn, streamArn } from './stream-arn.ts';

/**
 * The one ARN by which this service itself names a stream or a consumer. Requests may write it in several ways (`aws-cn` for
 * `aws`, noughts before a consumer's time), and a policy that denies one of them denies them all. What names neither stays
 * as it is: the operation refuses it.
 */
export function canonicalArn(arn: string): string {
  const stream = parseStreamArn(arn);
  if (stream !== undefined) return streamArn(stream, stream.streamName);
  const consumer = parseConsumerArn(arn);
  if (consumer === undefined) return arn;
  return `${canonicalArn(consumer.streamArn)}/consumer/${consumer.consumerName}:${consumer.createdSeconds}`;
}
