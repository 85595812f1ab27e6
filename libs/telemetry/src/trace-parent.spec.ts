import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startTestTracing } from './testing/index.ts';
import type { TestTracing } from './testing/index.ts';
import {
  extractFrom,
  formatTraceparent,
  injectInto,
  LINK_SCAN_BYTES_MAX,
  linksFrom,
  LINKS_PER_SPAN_MAX,
  parseTraceparent,
  parseTracestate,
  scanTraceparents,
  traceHeadersOf,
  TRACESTATE_CHARS_MAX,
  TRACESTATE_MEMBERS_MAX,
} from './trace-parent.ts';
import type { TraceHeader } from './trace-parent.ts';
import { offSpan, spanKinds, startSpan } from './tracing.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';
const legal = `00-${traceId}-${spanId}-01`;
/** A different legal value for each number. */
const numbered = (n: number) => `00-${traceId}-${(n + 1).toString(16).padStart(16, '0')}-01`;

describe('traceparent', () => {
  it.each([
    ['sampled', legal, 1],
    ['not sampled', `00-${traceId}-${spanId}-00`, 0],
    ['unknown flags are dropped', `00-${traceId}-${spanId}-ff`, 1],
    ['a later version', `cc-${traceId}-${spanId}-01`, 1],
    ['a later version with more to it', `cc-${traceId}-${spanId}-01-what-the-future-brings`, 1],
  ])('is read: %s', (_, value, traceFlags) => {
    const expected = { traceId, spanId, traceFlags, isRemote: true };
    expect(parseTraceparent(value)).toEqual(expected);
    expect(parseTraceparent(Buffer.from(value))).toEqual(expected);
  });

  it.each([
    ['nothing', ''],
    ['version ff', `ff-${traceId}-${spanId}-01`],
    ['more in version 00', `${legal}-more`],
    ['one character too many', `${legal}0`],
    ['a later version that goes on without a dash', `cc-${traceId}-${spanId}-01x`],
    ['an all-zero trace id', `00-${'0'.repeat(32)}-${spanId}-01`],
    ['an all-zero span id', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['upper case', `00-${traceId.toUpperCase()}-${spanId}-01`],
    ['no hex', `00-${traceId.replace('a', 'g')}-${spanId}-01`],
    ['a space in front', ` ${legal}`],
    ['spaces for dashes', legal.replaceAll('-', ' ')],
    ['flags of one digit', `00-${traceId}-${spanId}-1`],
    ['a line feed at the end', `${legal.slice(0, -1)}\n`],
    ['megabytes', `cc-${traceId}-${spanId}-01-${'x'.repeat(1 << 20)}`],
  ])('is refused: %s', (_, value) => {
    expect(parseTraceparent(value)).toBeUndefined();
    expect(parseTraceparent(Buffer.from(value))).toBeUndefined();
  });

  it('is refused when cut anywhere, and when it is not there', () => {
    for (let length = 0; length < legal.length; length++)
      expect(parseTraceparent(legal.slice(0, length))).toBeUndefined();
    expect([parseTraceparent(null), parseTraceparent(undefined)]).toEqual([undefined, undefined]);
  });

  it('reads a part of a larger buffer', () => {
    const buffer = Buffer.from(`<<${legal}>>`);
    expect(parseTraceparent(buffer.subarray(2, -2))).toEqual({ traceId, spanId, traceFlags: 1, isRemote: true });
  });

  it.each([0, 1, 0xff])('is written with flags %p in two digits', (traceFlags) => {
    const flags = traceFlags.toString(16).padStart(2, '0');
    expect(formatTraceparent({ traceId, spanId, traceFlags })).toBe(`00-${traceId}-${spanId}-${flags}`);
  });
});

describe('tracestate', () => {
  const members = (count: number) => Array.from({ length: count }, (_, n) => `k${n}=v`).join(',');

  it.each([
    ['a', 'vendor=opaque', 'vendor=opaque'],
    ['tenant keys, spaces, empty members', ' 1a@sys=x , ,b=2', '1a@sys=x,b=2'],
    ['as many members as allowed', members(TRACESTATE_MEMBERS_MAX), members(TRACESTATE_MEMBERS_MAX)],
    ['as many characters as asked', `k=${'v'.repeat(256)},l=${'v'.repeat(TRACESTATE_CHARS_MAX - 261)}`, undefined],
  ])('is read: %s', (_, value, serialized) => {
    expect(parseTracestate(value)?.serialize()).toBe(serialized ?? value);
  });

  it.each([
    ['nothing', ''],
    ['no value', 'key'],
    ['no key', '=v'],
    ['an upper-case key', 'Key=v'],
    ['a repeated key', 'a=1,a=2'],
    ['an equals sign in a value', 'a=b=c'],
    ['a control character', 'a=b\x01'],
    ['one member too many', members(TRACESTATE_MEMBERS_MAX + 1)],
    ['one character too many', `k=${'v'.repeat(256)},l=${'v'.repeat(TRACESTATE_CHARS_MAX - 260)}`],
  ])('is dropped: %s', (_, value) => {
    expect(parseTracestate(value)).toBeUndefined();
  });

  it('moves a changed member to the front and leaves the original alone', () => {
    const state = parseTracestate('a=1,b=2');
    expect(state?.set('b', '3').serialize()).toBe('b=3,a=1');
    expect(state?.unset('a').serialize()).toBe('b=2');
    expect([state?.serialize(), state?.get('b')]).toEqual(['a=1,b=2', '2']);
  });
});

describe('extractFrom', () => {
  it('reads both headers', () => {
    const context = extractFrom({ traceparent: legal, tracestate: ['a=1', 'b=2'] });
    expect({ ...context, traceState: context?.traceState?.serialize() }).toEqual({
      traceId,
      spanId,
      traceFlags: 1,
      isRemote: true,
      traceState: 'a=1,b=2',
    });
  });

  it('takes no context from two traceparents, and no tracestate without a traceparent', () => {
    expect(extractFrom({ traceparent: [legal, legal] })).toBeUndefined();
    expect(extractFrom({ traceparent: `${legal}, ${legal}` })).toBeUndefined();
    expect(extractFrom({ tracestate: 'a=1' })).toBeUndefined();
  });
});

describe('trace headers of records', () => {
  let collector: TestTracing;
  beforeEach(async () => {
    collector = await startTestTracing();
  });
  afterEach(() => collector.stop());

  const spanUnder = (headers: Record<string, string>) =>
    startSpan({ name: 'request', kind: spanKinds.server }, extractFrom(headers));

  it("name the caller's trace and our span, and carry the caller's state", () => {
    const span = spanUnder({ traceparent: legal, tracestate: 'vendor=opaque' });
    expect(traceHeadersOf(span)).toEqual([
      { key: 'traceparent', value: Buffer.from(`00-${traceId}-${span.spanContext().spanId}-01`) },
      { key: 'tracestate', value: Buffer.from('vendor=opaque') },
    ]);
  });

  it('tell consumers that a caller did not sample', () => {
    const span = spanUnder({ traceparent: `00-${traceId}-${spanId}-00` });
    expect(traceHeadersOf(span)).toEqual([
      { key: 'traceparent', value: Buffer.from(`00-${traceId}-${span.spanContext().spanId}-00`) },
    ]);
  });

  it('are added behind what a record has', () => {
    const span = spanUnder({});
    const headers: TraceHeader[] = [{ key: 'h', value: Buffer.from('v') }];
    expect(injectInto(headers, span)).toBe(true);
    expect(headers).toEqual([{ key: 'h', value: Buffer.from('v') }, ...traceHeadersOf(span)]);
  });

  it("leave a producer's own header untouched", () => {
    const headers = [{ key: 'traceparent', value: Buffer.from('its own affair') }];
    expect(injectInto(headers, spanUnder({}))).toBe(false);
    expect(headers).toEqual([{ key: 'traceparent', value: Buffer.from('its own affair') }]);
  });

  it('are not added while tracing is off', async () => {
    await collector.stop();
    const headers: TraceHeader[] = [];
    expect([traceHeadersOf(offSpan), injectInto(headers, offSpan), headers]).toEqual([[], false, []]);
  });
});

describe('links', () => {
  it('are made once for each span, without the illegal', () => {
    const links = linksFrom([numbered(1), Buffer.from(numbered(2)), 'garbage', null, undefined, numbered(1)]);
    expect(links.map(({ context }) => formatTraceparent(context))).toEqual([numbered(1), numbered(2)]);
  });

  it('are bounded', () => {
    const values = Array.from({ length: LINKS_PER_SPAN_MAX + 1 }, (_, n) => numbered(n));
    expect(linksFrom(values.slice(1))).toHaveLength(LINKS_PER_SPAN_MAX);
    expect(linksFrom(values)).toHaveLength(LINKS_PER_SPAN_MAX);
    expect(linksFrom(values, 2)).toHaveLength(2);
  });
});

describe('scanTraceparents', () => {
  const encoded = (value: string) => Buffer.concat([Buffer.from('\x16traceparent\x6e', 'latin1'), Buffer.from(value)]);

  it('finds encoded headers between other bytes, over several chunks, once each', () => {
    const chunks = [
      Buffer.concat([Buffer.from('traceparent'), encoded(numbered(1)), Buffer.alloc(9, 0xff), encoded(numbered(2))]),
      Buffer.concat([encoded(numbered(2)), encoded(numbered(3))]),
    ];
    expect([...scanTraceparents(chunks)]).toEqual([numbered(1), numbered(2), numbered(3)]);
  });

  it('passes over what is illegal or cut', () => {
    const chunks = [encoded('x'.repeat(55)), encoded(legal).subarray(0, -1), Buffer.alloc(0)];
    expect([...scanTraceparents(chunks)]).toEqual([]);
  });

  it('stops at the bound', () => {
    const all = Buffer.concat(Array.from({ length: LINKS_PER_SPAN_MAX + 1 }, (_, n) => encoded(numbered(n))));
    expect(scanTraceparents([all, all]).size).toBe(LINKS_PER_SPAN_MAX);
  });

  it.each([
    ['at', 0, 1],
    ['one byte past', 1, 0],
  ])('searches no more than its share of an answer: %s the bound', (_, past, found) => {
    const header = encoded(legal);
    const before = Buffer.alloc(LINK_SCAN_BYTES_MAX - header.length + past);
    expect(scanTraceparents([before, header]).size).toBe(found);
    expect(scanTraceparents([Buffer.concat([before, header])]).size).toBe(found);
  });
});
