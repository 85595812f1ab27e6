import { streamHasConsumers } from '../consumers/consumer-errors.ts';
import { streamArn, streamName } from '../members.ts';
import { operation } from '../operation.ts';
import { refusalError } from '../refusal-errors.ts';
import { ResourcePolicies } from '../resource-policies.ts';
import { boolean } from '../wire/shapes.ts';

/**
 * DeleteStream: removes a stream with its records, its policies and, if told to, its consumers; it is gone at once.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DeleteStream.html
 * 1 ValidationException  2 InvalidArgumentException  3 ResourceNotFoundException
 * 4 ResourceInUseException (it has consumers, or is being changed)
 */
export const deleteStream = operation({
  name: 'DeleteStream',
  input: { StreamName: streamName, StreamARN: streamArn, EnforceConsumerDeletion: boolean() },
  async run(input, { streams, catalog, consumers, store }) {
    const { name, id } = await streams.existing(input); // 2, 3
    const place = streams.nameOf(input);
    const hasConsumers = (await consumers.list(id, { limit: 1 })).length > 0;
    if (hasConsumers && input.EnforceConsumerDeletion !== true) throw streamHasConsumers(place); // 4
    const deleted = await catalog.delete(name);
    if (!deleted.ok) throw refusalError(deleted.refusal, place); // 3, 4
    // Behind it, so that none is missed: who registers one now finds the stream gone. Subscriptions end with the log.
    await consumers.removeAll(id);
    await new ResourcePolicies(store.documents).removeAll(id);
    return undefined;
  },
});
