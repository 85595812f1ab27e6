import type { Link, Span, SpanContext, TraceState } from '@opentelemetry/api';

/**
 * W3C Trace Context (https://www.w3.org/TR/trace-context/) in HTTP headers and in record headers.
 *
 * Rules for records: what comes in by HTTP gets a `traceparent` header of the caller's trace whose parent id is our span
 * (and the caller's `tracestate`, if any); a header that a record brings itself stays as it is. While tracing is off,
 * nothing is added: we would pass on a parent that says nothing about us, and every record would grow by 70 bytes.
 */
export const TRACEPARENT = 'traceparent';
export const TRACESTATE = 'tracestate';

/** `00-<32 hex>-<16 hex>-<2 hex>`. */
export const TRACEPARENT_BYTES = 55;
/** What one span links to at most; the SDK's own limit is 128. */
export const LINKS_PER_SPAN_MAX = 64;
/** What is searched for links in the batches of one answer at most: a search must not cost more than the answer. */
export const LINK_SCAN_BYTES_MAX = 1024 * 1024;
/** The specification's figures for `tracestate`: pass on at least 512 characters, at most 32 members. */
export const TRACESTATE_CHARS_MAX = 512;
export const TRACESTATE_MEMBERS_MAX = 32;

/** A record header as both doors have it. */
export interface TraceHeader {
  readonly key: string;
  readonly value: Buffer;
}

const zeroTraceId = '0'.repeat(32);
const zeroSpanId = '0'.repeat(16);
const FLAG_SAMPLED = 1;

export function formatTraceparent(spanContext: SpanContext): string {
  const flags = spanContext.traceFlags & 0xff;
  return `00-${spanContext.traceId}-${spanContext.spanId}-${flags < 16 ? '0' : ''}${flags.toString(16)}`;
}

/**
 * Reads a `traceparent` strictly: lower-case hex, exact length for version 00, all-zero ids and version ff refused. A
 * later version is read as far as 00 goes, as the specification asks. Anything else: `undefined`, and the trace begins here.
 */
export function parseTraceparent(value: string | Uint8Array | null | undefined): SpanContext | undefined {
  if (value === null || value === undefined) return undefined;
  if (value.length < TRACEPARENT_BYTES || value.length > TRACESTATE_CHARS_MAX) return undefined;
  const text =
    typeof value === 'string' ? value : Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1');
  // By hand: every request with this header pays for it, and a regular expression took several times as long.
  if (!isHex(text, 0, 2) || !isHex(text, 3, 35) || !isHex(text, 36, 52) || !isHex(text, 53, 55)) return undefined;
  if (text[2] !== '-' || text[35] !== '-' || text[52] !== '-') return undefined;
  if (text.startsWith('ff')) return undefined;
  if (text.length > TRACEPARENT_BYTES && (text.startsWith('00') || text[TRACEPARENT_BYTES] !== '-')) return undefined;
  const traceId = text.slice(3, 35);
  const spanId = text.slice(36, 52);
  if (traceId === zeroTraceId || spanId === zeroSpanId) return undefined;
  const traceFlags = Number.parseInt(text.slice(53, TRACEPARENT_BYTES), 16) & FLAG_SAMPLED;
  return { traceId, spanId, traceFlags, isRemote: true };
}

/** Lower-case hexadecimal digits only, from `start` to before `end`. */
function isHex(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    // 0 to 9, a to f
    if (!((code >= 48 && code <= 57) || (code >= 97 && code <= 102))) return false;
  }
  return true;
}

/** The caller's context from HTTP request headers (names in lower case, as Node gives them), if it sent a legal one. */
export function extractFrom(headers: Readonly<Record<string, string | string[] | undefined>>): SpanContext | undefined {
  const traceparent = headers[TRACEPARENT];
  // Two traceparent headers are joined or listed by the server; either way there is no telling which one is meant.
  if (typeof traceparent !== 'string') return undefined;
  const parent = parseTraceparent(traceparent);
  if (parent === undefined) return undefined;
  const header = headers[TRACESTATE];
  const traceState =
    header === undefined ? undefined : parseTracestate(Array.isArray(header) ? header.join(',') : header);
  return traceState === undefined ? parent : { ...parent, traceState };
}

const memberKey = /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})$/;
const memberValue = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/**
 * Reads a `tracestate`. A list with an illegal or repeated member, with too many members or too many characters is
 * dropped as a whole: the specification lets us, and half a vendor's state is worse than none.
 */
