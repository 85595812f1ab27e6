import { describe, expect, it } from '@jest/globals';
import {
  CODES_PER_OPERATION_MAX,
  DURATION_BUCKETS_SECONDS,
  DurationHistogram,
  logMetrics,
  meters,
  RequestMetrics,
  requestMetrics,
  SERIES_PER_FAMILY_MAX,
  tailCacheMetrics,
  trafficMetrics,
} from './metrics.ts';

describe('a duration histogram', () => {
  it('counts a duration in the bucket whose upper bound it does not exceed', () => {
    const histogram = new DurationHistogram();
    for (const bound of DURATION_BUCKETS_SECONDS) histogram.observe(bound);
    expect([...histogram.counts]).toEqual([...DURATION_BUCKETS_SECONDS.map(() => 1), 0]);
    histogram.observe(0);
    histogram.observe(10.000001);
    expect([histogram.counts[0], histogram.counts.at(-1)]).toEqual([2, 1]);
    expect(histogram.sumSeconds).toBeCloseTo(DURATION_BUCKETS_SECONDS.reduce((a, b) => a + b) + 10.000001, 9);
  });
});

describe('handles', () => {
  it('are the same for the same names', () => {
    expect(requestMetrics('kafka', 'Produce')).toBe(requestMetrics('kafka', 'Produce'));
    expect(requestMetrics('http', 'Produce')).not.toBe(requestMetrics('kafka', 'Produce'));
    expect(logMetrics('redis')).toBe(logMetrics('redis'));
    expect([trafficMetrics('http'), tailCacheMetrics()]).toEqual([meters.traffic.http, meters.tailCache]);
  });

  it('count records and bytes by direction', () => {
    const traffic = trafficMetrics('kafka');
    traffic.received(2, 20);
    traffic.received(1, 5);
    traffic.sent(4, 40);
    expect({ ...traffic }).toEqual({
      door: 'kafka',
      recordsIn: 3,
      bytesIn: 25,
      recordsOut: 4,
      bytesOut: 40,
      throttled: 0,
      connections: 0,
    });
  });

  it('keep a bounded number of codes and count the rest as other', () => {
    const handle = new RequestMetrics('http', 'PutRecord');
    for (let code = 0; code < CODES_PER_OPERATION_MAX; code++) handle.observe(0.001, code);
    expect([handle.codes.size, handle.codes.has('other')]).toEqual([CODES_PER_OPERATION_MAX, false]);
    handle.observe(0.001, 'one more');
    handle.observe(0.001, 'and one more');
    expect([handle.codes.size, handle.codes.get('other')]).toEqual([CODES_PER_OPERATION_MAX + 1, { count: 2 }]);
  });

  it('are bounded themselves', () => {
    for (let n = 0; n < SERIES_PER_FAMILY_MAX + 2; n++) requestMetrics('http', `operation ${n}`);
    expect(meters.requests.size).toBe(SERIES_PER_FAMILY_MAX + 1);
    const overflow = requestMetrics('kafka', 'past the bound');
    expect([overflow.operation, overflow]).toEqual(['other', requestMetrics('http', 'also past it')]);
  });
});
