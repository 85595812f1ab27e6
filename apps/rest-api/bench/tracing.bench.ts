/**
 * What tracing adds to a PutRecord: `node apps/rest-api/bench/tracing.bench.ts`, 20 seconds.
 *
 * The whole way of the operation (protocol, checks, batching, encoding) over a store in memory, one request after the
 * other: no sockets and no disk, whose cost changes more from run to run than tracing adds. CPU time of the best of many
 * short rounds that alternate between the modes: what disturbs only ever makes a round longer. `off` is there twice: how
 * far the two differ is how exact the rest can be.
 */
import { startTestTracing, type TestTracing } from '@tailrace/telemetry/testing';
import { awsHarness } from '../test/aws-harness.ts';

const ROUNDS = 60;
const WARM_UP_ROUNDS = 10;
const REQUESTS_A_ROUND = 500;
const RECORD_BYTES = 1_024;

interface Mode {
  readonly name: string;
  readonly sampled?: boolean;
  /** The flags of the caller's `traceparent`, if it sends one. */
  readonly flags?: '00' | '01';
  bestUs: number;
}

const modes: readonly Mode[] = [
  { name: 'off', bestUs: Infinity },
  { name: 'off, once more', bestUs: Infinity },
  { name: 'on, this trace is not sampled', sampled: false, bestUs: Infinity },
  { name: 'on, the caller does not sample (flags 00)', sampled: true, flags: '00', bestUs: Infinity },
  { name: 'on, sampled (two spans, kept in memory)', sampled: true, flags: '01', bestUs: Infinity },
];

const body = JSON.stringify({
  StreamName: 'traced',
  PartitionKey: 'key',
  Data: Buffer.alloc(RECORD_BYTES, 'x').toString('base64'),
});

/** CPU time a request, in microseconds. A new store each time, so that no round has more to carry than another. */
async function round({ flags }: Mode): Promise<number> {
  const harness = await awsHarness();
  await harness.ok('CreateStream', { StreamName: 'traced', ShardCount: 1 });
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'Kinesis_20131202.PutRecord',
    ...(flags && { traceparent: `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-${flags}` }),
  };
  const cpu = process.cpuUsage();
  for (let i = 0; i < REQUESTS_A_ROUND; i++) {
    const { statusCode } = await harness.send({ headers, body });
    if (statusCode !== 200) throw new Error(`PutRecord: ${statusCode}`);
  }
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / REQUESTS_A_ROUND;
}

for (let i = 0; i < WARM_UP_ROUNDS + ROUNDS; i++) {
  for (const mode of modes) {
    let tracing: TestTracing | undefined;
    if (mode.sampled !== undefined) tracing = await startTestTracing({ sampled: mode.sampled });
    const us = await round(mode);
    await tracing?.stop();
    if (i >= WARM_UP_ROUNDS) mode.bestUs = Math.min(mode.bestUs, us);
  }
}
const [off] = modes as [Mode];
console.log(`off: ${off.bestUs.toFixed(2)} µs CPU a PutRecord, without sockets and store`);
for (const { name, bestUs } of modes.slice(1)) {
  console.log(`${name.padEnd(44)} ${bestUs >= off.bestUs ? '+' : ''}${(bestUs - off.bestUs).toFixed(2)} µs`);
}
