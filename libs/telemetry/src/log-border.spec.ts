import { afterEach, describe, expect, it } from '@jest/globals';
import { startHttpSpan } from './http-border.ts';
import { setLogTransfer, withLogSpan } from './log-border.ts';
import { withScriptSpan } from './script-border.ts';
import { startTestTracing } from './testing/index.ts';
import type { TestTracing } from './testing/index.ts';
import { offSpan, spanKinds, startSpan, withSpan } from './tracing.ts';

let collector: TestTracing | undefined;
afterEach(async () => {
  await collector?.stop();
  collector = undefined;
});
const request = { method: 'POST', path: '/', headers: {}, protocolVersion: '1.1', scheme: 'http' as const };
const redis = { address: '10.0.0.1', port: 6379, database: 0 };

describe('the log border', () => {
  it("shows an append between the door's span and the script's", async () => {
    collector = await startTestTracing();
    const door = startHttpSpan(request);
    await withLogSpan('append', 'redis', 'orders', 'shardId-000000000001', door, async (log) => {
      await withScriptSpan('append', 'EVALSHA', redis, log, () => Promise.resolve());
      setLogTransfer(log, { recordCount: 3, byteCount: 300, groupSize: 2 });
    });
    door.end();
    const [script, log, outer] = collector.spans();
    expect(log).toEqual({
      name: 'append orders',
      kind: 'internal',
      traceId: outer?.traceId,
      spanId: script?.parentSpanId,
      parentSpanId: outer?.spanId,
      attributes: {
        'tailrace.log.operation': 'append',
        'tailrace.engine': 'redis',
        'messaging.destination.name': 'orders',
        'messaging.destination.partition.id': 'shardId-000000000001',
        'messaging.batch.message_count': 3,
        'tailrace.log.bytes': 300,
        'tailrace.log.group_size': 2,
      },
      links: [],
      error: undefined,
    });
  });

  it('opens no span under a request that is not sampled, and hands its span on', async () => {
    collector = await startTestTracing({ sampled: false });
    const door = startHttpSpan(request);
    expect(withLogSpan('read', 'embedded', 'orders', 's', door, (span) => span)).toBe(door);
    expect(withScriptSpan('read', 'EVALSHA', redis, door, (span) => span)).toBe(door);
    door.end();
    expect(collector.spans()).toEqual([]);
  });

  it('leaves what is done for an unsampled request out of the trace whose flow it happens in', async () => {
    collector = await startTestTracing();
    const unsampled = startSpan(
      { name: 'unsampled', kind: spanKinds.internal },
      { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 0 },
    );
    await withSpan({ name: 'sampled', kind: spanKinds.internal }, undefined, () =>
      withLogSpan('append', 'redis', 'orders', 's', unsampled, async () => {
        await new Promise((resolve) => setImmediate(resolve));
        withScriptSpan('append', 'EVALSHA', redis, undefined, () => {});
      }),
    );
    expect(collector.spans().map(({ name }) => name)).toEqual(['sampled']);
  });

  it('is a plain call while tracing is off', () => {
    expect(withLogSpan('read', 'embedded', 'orders', 's', undefined, (span) => span)).toBe(offSpan);
  });
});
