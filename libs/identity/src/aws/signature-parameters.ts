import { hash } from 'node:crypto';
import { type AwsRefusal, refuse } from './aws-refusal.ts';
import type { SignedHeaders } from './canonical-request.ts';
import { decodeUriComponent } from './uri-encoding.ts';

export const ALGORITHM = 'AWS4-HMAC-SHA256';
/** A header or query longer than that is not looked into. Node's own bound of all headers is the same by default. */
export const PARAMETERS_CHARACTERS_MAX = 16_384;

/** What a request says of its signature, apart from the signature and the time. */
export interface SignatureParameters {
  readonly algorithm: string;
  /** `<access key id>/<date>/<region>/<service>/aws4_request`, as it came, without slashes at the end. */
  readonly credential: string;
  /** The same, taken apart. Five, if it is a right one. */
  readonly credentialParts: readonly string[];
  readonly signedHeaders: SignedHeaders;
}

export interface HeaderParameters {
  readonly parameters: SignatureParameters;
  readonly signature: string;
}

export interface QueryParameters extends HeaderParameters {
  /** X-Amz-Date */
  readonly time: string;
  /** X-Amz-Expires, in seconds; not a number if it is none. */
  readonly expiresSeconds: number | undefined;
  /** X-Amz-Security-Token */
  readonly securityToken: string | undefined;
}

function parametersOf(algorithm: string, credential: string, signedHeaders: string): SignatureParameters {
  const trimmed = credential.replace(/\/{1,16}$/, '');
  // Each once: a name that is repeated a thousand times must not make a large header a thousand times as large.
  const names = [...new Set(signedHeaders.toLowerCase().split(';'))].sort();
  return {
    algorithm,
    credential: trimmed,
    credentialParts: trimmed.split('/'),
    signedHeaders: { names, text: names.join(';') },
  };
}

/**
 * Takes `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…` apart; between the parameters stand commas, spaces
 * or both. `hasTime`: whether the request has one of the headers that say when it was signed; AWS complains of a missing
 * one in the same breath.
 */
export function parseAuthorizationHeader(header: string, hasTime: boolean): HeaderParameters | AwsRefusal {
  if (header.length > PARAMETERS_CHARACTERS_MAX) {
    return refuse(
      'IncompleteSignatureException',
      `Authorization header is longer than ${PARAMETERS_CHARACTERS_MAX} characters.`,
    );
  }
  const [algorithm = '', ...pairs] = header.split(/[, ]+/);
  let credential = '';
  let signedHeaders = '';
  let signature = '';
  for (const pair of pairs) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    if (equals === -1) {
      const digest = hash('sha256', pair, 'base64');
      return refuse(
        'IncompleteSignatureException',
        `Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '${digest}'.`,
      );
    }
    const value = pair.slice(equals + 1);
    switch (pair.slice(0, equals)) {
      case 'Credential':
        credential = value;
        break;
      case 'SignedHeaders':
        signedHeaders = value;
        break;
      case 'Signature':
        signature = value;
        break;
    }
  }
  let missing = '';
  if (credential === '') missing += "Authorization header requires 'Credential' parameter. ";
  if (signature === '') missing += "Authorization header requires 'Signature' parameter. ";
  if (signedHeaders === '') missing += "Authorization header requires 'SignedHeaders' parameter. ";
  if (!hasTime) {
    missing += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
  }
  if (missing !== '') return refuse('IncompleteSignatureException', `${missing}Authorization=${header}`);
  return { parameters: parametersOf(algorithm, credential, signedHeaders), signature };
}

/** The parameters in the order in which AWS names the missing ones. */
const REQUIRED = [
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Signature',
  'X-Amz-SignedHeaders',
  'X-Amz-Date',
] as const;
const SIGNATURE_PARAMETERS = new Set<string>([...REQUIRED, 'X-Amz-Expires', 'X-Amz-Security-Token']);

/** Takes a presigned request's query apart. */
export function parsePresignedQuery(query: string): QueryParameters | AwsRefusal {
  if (query.length > PARAMETERS_CHARACTERS_MAX) {
    return refuse(
      'IncompleteSignatureException',
      `AWS query-string parameters are longer than ${PARAMETERS_CHARACTERS_MAX} characters.`,
    );
  }
  const values = new Map<string, string>();
  for (const part of query.split('&')) {
    const equals = part.indexOf('=');
    const name = decodeUriComponent(equals === -1 ? part : part.slice(0, equals));
    if (!SIGNATURE_PARAMETERS.has(name) || values.has(name)) continue;
    values.set(name, equals === -1 ? '' : decodeUriComponent(part.slice(equals + 1)));
  }
  let missing = '';
  for (const name of REQUIRED) {
    if (!values.get(name)) missing += `AWS query-string parameters must include '${name}'. `;
  }
  if (missing !== '') {
    return refuse('IncompleteSignatureException', `${missing}Re-examine the query-string parameters.`);
  }
  const value = (name: (typeof REQUIRED)[number]) => values.get(name) as string;
  const expires = values.get('X-Amz-Expires');
  return {
    parameters: parametersOf(value('X-Amz-Algorithm'), value('X-Amz-Credential'), value('X-Amz-SignedHeaders')),
    signature: value('X-Amz-Signature'),
    time: value('X-Amz-Date'),
    expiresSeconds: expires === undefined ? undefined : /^\d{1,9}$/.test(expires) ? Number(expires) : Number.NaN,
    securityToken: values.get('X-Amz-Security-Token'),
  };
}

/** Whether a query is a presigned one. Cheap for the many that are not. */
export function isPresigned(query: string): boolean {
  return query.includes('X-Amz-Algorithm') && /(?:^|&)X-Amz-Algorithm(?:=|&|$)/.test(query);
}
