import type { Span } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { setScriptError, withScriptSpan } from './script-border.ts';
import { startTestTracing } from './testing/index.ts';
import type { TestTracing } from './testing/index.ts';
import { offSpan, spanKinds, startSpan, withSpan } from './tracing.ts';

const endpoint = { address: 'redis.local', port: 6379, database: 2 };
const common = { 'db.system.name': 'redis', 'db.namespace': '2', 'server.address': 'redis.local', 'server.port': 6379 };

describe('the script border', () => {
  let collector: TestTracing;
  let outer: Span;
  beforeEach(async () => {
    collector = await startTestTracing();
    outer = startSpan({ name: 'outer', kind: spanKinds.internal });
  });
  afterEach(() => collector.stop());

  it('shows scripts, commands and pipelines as calls of a client', () => {
    withScriptSpan('append', 'EVALSHA', endpoint, outer, () => {});
    withScriptSpan(undefined, 'XRANGE', endpoint, outer, () => {}, 1);
    withScriptSpan(undefined, 'PIPELINE', endpoint, outer, () => {}, 5);
    expect(collector.spans().map(({ name, kind, attributes }) => [name, kind, attributes])).toEqual([
      ['EVALSHA append', 'client', { ...common, 'db.operation.name': 'EVALSHA', 'db.stored_procedure.name': 'append' }],
      ['XRANGE', 'client', { ...common, 'db.operation.name': 'XRANGE' }],
      ['PIPELINE', 'client', { ...common, 'db.operation.name': 'PIPELINE', 'db.operation.batch.size': 5 }],
    ]);
  });

  it.each([
    [
      'NOREPLICAS Not enough good replicas to write.',
      { 'db.response.status_code': 'NOREPLICAS', 'error.type': 'NOREPLICAS' },
    ],
    ['Connection is closed.', { 'error.type': 'Error' }],
  ])('classifies %p', (message, expected) => {
    withScriptSpan(undefined, 'XADD', endpoint, outer, (span) => setScriptError(span, new Error(message)));
    expect(collector.spans().map(({ attributes, error }) => [attributes, error])).toEqual([
      [{ ...common, 'db.operation.name': 'XADD', ...expected }, message],
    ]);
  });

  it('hangs under the active span, and begins no trace where there is none', () => {
    withSpan({ name: 'active', kind: spanKinds.internal }, undefined, () => {
      withScriptSpan(undefined, 'GET', endpoint, undefined, () => {});
    });
    expect(withScriptSpan(undefined, 'GET', endpoint, undefined, (span) => span)).toBe(offSpan);
    const [get, active] = collector.spans();
    expect([get?.name, get?.parentSpanId, active?.name]).toEqual(['GET', active?.spanId, 'active']);
    expect(collector.spans()).toHaveLength(2);
  });

  it('is a plain call while tracing is off', async () => {
    await collector.stop();
    expect(withScriptSpan('append', 'EVALSHA', endpoint, undefined, (span) => span)).toBe(offSpan);
  });
});
