/**
 * Fills the disk under the service, watches what both doors answer, makes room, and counts: nothing acknowledged is lost,
 * and the service goes on by itself.
 *
 *   node compat/full-disk/run.ts        as root, on Linux: the disk is a tmpfs of 192 MiB of its own
 */
import { execFileSync } from 'node:child_process';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryDirectory } from '@tailrace/testkit';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { Ledger } from '../kill/ledger.ts';
import { service } from '../service.ts';
import { kafkaJs } from '../two-doors/clients/kafkajs.ts';

const DISK_MIB = 192;
const STREAM = 'full';
const FULL_FOR_MS = 3000;
const RECORD_PADDING = 'x'.repeat(20_000);
/** Long enough to see that the disk is full, short enough that a service that hides it is found out. */
const FILLING_PATIENCE_MS = 60_000;

const directory = await temporaryDirectory();
execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', directory.path]);
const ballast = join(directory.path, 'ballast');
const server = await service({ env: { TAILRACE_DATA_DIR: join(directory.path, 'data'), TAILRACE_LIMITS: 'off' } });
const ledger = new Ledger();
const answers = new Map<string, number>();
let failed = false;

async function put(key: string): Promise<boolean> {
  const value = ledger.next(key);
  const response = await fetch(`${server.http}/`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'Kinesis_20131202.PutRecord' },
    body: JSON.stringify({
      StreamName: STREAM,
      PartitionKey: key,
      Data: Buffer.from(`${value} ${RECORD_PADDING}`).toString('base64'),
    }),
  });
  const text = await response.text();
  if (response.status === 200) ledger.acknowledged(key, value);
  else {
    const answer = `HTTP ${response.status} ${(JSON.parse(text) as { __type: string }).__type}`;
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
  }
  return response.status === 200;
}

const producer = () =>
  new Kafka({ clientId: 'full', brokers: [server.kafka], logLevel: logLevel.NOTHING, retry: { retries: 0 } }).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
  });

async function produce(key: string, kafka: ReturnType<typeof producer>): Promise<boolean> {
  const value = ledger.next(key);
  try {
    await kafka.send({ topic: STREAM, acks: -1, messages: [{ key, value: `${value} ${RECORD_PADDING}` }] });
    ledger.acknowledged(key, value);
    return true;
  } catch (error) {
    const { type, name } = ((error as Error).cause ?? error) as { type?: string; name: string };
    const answer = `Kafka ${type ?? name}`;
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
    return false;
  }
}

try {
  await server.start();
  await fetch(`${server.http}/v1/streams`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: STREAM, shards: 2 }),
  });
  const kafka = producer();
  await kafka.connect();
  for (let i = 0; i < 200; i++) await Promise.all([put('http'), produce('kafka', kafka)]);

  const { bavail, bsize } = statfsSync(directory.path);
  writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - 4 * 2 ** 20)));
  const begin = performance.now();
  let refusedAt: number | undefined;
  while (refusedAt === undefined && performance.now() - begin < FILLING_PATIENCE_MS) {
    const [byHttp, byKafka] = await Promise.all([put('http'), produce('kafka', kafka)]);
    if (!byHttp && !byKafka) refusedAt = performance.now();
  }
  console.log(
    refusedAt === undefined
      ? 'the disk never was full'
      : `both doors refuse: ${[...answers].map(([answer, count]) => `${answer} × ${count}`).join(', ')}`,
  );
  failed ||= refusedAt === undefined;
  const until = performance.now() + FULL_FOR_MS;
  while (performance.now() < until) {
    await Promise.all([put('http'), produce('kafka', kafka)]);
    await sleep(50);
  }
  console.log(`while full: ${[...answers].map(([answer, count]) => `${answer} × ${count}`).join(', ')}`);

  rmSync(ballast);
  const freed = performance.now();
  let resumed = false;
  while (!resumed && performance.now() - freed < FILLING_PATIENCE_MS) {
    const both = await Promise.all([put('http'), produce('kafka', kafka)]);
    resumed = both.every(Boolean);
  }
  console.log(
    resumed ? `takes records again ${Math.round(performance.now() - freed)} ms after there is room` : 'did not resume',
  );
  failed ||= !resumed;
  for (let i = 0; i < 100; i++) await Promise.all([put('http'), produce('kafka', kafka)]);
  await kafka.disconnect();

  await server.stop();
  await server.start();
  const { shards } = (await (await fetch(`${server.http}/v1/streams/${STREAM}`)).json()) as {
    shards: { highWatermark: string }[];
  };
  const count = shards.reduce((sum, { highWatermark }) => sum + Number(highWatermark), 0);
  const read = (await kafkaJs.readAll(server, STREAM, count)).map(({ key, value }) => ({
    key: Buffer.from(key, 'base64').toString(),
    value: Buffer.from(value, 'base64').toString().split(' ')[0] as string,
  }));
  const problems = ledger.problems(read);
  console.log(
    `after a restart: ${ledger.acknowledgedCount} acknowledged, ${read.length} there, ${problems.length} problems`,
  );
  for (const problem of problems.slice(0, 10)) console.log(`  ${problem}`);
  failed ||= problems.length > 0;
} finally {
  await server.stop();
  execFileSync('umount', [directory.path]);
  await directory.remove();
}
console.log(failed ? 'FAILED' : 'passed');
process.exit(failed ? 1 : 0);