export function parseTracestate(value: string): TraceState | undefined {
  if (value.length > TRACESTATE_CHARS_MAX) return undefined;
  const members = new Map<string, string>();
  for (const piece of value.split(',')) {
    const member = piece.trim();
    if (member === '') continue;
    const equals = member.indexOf('=');
    const key = member.slice(0, equals);
    const text = member.slice(equals + 1);
    if (equals < 1 || members.has(key) || !memberKey.test(key) || !memberValue.test(text)) return undefined;
    members.set(key, text);
  }
  if (members.size === 0 || members.size > TRACESTATE_MEMBERS_MAX) return undefined;
  return new ListedTraceState(members);
}

/** Immutable; a changed member moves to the front, as the specification asks. */
class ListedTraceState implements TraceState {
  readonly #members: ReadonlyMap<string, string>;

  constructor(members: ReadonlyMap<string, string>) {
    this.#members = members;
  }

  get(key: string): string | undefined {
    return this.#members.get(key);
  }

  set(key: string, value: string): TraceState {
    const rest = [...this.#members].filter(([name]) => name !== key);
    return new ListedTraceState(new Map([[key, value], ...rest]));
  }

  unset(key: string): TraceState {
    return new ListedTraceState(new Map([...this.#members].filter(([name]) => name !== key)));
  }

  serialize(): string {
    return [...this.#members].map(([key, value]) => `${key}=${value}`).join(',');
  }
}

const noHeaders: readonly TraceHeader[] = Object.freeze([]);

/**
 * The headers that records of one request get: made once for the request, shared by its records. Empty for the span of
 * tracing that is off. An unsampled span gives its context too (flags 00), so that consumers keep to the decision.
 */
export function traceHeadersOf(span: Span): readonly TraceHeader[] {
  const spanContext = span.spanContext();
  if (spanContext.traceId === zeroTraceId) return noHeaders;
  const headers: TraceHeader[] = [{ key: TRACEPARENT, value: Buffer.from(formatTraceparent(spanContext), 'latin1') }];
  const traceState = spanContext.traceState?.serialize();
  if (traceState) headers.push({ key: TRACESTATE, value: Buffer.from(traceState, 'latin1') });
  return headers;
}

/**
 * Adds the span's trace headers to a record's headers, unless the record brings a `traceparent` of its own. Answers
 * whether it added. Nothing is added while tracing is off.
 */
export function injectInto(headers: { key: string; value: Uint8Array | null }[], span: Span): boolean {
  const added = traceHeadersOf(span);
  if (added.length === 0) return false;
  for (const header of headers) if (header.key === TRACEPARENT) return false;
  headers.push(...added);
  return true;
}

/**
 * Links to the spans that the given `traceparent` values name, at most `max` and each span once. Illegal values are
 * passed over: they are a producer's mistake, and not the reader's.
 */
export function linksFrom(
  traceparents: Iterable<string | Uint8Array | null | undefined>,
  max: number = LINKS_PER_SPAN_MAX,
): Link[] {
  const links: Link[] = [];
  const seen = new Set<string>();
  for (const value of traceparents) {
    if (links.length >= max) break;
    const spanContext = parseTraceparent(value);
    if (spanContext === undefined || seen.has(spanContext.traceId + spanContext.spanId)) continue;
    seen.add(spanContext.traceId + spanContext.spanId);
    links.push({ context: spanContext });
  }
  return links;
}

/** As a record header is encoded in a RecordBatch v2: zigzag length 11, the key, zigzag length 55. */
const encodedKey = Buffer.from(`\x16${TRACEPARENT}\x6e`, 'latin1');

/**
 * Finds `traceparent` headers in encoded, uncompressed batches without decoding them: a search for the encoded key, so a
 * fetch that decodes nothing can still link to what it returns. Compressed batches show nothing here. A payload that holds
 * the very same bytes would give a wrong link and do no other harm. At most `max`, repeated values once, from the first
 * `LINK_SCAN_BYTES_MAX`.
 */
export function scanTraceparents(chunks: Iterable<Buffer>, max: number = LINKS_PER_SPAN_MAX): Set<string> {
  const found = new Set<string>();
  let bytesLeft = LINK_SCAN_BYTES_MAX;
  for (const whole of chunks) {
    const chunk = whole.length > bytesLeft ? whole.subarray(0, bytesLeft) : whole;
    bytesLeft -= chunk.length;
    let at = chunk.indexOf(encodedKey);
    while (at !== -1 && found.size < max) {
      const start = at + encodedKey.length;
      const value = chunk.toString('latin1', start, start + TRACEPARENT_BYTES);
      if (parseTraceparent(value) !== undefined) found.add(value);
      at = chunk.indexOf(encodedKey, start);
    }
    if (found.size >= max || bytesLeft === 0) break;
  }
  return found;
}
