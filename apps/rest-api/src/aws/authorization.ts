import { accessDenied, type AccessKeyIdentity, evaluate, type Policy } from '@tailrace/identity';
import { AwsError } from './aws-error.ts';
import { canonicalArn } from './canonical-arn.ts';
import type { Authentication } from './caller.ts';
import { consumerArn, parseConsumerArn } from './consumers/consumer.ts';
import type { KnownPolicies } from './known-policies.ts';
import type { Operation, OperationContext } from './operation.ts';
import { LISTING as SHARD_LISTING } from './operations/list-shards.ts';
import { peekPageToken } from './page-token.ts';
import { peekIterator } from './shard-iterator.ts';
import { parseStreamArn, streamArn } from './stream-arn.ts';
import type { StreamPlace } from './stream-places.ts';

/** The members by which requests name what they are about. */
interface ResourceMembers {
  readonly StreamARN?: string;
  readonly ConsumerARN?: string;
  readonly ConsumerName?: string;
  readonly ResourceARN?: string;
  readonly StreamName?: string;
  readonly ShardIterator?: string;
  readonly NextToken?: string;
}

/** Whose the streams of the deployment are, where there is one name space. */
type Home = Pick<Authentication, 'account' | 'region'>;

/** What a request is about when it is about no single stream: ListStreams, the limits of an account. */
const EVERYTHING = '*';

/**
 * Asks the policies whether the bearer of an access key may do what a well-formed request wants: the key's own and the
 * resource's. Throws AccessDeniedException, StoreUnavailable.
 */
export async function authorize(
  operation: Pick<Operation, 'name' | 'input'>,
  input: object,
  context: OperationContext,
  identity: AccessKeyIdentity,
  home: Home,
  policies: KnownPolicies,
): Promise<void> {
  const { separate } = context.places;
  const resources = resourcesOf(input, context);
  if ('ConsumerName' in operation.input && 'ConsumerARN' in operation.input) {
    const consumer = await consumerByName(input, context);
    if (consumer !== undefined) resources.add(consumer);
  }
  for (const resource of resources) {
    const owner = separate ? accountOf(resource, identity) : home.account;
    const question = {
      principal: identity,
      action: `kinesis:${operation.name}`,
      resource,
      resourceAccount: owner,
      identityPolicies: identity.policies,
    };
    // In one name space there are no streams under the names of another account or region, whoever asks.
    if (!separate && !isAtHome(resource, home)) throw denied(question, 'noResourceAllow');
    const decision = evaluate({ ...question, resourcePolicy: await policyOf(resource, context, policies) });
    if (!decision.allowed) throw denied(question, decision.why);
  }
}

function denied(...denial: Parameters<typeof accessDenied>): AwsError {
  const { type, message } = accessDenied(...denial);
  return new AwsError(type, message);
}

/** The ARNs of streams and consumers that a request names, in whatever way: all of them must be allowed. */
function resourcesOf(members: ResourceMembers, context: OperationContext): Set<string> {
  const { caller, tokens } = context;
  const { StreamARN, ConsumerARN, ResourceARN, StreamName, ShardIterator, NextToken } = members;
  const arns = [StreamARN, ConsumerARN, ResourceARN].filter((arn) => arn !== undefined);
  const resources = new Set(arns.map(canonicalArn));
  // Beside an ARN, what names a stream must name the same one; operations see to that.
  if (resources.size === 0) {
    const sealed =
      (ShardIterator !== undefined ? peekIterator(tokens, ShardIterator) : undefined) ??
      (NextToken !== undefined ? peekPageToken<SealedName>(tokens, SHARD_LISTING, NextToken) : undefined);
    const name = StreamName ?? sealed?.streamName;
    const place = StreamName === undefined ? placeOf(sealed?.streamId, context) : caller;
    resources.add(name === undefined ? EVERYTHING : streamArn(place, name));
  }
  return resources;
}

/**
 * The ARN of a consumer that is named by its stream's ARN and its own name: its policies count as if the request had written it.
 * `undefined`: there is none, which the operation says. Operations that take no ARN of a consumer (RegisterStreamConsumer)
 * are about none that exists.
 */
async function consumerByName(
  { StreamARN, ConsumerARN, ConsumerName }: ResourceMembers,
  { streams, consumers }: OperationContext,
): Promise<string | undefined> {
  if (ConsumerARN !== undefined || ConsumerName === undefined || StreamARN === undefined) return undefined;
  const named = parseStreamArn(StreamARN);
  const stream = named && (await streams.find(named));
  const consumer = stream && (await consumers.find(stream.id, ConsumerName));
  return consumer && consumerArn(canonicalArn(StreamARN), consumer);
}

/** What iterators and tokens say of their stream. */
interface SealedName {
  readonly streamId: string;
  readonly streamName: string;
}

/** Where the stream is that an iterator or a token was made for. */
function placeOf(streamId: string | undefined, { catalog, places, caller }: OperationContext): StreamPlace {
  const stream = streamId === undefined ? undefined : catalog.peekById(streamId);
  return stream === undefined ? caller : places.placeOf(stream, caller);
}

/** Whose a resource is; what is about no stream is about the caller's own. */
function accountOf(resource: string, { account }: AccessKeyIdentity): string {
  return resource === EVERYTHING ? account : (resource.split(':', 5)[4] as string);
}

/** `arn:aws:kinesis:<region>:<account>:…` */
function isAtHome(resource: string, home: Home): boolean {
  if (resource === EVERYTHING) return true;
  const [, , , region, account] = resource.split(':', 5);
  return account === home.account && (home.region === undefined || region === home.region);
}

async function policyOf(
  arn: string,
  { streams }: OperationContext,
  policies: KnownPolicies,
): Promise<Policy | undefined> {
  const named = parseStreamArn(arn) ?? parseStreamArn(parseConsumerArn(arn)?.streamArn ?? '');
  if (named === undefined) return undefined;
  const stream = await streams.find(named);
  return stream && policies.find(arn, stream.id);
}
