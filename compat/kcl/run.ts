/**
 * The Kinesis Client Library 3 for Java against the running service, in polling and in fan-out mode, through a split:
 *
 *   node compat/kcl/run.ts [polling] [fan-out]
 *
 * Needs Java 17 and Maven, and fetches the library and dynalite (DynamoDB for its leases) once. 2,000 records over two
 * shards are put before and while a worker reads; then one shard is split and 1,000 more are put. Each worker must get
 * every record once, in order per key, end the parent and go on in the children.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateStreamCommand, KinesisClient, PutRecordsCommand, SplitShardCommand } from '@aws-sdk/client-kinesis';
import { freePort, guardProcess, temporaryDirectory } from '@tailrace/testkit';
import { service } from '../service.ts';

const HERE = import.meta.dirname;
const CACHE = join(HERE, '.cache');
const MODES = ['polling', 'fan-out'] as const;
const RECORDS_BEFORE_SPLIT = 2_000;
const RECORDS_BEHIND_SPLIT = 1_000;
const RECORDS_A_PUT = 250;
const KEYS = 40;
/** The KCL takes some ten seconds to begin, and looks for children every few. */
const PATIENCE_MS = 150_000;

type Mode = (typeof MODES)[number];

interface Line {
  readonly shard: string;
  readonly key: string;
  readonly data: string;
}

