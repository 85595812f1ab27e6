import type { IncomingHttpHeaders } from 'node:http';
import { HEADER_BYTES_MAX } from './http-limits.ts';

/** The head of a request in the one form that client libraries of the AWS protocol send. */
export interface PlainHead {
  /** Names in lower case, each of which came once. */
  readonly headers: IncomingHttpHeaders;
  /** Name, value, name, value, as they came. */
  readonly rawHeaders: readonly string[];
  /** Where the body begins, counted from the request's first byte. */
  readonly bodyStart: number;
  readonly bodyBytes: number;
}

const REQUEST_LINE = 'POST / HTTP/1.1\r\n';
const HEAD_END = Buffer.from('\r\n\r\n', 'latin1');
/**
 * One line, at `lastIndex`: a name of letters, digits and hyphens; a value of visible ASCII and spaces. The value does not begin
 * with a space, so that there is one way to read a line: of a head full of spaces, trying all ways took a second.
 */
const LINE = /([A-Za-z0-9-]+): *((?:[\x21-\x7e][\x20-\x7e]*)?)\r\n/y;
const LENGTH = /^(?:0|[1-9]\d{0,8})$/;
/** These change how the rest of a connection is to be read, or want an answer before the body. */
const CHANGES_FRAMING = new Set(['transfer-encoding', 'expect', 'upgrade', 'trailer', 'te', 'http2-settings']);

/** Clients repeat a few spellings for ever. What no client uses is not worth remembering, so the map stops growing. */
const lowerCaseNames = new Map<string, string>();
const NAMES_REMEMBERED_MAX = 256;

/**
 * Reads a head that is whole and plain: `POST /`, HTTP/1.1, every header once, a `Content-Length`, a connection that stays
 * open. `undefined` is no refusal: it says that a reader of all of HTTP/1 has to look at these bytes. So whatever is
 * unusual here (a second `Content-Length`, folded lines, a bare line feed) is never interpreted twice.
 */
export function readPlainHead(bytes: Buffer): PlainHead | undefined {
  const end = bytes.indexOf(HEAD_END);
  if (end < 0 || end > HEADER_BYTES_MAX) return undefined;
  const text = bytes.toString('latin1', 0, end + 2);
  if (!text.startsWith(REQUEST_LINE)) return undefined;
  const headers: Record<string, string> = {};
  const rawHeaders: string[] = [];
  for (let at = REQUEST_LINE.length; at < text.length; at = LINE.lastIndex) {
    LINE.lastIndex = at;
    const line = LINE.exec(text);
    if (line === null) return undefined;
    const rawName = line[1] as string;
    const value = line[2] as string;
    const name = lowerCaseNames.get(rawName) ?? lowerCase(rawName);
    // Spaces behind a value are not of it; nobody sends them.
    if (headers[name] !== undefined || CHANGES_FRAMING.has(name) || value.endsWith(' ')) return undefined;
    headers[name] = value;
    rawHeaders.push(rawName, value);
  }
  const { host, connection, 'content-length': length } = headers;
  if (host === undefined || length === undefined || !LENGTH.test(length)) return undefined;
  if (connection !== undefined && connection.toLowerCase() !== 'keep-alive') return undefined;
  return { headers, rawHeaders, bodyStart: end + HEAD_END.length, bodyBytes: Number(length) };
}

function lowerCase(rawName: string): string {
  const name = rawName.toLowerCase();
  if (lowerCaseNames.size < NAMES_REMEMBERED_MAX) lowerCaseNames.set(rawName, name);
  return name;
}
