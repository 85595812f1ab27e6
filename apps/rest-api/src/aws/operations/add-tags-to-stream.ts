import { streamArn, streamName, tags } from '../members.ts';
import { operation } from '../operation.ts';
import { withTags } from '../tags.ts';
import { required } from '../wire/shapes.ts';

/**
 * AddTagsToStream: gives a stream tags, or other values for tags that it has.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_AddTagsToStream.html
 * 1 ValidationException  2 InvalidArgumentException (no stream named)  3 ResourceNotFoundException
 * 4 ResourceInUseException  5 InvalidArgumentException (characters, more than 50 tags)
 */
export const addTagsToStream = operation({
  name: 'AddTagsToStream',
  input: { Tags: required(tags), StreamName: streamName, StreamARN: streamArn },
  async run(input, { streams }) {
    const place = streams.nameOf(input); // 2
    await streams.change(
      input,
      (document) => ({ ...document, tags: withTags(document.tags, input.Tags, place) }), // 5
      { whileUpdating: true },
    ); // 3, 4
    return undefined;
  },
});
