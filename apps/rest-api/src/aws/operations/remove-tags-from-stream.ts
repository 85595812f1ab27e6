import { streamArn, streamName, tagKeys } from '../members.ts';
import { operation } from '../operation.ts';
import { withoutTags } from '../tags.ts';
import { required } from '../wire/shapes.ts';

/**
 * RemoveTagsFromStream: takes tags away from a stream; those that it does not have are passed over.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_RemoveTagsFromStream.html
 * 1 ValidationException  2 InvalidArgumentException (no stream named)  3 ResourceNotFoundException
 * 4 ResourceInUseException  5 InvalidArgumentException (characters)
 */
export const removeTagsFromStream = operation({
  name: 'RemoveTagsFromStream',
  input: { TagKeys: required(tagKeys), StreamName: streamName, StreamARN: streamArn },
  async run(input, { streams }) {
    const place = streams.nameOf(input); // 2
    await streams.change(
      input,
      (document) => ({ ...document, tags: withoutTags(document.tags, input.TagKeys, place) }), // 5
      { whileUpdating: true },
    ); // 3, 4
    return undefined;
  },
});
