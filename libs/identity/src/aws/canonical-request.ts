import type { IncomingHttpHeaders } from 'node:http';
import { decodeUriComponent, encodeUriComponent, encodeUriPath } from './uri-encoding.ts';

/** A request as it came on the wire, as far as signatures cover it. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query as they came: `/?a=b`. */
  readonly target: string;
  /** Names in lower case, as node has them; HTTP/2 has `:authority` for `host`. */
  readonly headers: IncomingHttpHeaders;
  /**
   * Name, value, name, value, as they came. Node joins a header that came twice with comma and space; only this tells it
   * from one that came once with a comma and a space in it. Without it: taken as one.
   */
  readonly rawHeaders?: readonly string[];
}

/** The names a signature covers: in lower case, sorted. */
export interface SignedHeaders {
  readonly names: readonly string[];
  /** Joined by `;`. */
  readonly text: string;
}

/**
 * The text that is hashed and signed.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 *
 * `withoutParameter` is left out of the query: a presigned request carries its own signature there.
 */
export function canonicalRequest(
  request: SignedRequest,
  signedHeaders: SignedHeaders,
  payloadHash: string,
  withoutParameter?: string,
): string {
  const { method, target } = request;
  const queryAt = target.indexOf('?');
  const path = target === '/' ? '/' : canonicalPath(queryAt === -1 ? target : target.slice(0, queryAt));
  const query = queryAt === -1 ? '' : canonicalQuery(target.slice(queryAt + 1), withoutParameter);
  let headers = '';
  for (const name of signedHeaders.names) headers += `${name}:${canonicalHeader(request, name)}\n`;
  return `${method}\n${path}\n${query}\n${headers}\n${signedHeaders.text}\n${payloadHash}`;
}

/**
 * Without empty and dot segments, and encoded once more: on the wire it is encoded once, and AWS signs it twice encoded
 * (S3 alone does not).
 */
export function canonicalPath(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  const end = path.endsWith('/') && segments.length > 0 ? '/' : '';
  return encodeUriPath(`/${segments.join('/')}${end}`);
}

/** Names and values decoded, encoded by AWS's rule, and sorted by name and then value as encoded. */
export function canonicalQuery(query: string, withoutParameter?: string): string {
  if (query === '') return '';
  const pairs: [name: string, value: string][] = [];
  for (const part of query.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decodeUriComponent(equals === -1 ? part : part.slice(0, equals));
    if (name === withoutParameter) continue;
    const value = equals === -1 ? '' : decodeUriComponent(part.slice(equals + 1));
    pairs.push([encodeUriComponent(name), encodeUriComponent(value)]);
  }
  // Encoded text is ASCII: comparing strings compares bytes.
  pairs.sort(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB));
  return pairs.map(([name, value]) => `${name}=${value}`).join('&');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** White space at the ends, and more than one in a row. Not `\s`: that takes byte A0 for a space. */
const UNEVEN_SPACE = /[\t\n\v\f\r]| {2}|^ | $/;
const SPACES = /[ \t\n\v\f\r]+/g;

function folded(value: string): string {
  if (!UNEVEN_SPACE.test(value)) return value;
  const single = value.replace(SPACES, ' ');
  return single.slice(single.startsWith(' ') ? 1 : 0, single.length - (single.endsWith(' ') && single !== ' ' ? 1 : 0));
}

function canonicalHeader({ headers, rawHeaders }: SignedRequest, name: string): string {
  const value = headers[name] ?? (name === 'host' ? headers[':authority'] : undefined);
  if (Array.isArray(value)) return value.map(folded).join(',');
  // Not there, or a name like `constructor`, which every object has.
  if (typeof value !== 'string') return '';
  // Node joins cookies otherwise than the rest.
  if (rawHeaders !== undefined && (value.includes(', ') || name === 'cookie')) {
    const values = rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name);
    if (values.length > 1) return values.map(folded).join(',');
  }
  return folded(value);
}
