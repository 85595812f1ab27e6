import { streamArn, streamName, tagKey } from '../members.ts';
import { operation } from '../operation.ts';
import { listTags } from '../tags.ts';
import { integer } from '../wire/shapes.ts';

const TAGS_PER_PAGE_MAX = 50;

/**
 * ListTagsForStream: a stream's tags in the order of their keys, in pages.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListTagsForStream.html
 * 1 ValidationException  2 InvalidArgumentException (no stream named)  3 ResourceNotFoundException
 */
export const listTagsForStream = operation({
  name: 'ListTagsForStream',
  input: {
    Limit: integer({ min: 1, max: TAGS_PER_PAGE_MAX }),
    ExclusiveStartTagKey: tagKey,
    StreamName: streamName,
    StreamARN: streamArn,
  },
  async run(input, { streams }) {
    const { document } = await streams.existing(input); // 2, 3
    const { Limit = TAGS_PER_PAGE_MAX, ExclusiveStartTagKey: behind } = input;
    const rest = listTags(document.tags).filter(({ Key }) => behind === undefined || Key > behind);
    return { Tags: rest.slice(0, Limit), HasMoreTags: rest.length > Limit };
  },
});
