import type { AccessKeyIdentity, AwsRefusal, Caller as NamedCaller, SignedRequest, Verified } from '@tailrace/identity';
import { callerOf } from '@tailrace/identity';
import type { Exchange } from '../http/exchange.ts';

export { DEFAULT_ACCOUNT, DEFAULT_REGION } from '@tailrace/identity';

/** Who asks. */
export interface Caller extends NamedCaller {
  /** Whose signature was checked; absent while authentication is off. */
  readonly identity?: AccessKeyIdentity;
}

/** Who is let in, and whose the streams are. */
export interface Authentication {
  /** Checks a signature: a SignatureVerifier over the access keys of the deployment. */
  verify(request: SignedRequest, body: Buffer): Verified<AccessKeyIdentity> | AwsRefusal;
  /** Twelve digits: the account that all streams belong to. */
  readonly account: string;
  /** The one region that there is; without it every region shows the same streams. */
  readonly region?: string | undefined;
}

/** Without authentication, whatever the request says of its caller counts. */
export function callerOfExchange(
  { method, path, headers, rawHeaders }: Exchange,
  body: Buffer,
  authentication: Authentication | undefined,
): Caller | AwsRefusal {
  if (authentication === undefined) return callerOf(headers, path);
  const verified = authentication.verify({ method, target: path, headers, rawHeaders }, body);
  if (!verified.ok) return verified;
  const { identity, region } = verified;
  return { region, account: identity.account, identity };
}
