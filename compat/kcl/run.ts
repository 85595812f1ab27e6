/**
 * The Kinesis Client Library against the running service, in polling and in fan-out mode, through a split: version 3 for
 * Java, or that for Node.js, which drives version 2 for Java.
 *
 *   node compat/kcl/run.ts [--language java|node] [polling] [fan-out]
 *
 * Needs Java 17 and Maven, and fetches the libraries and dynalite (DynamoDB for leases) once. 2,000 records over two
 * shards are put before and while a worker reads; then one shard is split and 1,000 more are put. Each worker must get
 * every record once, in order per key, end the parent and go on in the children.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, cpSync, existsSync, mkdirSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CreateStreamCommand, KinesisClient, PutRecordsCommand, SplitShardCommand } from '@aws-sdk/client-kinesis';
import { freePort, guardProcess, temporaryDirectory } from '@tailrace/testkit';
import { service } from '../service.ts';

const HERE = import.meta.dirname;
const CACHE = join(HERE, '.cache');
const MODES = ['polling', 'fan-out'] as const;
const LANGUAGES = ['java', 'node'] as const;
const RECORDS_BEFORE_SPLIT = 2_000;
const RECORDS_BEHIND_SPLIT = 1_000;
const RECORDS_A_PUT = 250;
const KEYS = 40;
/** The KCL takes some ten seconds to begin, and looks for children every few. */
const PATIENCE_MS = 150_000;

type Mode = (typeof MODES)[number];
type Language = (typeof LANGUAGES)[number];

interface Line {
  readonly shard: string;
  readonly key: string;
  readonly data: string;
}

function install(language: Language): void {
  mkdirSync(CACHE, { recursive: true });
  for (const file of ['package.json', 'pom.xml']) cpSync(join(HERE, file), join(CACHE, file));
  if (['dynalite', 'aws-kcl'].some((name) => !existsSync(join(CACHE, 'node_modules', name)))) {
    console.log('fetching dynalite and aws-kcl by npm …');
    execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: CACHE, stdio: 'inherit' });
  }
  if (existsSync(jars(language))) return;
  console.log('fetching the KCL by Maven …');
  let pom = 'pom.xml';
  if (language === 'node') {
    // The library brings the list of its jars, without the coordinates that Maven asks of a project.
    pom = 'multilang.xml';
    const list = readFileSync(join(CACHE, 'node_modules', 'aws-kcl', 'pom.xml'), 'utf8');
    const coordinates =
      '<groupId>tailrace.compat</groupId><artifactId>multilang</artifactId><version>1</version><packaging>pom</packaging>';
    writeFileSync(join(CACHE, pom), list.replace('</modelVersion>', `</modelVersion>${coordinates}`));
  }
  execFileSync('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${jars(language)}`], {
    cwd: CACHE,
    stdio: 'inherit',
  });
}

function jars(language: Language): string {
  return join(CACHE, language === 'java' ? 'lib' : 'multilang');
}

