import { afterEach, describe, expect, it } from '@jest/globals';
import { createLogger, parseLogLevel } from './logger.ts';
import type { LoggerOptions } from './logger.ts';
import { startTestTracing } from './testing/index.ts';
import type { TestTracing } from './testing/index.ts';
import { spanKinds, withSpan } from './tracing.ts';

let collector: TestTracing | undefined;
afterEach(async () => {
  await collector?.stop();
  collector = undefined;
});

function capture(options: LoggerOptions = {}) {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { lines, log: createLogger({ readable: false, destination, ...options }) };
}
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

describe('log lines', () => {
  it('are JSON, one an event, with the fields of the event and of the child', () => {
    const { lines, log } = capture();
    log.child({ door: 'http', requestId: 'r-1' }).warn({ stream: 'orders', shard: 's-1' }, 'line\nbreak');
    log.info('ready');
    expect(lines.map((line) => [line.endsWith('\n'), line.trimEnd().includes('\n')])).toEqual([
      [true, false],
      [true, false],
    ]);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { level: 'warn', time, door: 'http', requestId: 'r-1', stream: 'orders', shard: 's-1', msg: 'line\nbreak' },
      { level: 'info', time, msg: 'ready' },
    ]);
  });

  it('carry the ids of the active span', async () => {
    collector = await startTestTracing();
    const { lines, log } = capture();
    withSpan({ name: 'work', kind: spanKinds.internal }, undefined, () => log.info('inside'));
    log.info('outside');
    const [span] = collector.spans();
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { level: 'info', time, trace_id: span?.traceId, span_id: span?.spanId, msg: 'inside' },
      { level: 'info', time, msg: 'outside' },
    ]);
  });

  it('show an error with its stack and its cause', () => {
    const { lines, log } = capture();
    log.error({ err: new Error('no append', { cause: new Error('disk full') }) }, 'failed');
    const { err } = JSON.parse(lines[0] ?? '') as { err: { type: string; message: string; stack: string } };
    expect([err.type, err.message]).toEqual(['Error', 'no append: disk full']);
    expect(err.stack).toContain('caused by: Error: disk full');
  });

  it('below the level are not written', () => {
    const { lines, log } = capture({ level: 'warn' });
    log.info('quiet');
    expect([lines, log.isLevelEnabled('info'), log.isLevelEnabled('error')]).toEqual([[], false, true]);
    log.level = 'debug';
    log.debug('loud');
    expect(lines).toHaveLength(1);
  });

  it('are readable for a terminal', () => {
    const { lines, log } = capture({ readable: true });
    log.info({ stream: 'orders', count: 2 }, 'shard sealed');
    log.error({ err: new Error('disk full') }, 'append failed');
    const [sealed, failed] = lines.map((line) => line.replaceAll(/\x1b\[\d+m/g, ''));
    expect(sealed).toMatch(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}shard sealed stream=orders count=2\n$/);
    expect(failed).toMatch(/^\d\d:\d\d:\d\d\.\d{3} ERROR append failed\nError: disk full\n {4}at /);
  });
});

describe('TAILRACE_LOG_LEVEL', () => {
  it.each([
    [undefined, 'info'],
    ['', 'info'],
    ['debug', 'debug'],
    ['WARN', 'warn'],
    ['silent', 'silent'],
    ['verbose', undefined],
    ['30', undefined],
  ])('%p means %p', (value, level) => {
    expect(parseLogLevel(value)).toBe(level);
  });
});
