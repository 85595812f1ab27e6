import { consumerName } from '../consumers/consumer-reference.ts';
import { describeConsumer } from '../consumers/consumer.ts';
import { streamArn, tags } from '../members.ts';
import { streamNotFound } from '../named-streams.ts';
import { operation } from '../operation.ts';
import { withTags } from '../tags.ts';
import { required } from '../wire/shapes.ts';

/**
 * RegisterStreamConsumer: makes a consumer with enhanced fan-out. The answer says CREATING, as the service's does; here it
 * is ACTIVE when the client looks next.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_RegisterStreamConsumer.html
 * 1 ValidationException  2 InvalidArgumentException (ARN)  3 ResourceNotFoundException
 * 4 ResourceInUseException (stream not ACTIVE)  5 InvalidArgumentException (tags)
 * 6 ResourceInUseException (name taken)  7 LimitExceededException (20 a stream)
 */
export const registerStreamConsumer = operation({
  name: 'RegisterStreamConsumer',
  input: { StreamARN: required(streamArn), ConsumerName: required(consumerName), Tags: tags },
  async run({ StreamARN, ConsumerName, Tags = {} }, { streams, consumers, catalog }) {
    const stream = await streams.usable({ StreamARN }); // 2, 3, 4
    const place = streams.nameOf({ StreamARN });
    const consumer = await consumers.register(
      { streamId: stream.id, name: ConsumerName, tags: withTags({}, Tags, place) }, // 5
      place,
    ); // 6, 7
    // Deleted meanwhile: who did it may have looked for consumers before this one was written down.
    if ((await catalog.refresh(stream.name))?.id !== stream.id) {
      await consumers.remove(consumer);
      throw streamNotFound(place); // 3
    }
    return { Consumer: { ...describeConsumer(StreamARN, consumer), ConsumerStatus: 'CREATING' } };
  },
});
