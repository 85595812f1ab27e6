import { resourceArn, tags } from '../members.ts';
import { operation } from '../operation.ts';
import { changeTags, existingResource } from '../resource.ts';
import { withTags } from '../tags.ts';
import { required } from '../wire/shapes.ts';

/**
 * TagResource: gives a stream or a consumer tags, or other values for tags that it has.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_TagResource.html
 * 1 ValidationException  2 InvalidArgumentException (no ARN of a stream or consumer)  3 ResourceNotFoundException
 * 4 ResourceInUseException  5 InvalidArgumentException (characters, more than 50 tags)
 */
export const tagResource = operation({
  name: 'TagResource',
  input: { Tags: required(tags), ResourceARN: required(resourceArn) },
  async run({ Tags, ResourceARN }, context) {
    const resource = await existingResource(ResourceARN, context); // 2, 3
    await changeTags(resource, (present) => withTags(present, Tags, resource.place), context); // 4, 5
    return undefined;
  },
});
