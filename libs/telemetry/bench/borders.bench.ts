/**
 * What the tracing calls of one PutRecord cost, without anything else: `node libs/telemetry/bench/borders.bench.ts`. A few
 * seconds. They are the calls that the HTTP door, its way in and the embedded engine's log border make, in that order.
 */
import { startTestTracing } from '../src/testing/index.ts';
import {
  endHttpSpan,
  offSpan,
  setHttpTransfer,
  setLogTransfer,
  startHttpSpan,
  traceHeadersOf,
  tracing,
  withActiveSpan,
  withLogSpan,
} from '../src/index.ts';

const ROUNDS = 5;
const ROUND_MS = 300;
const CALLS_BETWEEN_LOOKS = 500;

const traceId = '0af7651916cd43dd8448eb211c80319c';
const appended = Promise.resolve(1);
let sink = 0;

const headersOf = (flags: '00' | '01' | undefined) => ({
  host: '127.0.0.1:4567',
  'user-agent': 'aws-sdk-js/3',
  ...(flags && { traceparent: `00-${traceId}-b7ad6b7169203331-${flags}` }),
});

async function putRecord(headers: Readonly<Record<string, string>>): Promise<void> {
  const span = tracing.enabled
    ? startHttpSpan({
        method: 'POST',
        path: '/',
        headers,
        protocolVersion: '1.1',
        scheme: 'http',
        awsOperation: 'PutRecord',
        requestId: '3d1c1f3e-6c0a-4b60-9d35-2d3d5d7a8d10',
        clientAddress: '127.0.0.1',
      })
    : offSpan;
  const work = async (): Promise<void> => {
    sink += traceHeadersOf(span).length;
    await (tracing.enabled
      ? withLogSpan('append', 'embedded', 'orders', 'shardId-000000000000', span, (logSpan) => {
          setLogTransfer(logSpan, { recordCount: 1, byteCount: 1_100, groupSize: 1 });
          return appended;
        })
      : appended);
    setHttpTransfer(span, 'PutRecord', { type: 'send', stream: 'orders', shardId: 'shardId-000000000000' });
  };
  await (span.isRecording() ? withActiveSpan(span, work) : work());
  endHttpSpan(span, 200);
}

/** The same with no tracing call in it. */
async function bare(): Promise<void> {
  const work = async (): Promise<void> => {
    sink += 1;
    await appended;
  };
  await work();
}

/** The best round, in nanoseconds of CPU a call: what disturbs only ever makes it longer. */
async function measure(call: () => Promise<void>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round <= ROUNDS; round++) {
    const until = performance.now() + ROUND_MS;
    const cpu = process.cpuUsage();
    let calls = 0;
    while (performance.now() < until) {
      for (let i = 0; i < CALLS_BETWEEN_LOOKS; i++) await call();
      calls += CALLS_BETWEEN_LOOKS;
    }
    const { user, system } = process.cpuUsage(cpu);
    // The first round warms up.
    if (round > 0) best = Math.min(best, ((user + system) * 1_000) / calls);
  }
  return best;
}

const base = await measure(bare);
const report = (what: string, ns: number) =>
  console.log(
    `${what.padEnd(58)} ${Math.max(0, ns - base)
      .toFixed(0)
      .padStart(6)} ns a PutRecord`,
  );

report('off', await measure(() => putRecord(headersOf(undefined))));
const notSampling = await startTestTracing({ sampled: false });
report('on, not sampled, no traceparent', await measure(() => putRecord(headersOf(undefined))));
report('on, not sampled, traceparent with flags 00', await measure(() => putRecord(headersOf('00'))));
await notSampling.stop();
const collector = await startTestTracing();
let kept = 0;
report(
  'on, sampled, with traceparent (two spans, kept in memory)',
  await measure(() => {
    if (++kept % 100 === 0) collector.clear();
    return putRecord(headersOf('01'));
  }),
);
await collector.stop();
// What is computed must be used, or it would not be.
if (sink === 0) throw new Error('nothing was measured');