function install(): void {
  mkdirSync(CACHE, { recursive: true });
  for (const file of ['package.json', 'pom.xml']) cpSync(join(HERE, file), join(CACHE, file));
  if (!existsSync(join(CACHE, 'node_modules', 'dynalite'))) {
    console.log('fetching dynalite by npm …');
    execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: CACHE, stdio: 'inherit' });
  }
  if (!existsSync(join(CACHE, 'lib'))) {
    console.log('fetching the KCL by Maven …');
    execFileSync('mvn', ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${join(CACHE, 'lib')}`], {
      cwd: CACHE,
      stdio: 'inherit',
    });
  }
}

function start(command: string, args: readonly string[], output: 'ignore' | 'pipe'): ChildProcess {
  const child = spawn(command, args, { cwd: CACHE, stdio: ['ignore', output, 'inherit'] });
  guardProcess(child.pid as number);
  return child;
}

async function until(what: string, reached: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await reached())) {
    if (performance.now() > deadline) throw new Error(`not within ${PATIENCE_MS / 1000} s: ${what}`);
    await sleep(100);
  }
}

async function put(client: KinesisClient, StreamName: string, from: number, count: number): Promise<void> {
  for (let first = from; first < from + count; first += RECORDS_A_PUT) {
    const Records = Array.from({ length: RECORDS_A_PUT }, (_, i) => ({
      PartitionKey: `key-${(first + i) % KEYS}`,
      Data: Buffer.from(String(first + i)),
    }));
    const { FailedRecordCount } = await client.send(new PutRecordsCommand({ StreamName, Records }));
    if (FailedRecordCount !== 0) throw new Error(`${FailedRecordCount} records were refused`);
  }
}

/** Answers what is wrong with what a worker got, if anything. */
function faultOf(lines: readonly Line[], ended: readonly string[], count: number): string | undefined {
  const distinct = new Set(lines.map(({ data }) => data));
  if (distinct.size !== count) return `${count - distinct.size} of ${count} records are missing`;
  if (lines.length !== count) return `${lines.length - count} records came more than once`;
  const last = new Map<string, number>();
  for (const { key, data } of lines) {
    if (Number(data) <= (last.get(key) ?? -1)) return `out of order: ${data} of ${key} behind ${last.get(key)}`;
    last.set(key, Number(data));
  }
  if (ended.join() !== 'shardId-000000000000') return `ended: ${ended.join()}, not the shard that was split`;
  const shards = [...new Set(lines.map(({ shard }) => shard))].sort();
  if (shards.length !== 4) return `records of ${shards.join()} came, not of four shards`;
  return undefined;
}

async function run(mode: Mode, client: KinesisClient, endpoint: string, leases: string): Promise<boolean> {
  const StreamName = `kcl-${mode}`;
  await client.send(new CreateStreamCommand({ StreamName, ShardCount: 2 }));
  await put(client, StreamName, 0, RECORDS_BEFORE_SPLIT / 2);
  const begin = performance.now();
  const classPath = `${join(CACHE, 'lib')}/*`;
  const logging = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=error'];
  const worker = start(
    'java',
    ['-Xmx256m', ...logging, '-cp', classPath, join(HERE, 'Worker.java'), mode, endpoint, leases, StreamName],
    'pipe',
  );
  const lines: Line[] = [];
  const ended: string[] = [];
  let firstAfterMs: number | undefined;
  createInterface({ input: worker.stdout as NodeJS.ReadableStream }).on('line', (text) => {
    const [word, shard = '', , key = '', data = ''] = text.split(' ');
    if (word === 'record') {
      firstAfterMs ??= performance.now() - begin;
      lines.push({ shard, key, data });
    } else if (word === 'ended') ended.push(shard);
    else if (word === 'error') console.log(`  ${text}`);
  });
  try {
    await until('the first record', () => lines.length > 0 || failed(worker));
    await put(client, StreamName, RECORDS_BEFORE_SPLIT / 2, RECORDS_BEFORE_SPLIT / 2);
    await until(`${RECORDS_BEFORE_SPLIT} records`, () => lines.length >= RECORDS_BEFORE_SPLIT);
    const NewStartingHashKey = String(2n ** 126n);
    const ShardToSplit = 'shardId-000000000000';
    await client.send(new SplitShardCommand({ StreamName, ShardToSplit, NewStartingHashKey }));
    await until('the split', async () => {
      try {
        await put(client, StreamName, RECORDS_BEFORE_SPLIT, RECORDS_BEHIND_SPLIT);
        return true;
      } catch (error) {
        if ((error as Error).name !== 'ResourceInUseException') throw error;
        return false;
      }
    });
    const all = RECORDS_BEFORE_SPLIT + RECORDS_BEHIND_SPLIT;
    await until(`${all} records`, () => lines.length >= all);
    // Whatever comes twice comes now.
    await sleep(2_000);
    const fault = faultOf(lines, ended, all);
    const seconds = ((performance.now() - begin) / 1000).toFixed(0);
    const first = ((firstAfterMs as number) / 1000).toFixed(1);
    console.log(
      `${mode}: ${lines.length} records, the first after ${first} s, all after ${seconds} s: ${fault ?? 'as put'}`,
    );
    return fault === undefined;
  } catch (error) {
    console.log(`${mode}: ${lines.length} records, ended ${ended.join()}: ${(error as Error).message}`);
    return false;
  } finally {
    worker.kill('SIGKILL');
  }
}

function failed(worker: ChildProcess): false {
  if (worker.exitCode !== null) throw new Error(`the worker ended with ${worker.exitCode}`);
  return false;
}

install();
const wanted = process.argv.slice(2) as Mode[];
const directory = await temporaryDirectory();
const tailrace = await service({ env: { TAILRACE_DATA_DIR: directory.path, TAILRACE_LIMITS: 'off' } });
await tailrace.start();
const leasesPort = await freePort();
const dynalite = start(
  process.execPath,
  [join(CACHE, 'node_modules', 'dynalite', 'cli.js'), '--port', String(leasesPort), '--createTableMs', '0'],
  'ignore',
);
const client = new KinesisClient({
  endpoint: tailrace.http,
  region: 'us-east-1',
  credentials: { accessKeyId: 'kcl', secretAccessKey: 'secret' },
});
let passed = true;
try {
  for (const mode of MODES) {
    if (wanted.length > 0 && !wanted.includes(mode)) continue;
    passed = (await run(mode, client, tailrace.http, `http://127.0.0.1:${leasesPort}`)) && passed;
  }
} finally {
  client.destroy();
  dynalite.kill('SIGKILL');
  await tailrace.stop();
  await directory.remove();
}
console.log(passed ? 'passed' : 'FAILED');
process.exitCode = passed ? 0 : 1;
