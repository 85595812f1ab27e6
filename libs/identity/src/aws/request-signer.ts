import { createHmac, hash } from 'node:crypto';
import { canonicalRequest } from './canonical-request.ts';
import { formatBasic } from './request-time.ts';
import { ALGORITHM } from './signature-parameters.ts';
import { deriveSigningKey } from './signing-keys.ts';
import { stringToSign } from './string-to-sign.ts';

/** An access key as its bearer has it. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of credentials that are good for a while. */
  readonly sessionToken?: string | undefined;
}

export interface RequestToSign {
  readonly method: string;
  /** Path and query as they go on the wire: `/?a=b`. */
  readonly target: string;
  /** Names in lower case, `host` among them. All of them are signed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

export interface SigningOptions {
  readonly credentials: AwsCredentials;
  readonly region: string;
  readonly service?: string;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/**
 * Signs a request by AWS's Signature Version 4: answers its headers with those that carry the signature. The canonical form is
 * that by which `SignatureVerifier` checks.
 */
export function signRequest(
  { method, target, headers, body }: RequestToSign,
  { credentials, region, service = 'kinesis', nowMs }: SigningOptions,
): Record<string, string> {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const timeText = formatBasic(nowMs);
  const scope = { date: timeText.slice(0, 8), region, service };
  const signed: Record<string, string> = { ...headers, 'x-amz-date': timeText };
  if (sessionToken !== undefined) signed['x-amz-security-token'] = sessionToken;
  const names = Object.keys(signed).sort();
  const signedHeaders = { names, text: names.join(';') };
  const canonical = canonicalRequest({ method, target, headers: signed }, signedHeaders, hash('sha256', body, 'hex'));
  const signature = createHmac('sha256', deriveSigningKey(secretAccessKey, scope))
    .update(stringToSign(canonical, timeText, scope))
    .digest('hex');
  const credential = `${accessKeyId}/${scope.date}/${region}/${service}/aws4_request`;
  signed['authorization'] =
    `${ALGORITHM} Credential=${credential}, SignedHeaders=${signedHeaders.text}, Signature=${signature}`;
  return signed;
}
