import { accessDenied, type AccessKeyIdentity, evaluate } from '@tailrace/identity';
import { AwsError } from './aws-error.ts';
import type { OperationContext } from './operation.ts';
import { LISTING as SHARD_LISTING } from './operations/list-shards.ts';
import { peekPageToken } from './page-token.ts';
import { peekIterator } from './shard-iterator.ts';
import { streamArn } from './stream-arn.ts';

/** The members by which requests name what they are about. */
interface ResourceMembers {
  readonly StreamARN?: string;
  readonly ConsumerARN?: string;
  readonly ResourceARN?: string;
  readonly StreamName?: string;
  readonly ShardIterator?: string;
  readonly NextToken?: string;
}

/** What a request is about when it is about no single stream: ListStreams, the limits of an account. */
const EVERYTHING = '*';

/**
 * Asks the policies whether the bearer of an access key may do what a well-formed request wants. Throws
 * AccessDeniedException.
 */
export function authorize(
  operationName: string,
  input: object,
  context: OperationContext,
  identity: AccessKeyIdentity,
): void {
  for (const resource of resourcesOf(input as ResourceMembers, context)) {
    const question = {
      principal: identity,
      action: `kinesis:${operationName}`,
      resource,
      resourceAccount: accountIn(resource) ?? identity.account,
      identityPolicies: identity.policies,
    };
    const decision = evaluate(question);
    if (decision.allowed) continue;
    const { type, message } = accessDenied(question, decision.why);
    throw new AwsError(type, message);
  }
}

/** The ARNs of streams and consumers that a request names, in whatever way: all of them must be allowed. */
function resourcesOf(members: ResourceMembers, { caller, tokens }: OperationContext): ReadonlySet<string> {
  const { StreamARN, ConsumerARN, ResourceARN, StreamName, ShardIterator, NextToken } = members;
  const resources = new Set([StreamARN, ConsumerARN, ResourceARN].filter((arn) => arn !== undefined));
  // Beside an ARN, what names a stream must name the same one; operations see to that.
  if (resources.size === 0) {
    const name =
      StreamName ??
      (ShardIterator !== undefined ? peekIterator(tokens, ShardIterator)?.streamName : undefined) ??
      (NextToken !== undefined
        ? peekPageToken<{ readonly streamName?: string }>(tokens, SHARD_LISTING, NextToken)?.streamName
        : undefined);
    resources.add(name === undefined ? EVERYTHING : streamArn(caller, name));
  }
  return resources;
}

/** `arn:aws:kinesis:<region>:<account>:…` */
function accountIn(arn: string): string | undefined {
  return arn.split(':', 5)[4];
}
