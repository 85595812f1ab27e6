import { accessDenied, type AccessKeyIdentity, evaluate, type Policy } from '@tailrace/identity';
import { AwsError } from './aws-error.ts';
import type { Authentication } from './caller.ts';
import { parseConsumerArn } from './consumers/consumer.ts';
import type { KnownPolicies } from './known-policies.ts';
import type { OperationContext } from './operation.ts';
import { LISTING as SHARD_LISTING } from './operations/list-shards.ts';
import { peekPageToken } from './page-token.ts';
import { peekIterator } from './shard-iterator.ts';
import { parseStreamArn, streamArn } from './stream-arn.ts';

/** The members by which requests name what they are about. */
interface ResourceMembers {
  readonly StreamARN?: string;
  readonly ConsumerARN?: string;
  readonly ResourceARN?: string;
  readonly StreamName?: string;
  readonly ShardIterator?: string;
  readonly NextToken?: string;
}

/** Whose the streams of the deployment are. */
type Home = Pick<Authentication, 'account' | 'region'>;

/** What a request is about when it is about no single stream: ListStreams, the limits of an account. */
const EVERYTHING = '*';

/**
 * Asks the policies whether the bearer of an access key may do what a well-formed request wants: the key's own and the
 * resource's. Throws AccessDeniedException, StoreUnavailable.
 */
export async function authorize(
  operationName: string,
  input: object,
  context: OperationContext,
  identity: AccessKeyIdentity,
  home: Home,
  policies: KnownPolicies,
): Promise<void> {
  for (const resource of resourcesOf(input, context)) {
    const question = {
      principal: identity,
      action: `kinesis:${operationName}`,
      resource,
      resourceAccount: home.account,
      identityPolicies: identity.policies,
    };
    // One set of streams: under the names of another account or region there are none, whoever asks.
    if (!isAtHome(resource, home)) throw denied(question, 'noResourceAllow');
    const decision = evaluate({ ...question, resourcePolicy: await policyOf(resource, context, policies) });
    if (!decision.allowed) throw denied(question, decision.why);
  }
}

function denied(...denial: Parameters<typeof accessDenied>): AwsError {
  const { type, message } = accessDenied(...denial);
  return new AwsError(type, message);
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
function isAtHome(resource: string, home: Home): boolean {
  if (resource === EVERYTHING) return true;
  const [, , , region, account] = resource.split(':', 5);
  return account === home.account && (home.region === undefined || region === home.region);
}

async function policyOf(
  arn: string,
  { catalog }: OperationContext,
  policies: KnownPolicies,
): Promise<Policy | undefined> {
  const name = (parseStreamArn(arn) ?? parseStreamArn(parseConsumerArn(arn)?.streamArn ?? ''))?.streamName;
  if (name === undefined) return undefined;
  const stream = catalog.peek(name) ?? (await catalog.find(name));
  return stream && policies.find(arn, stream.id);
}
