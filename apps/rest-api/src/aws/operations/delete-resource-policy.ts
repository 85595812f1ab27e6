import { resourceArn } from '../members.ts';
import { operation } from '../operation.ts';
import { existingResource } from '../resource.ts';
import { ResourcePolicies } from '../resource-policies.ts';
import { required } from '../wire/shapes.ts';

/**
 * DeleteResourcePolicy: takes the policy of a stream or a consumer away; it is no fault that there is none.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DeleteResourcePolicy.html
 * 1 ValidationException  2 InvalidArgumentException (no ARN of a stream or consumer)  3 ResourceNotFoundException
 */
export const deleteResourcePolicy = operation({
  name: 'DeleteResourcePolicy',
  input: { ResourceARN: required(resourceArn) },
  async run({ ResourceARN }, context) {
    const { arn } = await existingResource(ResourceARN, context); // 2, 3
    await new ResourcePolicies(context.store.documents).remove(arn);
    return undefined;
  },
});
