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
/** `Credential=<access key>/<date>/<region>/<service>/aws4_request` */
const CREDENTIAL = /Credential=([^/,\s]{1,128})\/[^/,\s]{0,16}\/([a-zA-Z0-9-]{1,32})\//;
/** Callers seen lately, by authorization header up to the signature. A process meets few access keys. */
const KNOWN_CALLERS_MAX = 1_000;
const known = new Map<string, Caller>();

/**
 * Reads region and account out of the SigV4 scope, without a check of the signature: authentication is off. An access
 * key of twelve digits is taken for the account. Without credentials: the defaults.
 */
export function callerOf(headers: IncomingHttpHeaders): Caller {
  const { authorization } = headers;
  if (authorization === undefined) return DEFAULT_CALLER;
  // The signature differs each time; the scope before it hardly ever.
  const scopeEnd = authorization.indexOf(',');
  const scope = scopeEnd === -1 ? authorization : authorization.slice(0, scopeEnd);
  let caller = known.get(scope);
  if (caller === undefined) {
    const parts = CREDENTIAL.exec(authorization);
    const accessKey = parts?.[1] ?? '';
    caller = {
      region: parts?.[2] ?? DEFAULT_REGION,
      account: /^\d{12}$/.test(accessKey) ? accessKey : DEFAULT_ACCOUNT,
    };
    // Only a scope at the front holds all that was read.
    if (CREDENTIAL.test(scope)) {
      if (known.size >= KNOWN_CALLERS_MAX) known.clear();
      known.set(scope, caller);
    }
  }
  return caller;
}
