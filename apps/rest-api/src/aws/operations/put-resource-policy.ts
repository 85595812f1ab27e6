import { resourceArn } from '../members.ts';
import { operation } from '../operation.ts';
import { existingResource } from '../resource.ts';
import { ResourcePolicies } from '../resource-policies.ts';
import { required, string } from '../wire/shapes.ts';

/**
 * PutResourcePolicy: says who else may do what to a stream or a consumer, in place of what was said before.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutResourcePolicy.html
 * 1 ValidationException  2 InvalidArgumentException (no ARN of a stream or consumer)  3 ResourceNotFoundException
 * 4 InvalidArgumentException (no policy, or one of more than 20 KiB)
 */
export const putResourcePolicy = operation({
  name: 'PutResourcePolicy',
  input: { ResourceARN: required(resourceArn), Policy: required(string()) },
  async run({ ResourceARN, Policy }, context) {
    const resource = await existingResource(ResourceARN, context); // 2, 3
    await new ResourcePolicies(context.store.documents).put(resource, Policy); // 4
    return undefined;
  },
});
