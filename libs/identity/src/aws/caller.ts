import type { IncomingHttpHeaders } from 'node:http';

export const DEFAULT_REGION = 'us-east-1';
export const DEFAULT_ACCOUNT = '000000000000';

/** Who asks, as far as names of resources depend on it. */
export interface Caller {
  readonly region: string;
  /** Twelve digits. */
  readonly account: string;
}

const DEFAULT_CALLER: Caller = { region: DEFAULT_REGION, account: DEFAULT_ACCOUNT };
/** `Credential=<access key>/<date>/<region>/<service>/aws4_request`; in a query the slashes may be encoded. */
const CREDENTIAL = /Credential=([^/,\s]{1,128})\/[^/,\s]{0,16}\/([a-zA-Z0-9-]{1,32})\//;
const QUERY_CREDENTIAL =
  /[?&]X-Amz-Credential=([^&/%\s]{1,128})(?:\/|%2[Ff])[^&/%\s]{0,16}(?:\/|%2[Ff])([a-zA-Z0-9-]{1,32})(?:\/|%2[Ff])/;
const ACCOUNT = /^\d{12}$/;
/** Callers seen lately, by authorization header up to the signature. A process meets few access keys. */
const KNOWN_CALLERS_MAX = 1_000;
const known = new Map<string, Caller>();

/**
 * Reads region and account out of the SigV4 scope without a check of the signature: for a service whose authentication is
 * off. An access key of twelve digits is taken for the account. Without credentials: the defaults.
 *
 * `target` is the request's path and query; a presigned request carries its scope there.
 */
export function callerOf(headers: IncomingHttpHeaders, target = '/'): Caller {
  const { authorization } = headers;
  if (authorization === undefined) {
    return target.includes('X-Amz-Credential=') ? callerIn(QUERY_CREDENTIAL.exec(target)) : DEFAULT_CALLER;
  }
  // The signature differs each time; the scope before it hardly ever.
  const scopeEnd = authorization.indexOf(',');
  const scope = scopeEnd === -1 ? authorization : authorization.slice(0, scopeEnd);
  let caller = known.get(scope);
  if (caller === undefined) {
    caller = callerIn(CREDENTIAL.exec(authorization));
    // Only a scope at the front holds all that was read.
    if (CREDENTIAL.test(scope)) {
      if (known.size >= KNOWN_CALLERS_MAX) known.clear();
      known.set(scope, caller);
    }
  }
  return caller;
}

function callerIn(credential: RegExpExecArray | null): Caller {
  const accessKey = credential?.[1] ?? '';
  return { region: credential?.[2] ?? DEFAULT_REGION, account: ACCOUNT.test(accessKey) ? accessKey : DEFAULT_ACCOUNT };
}
