import { resourceArn, tagKeys } from '../members.ts';
import { operation } from '../operation.ts';
import { changeTags, existingResource } from '../resource.ts';
import { withoutTags } from '../tags.ts';
import { required } from '../wire/shapes.ts';

/**
 * UntagResource: takes tags away from a stream or a consumer; those that it does not have are passed over.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UntagResource.html
 * 1 ValidationException  2 InvalidArgumentException (no ARN of a stream or consumer)  3 ResourceNotFoundException
 * 4 ResourceInUseException  5 InvalidArgumentException (characters)
 */
export const untagResource = operation({
  name: 'UntagResource',
  input: { TagKeys: required(tagKeys), ResourceARN: required(resourceArn) },
  async run({ TagKeys, ResourceARN }, context) {
    const resource = await existingResource(ResourceARN, context); // 2, 3
    await changeTags(resource, (present) => withoutTags(present, TagKeys, resource.place), context); // 4, 5
    return undefined;
  },
});
