import { streamArn, streamName } from '../members.ts';
import { operation } from '../operation.ts';
import { refusalError } from '../refusal-errors.ts';
import { boolean } from '../wire/shapes.ts';

/**
 * DeleteStream: removes a stream with its records; it is gone at once.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DeleteStream.html
 * 1 ValidationException  2 InvalidArgumentException  3 ResourceNotFoundException  4 ResourceInUseException
 */
export const deleteStream = operation({
  name: 'DeleteStream',
  input: { StreamName: streamName, StreamARN: streamArn, EnforceConsumerDeletion: boolean() },
  async run(input, { streams, catalog }) {
    const { name } = await streams.existing(input); // 2, 3
    const deleted = await catalog.delete(name);
    if (!deleted.ok) {
      throw refusalError(deleted.refusal, { streamName: name, account: streams.accountOf(input) }); // 3, 4
    }
    return undefined;
  },
});
