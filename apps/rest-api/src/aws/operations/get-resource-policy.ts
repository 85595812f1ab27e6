import { resourceArn } from '../members.ts';
import { operation } from '../operation.ts';
import { existingResource } from '../resource.ts';
import { ResourcePolicies } from '../resource-policies.ts';
import { required } from '../wire/shapes.ts';

/** What the service answers where no policy was put. */
const NO_POLICY = '{}';

/**
 * GetResourcePolicy: the policy of a stream or a consumer, as it was put; `{}` where there is none.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetResourcePolicy.html
 * 1 ValidationException  2 InvalidArgumentException (no ARN of a stream or consumer)  3 ResourceNotFoundException
 */
export const getResourcePolicy = operation({
  name: 'GetResourcePolicy',
  input: { ResourceARN: required(resourceArn) },
  async run({ ResourceARN }, context) {
    const { arn, stream } = await existingResource(ResourceARN, context); // 2, 3
    const policy = await new ResourcePolicies(context.store.documents).text(arn, stream.id);
    return { Policy: policy ?? NO_POLICY };
  },
});
