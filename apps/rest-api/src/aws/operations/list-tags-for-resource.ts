import { resourceArn } from '../members.ts';
import { operation } from '../operation.ts';
import { existingResource, tagsOf } from '../resource.ts';
import { listTags } from '../tags.ts';
import { required } from '../wire/shapes.ts';

/**
 * ListTagsForResource: all tags of a stream or a consumer, in the order of their keys.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListTagsForResource.html
 * 1 ValidationException  2 InvalidArgumentException (no ARN of a stream or consumer)  3 ResourceNotFoundException
 */
export const listTagsForResource = operation({
  name: 'ListTagsForResource',
  input: { ResourceARN: required(resourceArn) },
  async run({ ResourceARN }, context) {
    const resource = await existingResource(ResourceARN, context); // 2, 3
    return { Tags: listTags(tagsOf(resource)) };
  },
});