function start(
  command: string,
  args: readonly string[],
  output: 'ignore' | 'pipe',
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const stdio = ['ignore', output, 'inherit'] as const;
  const child = spawn(command, args, { cwd: CACHE, stdio: [...stdio], env: { ...process.env, ...env } });
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

interface Reader {
  readonly process: ChildProcess;
  stop(): void;
}

interface Place {
  readonly endpoint: string;
  readonly leases: string;
  readonly stream: string;
}

const QUIET = '-Dorg.slf4j.simpleLogger.defaultLogLevel=error';

/** Tells by lines of its standard output. */
function startJava(mode: Mode, { endpoint, leases, stream }: Place, onLine: (text: string) => void): Reader {
  const classPath = `${jars('java')}/*`;
  const worker = start(
    'java',
    ['-Xmx256m', QUIET, '-cp', classPath, join(HERE, 'Worker.java'), mode, endpoint, leases, stream],
    'pipe',
  );
  createInterface({ input: worker.stdout as NodeJS.ReadableStream }).on('line', onLine);
  return { process: worker, stop: () => worker.kill('SIGKILL') };
}

/** The daemon starts a process of Node.js for each shard; these tell by lines of one file. */
function startNode(mode: Mode, { endpoint, leases, stream }: Place, onLine: (text: string) => void): Reader {
  const properties = join(CACHE, `${stream}.properties`);
  const told = join(CACHE, `${stream}.lines`);
  const logging = join(CACHE, 'logback.xml');
  writeFileSync(told, '');
  writeFileSync(
    logging,
    '<configuration><appender name="e" class="ch.qos.logback.core.ConsoleAppender"><target>System.err</target>' +
      '<encoder><pattern>%m%n</pattern></encoder></appender><root level="ERROR"><appender-ref ref="e"/></root></configuration>',
  );
  writeFileSync(
    properties,
    Object.entries({
      executableName: `${process.execPath} ${join(HERE, 'worker.cjs')}`,
      streamName: stream,
      applicationName: stream,
      AwsCredentialsProvider: 'DefaultCredentialsProvider',
      processingLanguage: 'nodejs',
      initialPositionInStream: 'TRIM_HORIZON',
      regionName: 'us-east-1',
      kinesisEndpoint: endpoint,
      dynamoDBEndpoint: leases,
      metricsLevel: 'NONE',
      retrievalMode: mode === 'polling' ? 'POLLING' : 'FANOUT',
      idleTimeBetweenReadsInMillis: 200,
      parentShardPollIntervalMillis: 500,
      shardSyncIntervalMillis: 2_000,
      failoverTimeMillis: 3_000,
    })
      .map(([name, value]) => `${name} = ${value}\n`)
      .join(''),
  );
  const main = ['software.amazon.kinesis.multilang.MultiLangDaemon', '--properties-file', properties];
  const daemon = start(
    'java',
    ['-Xmx256m', '-cp', `${jars('node')}/*`, ...main, '--log-configuration', logging],
    'ignore',
    { KCL_LINES: told, AWS_ACCESS_KEY_ID: 'kcl', AWS_SECRET_ACCESS_KEY: 'secret' },
  );
  const file = openSync(told, 'r');
  const buffer = Buffer.alloc(1 << 16);
  let rest = '';
  const looking = setInterval(() => {
    for (let size: number; (size = readSync(file, buffer)) > 0;) {
      const texts = (rest + buffer.toString('latin1', 0, size)).split('\n');
      rest = texts.pop() as string;
      for (const text of texts) onLine(text);
    }
  }, 100);
  return {
    process: daemon,
    stop() {
      clearInterval(looking);
      closeSync(file);
      daemon.kill('SIGKILL');
    },
  };
}

async function run(
  language: Language,
  mode: Mode,
  client: KinesisClient,
  endpoint: string,
  leases: string,
): Promise<boolean> {
  const StreamName = `kcl-${language}-${mode}`;
  await client.send(new CreateStreamCommand({ StreamName, ShardCount: 2 }));
  await put(client, StreamName, 0, RECORDS_BEFORE_SPLIT / 2);
  const begin = performance.now();
  const lines: Line[] = [];
  const ended: string[] = [];
  let firstAfterMs: number | undefined;
  const startWorker = language === 'java' ? startJava : startNode;
  const worker = startWorker(mode, { endpoint, leases, stream: StreamName }, (text) => {
    const [word, shard = '', , key = '', data = ''] = text.split(' ');
    if (word === 'record') {
      firstAfterMs ??= performance.now() - begin;
      lines.push({ shard, key, data });
    } else if (word === 'ended') ended.push(shard);
    else if (word === 'error') console.log(`  ${text}`);
  });
  try {
    await until('the first record', () => lines.length > 0 || failed(worker.process));
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
      `${language}, ${mode}: ${lines.length} records, the first after ${first} s, all after ${seconds} s: ${fault ?? 'as put'}`,
    );
    return fault === undefined;
  } catch (error) {
    console.log(`${language}, ${mode}: ${lines.length} records, ended ${ended.join()}: ${(error as Error).message}`);
    return false;
  } finally {
    worker.stop();
  }
}

function failed(worker: ChildProcess): false {
  if (worker.exitCode !== null) throw new Error(`the worker ended with ${worker.exitCode}`);
  return false;
}

const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { language: { type: 'string', default: 'java' } },
});
const language = LANGUAGES.find((one) => one === options.language);
if (language === undefined) throw new Error(`--language ${options.language}: java or node`);
install(language);
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
    passed = (await run(language, mode, client, tailrace.http, `http://127.0.0.1:${leasesPort}`)) && passed;
  }
} finally {
  client.destroy();
  dynalite.kill('SIGKILL');
  await tailrace.stop();
  await directory.remove();
}
console.log(passed ? 'passed' : 'FAILED');
process.exitCode = passed ? 0 : 1;
