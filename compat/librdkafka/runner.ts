import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { guardProcess } from '@tailrace/testkit';
import { TESTS } from './build.ts';
import type { Entry, Protocol } from './suite.ts';

/** A little longer than the runner's own, which ends a test that takes longer than it says itself. */
const END_PATIENCE_MS = 5_000;
/** What the suite's own set-up uses: with 1, some waits inside the tests are shorter than what they wait for. */
const TIMEOUT_MULTIPLIER = 2;
const FAILURE_TEXT_MAX = 300;

export interface Outcome {
  /** `partly`: the runner says PASSED, but sub-tests have skipped themselves. `timeout`: it was ended from outside. */
  readonly state: 'passed' | 'partly' | 'failed' | 'skipped' | 'timeout';
  /** The runner's reason of a failure or a skip; the sub-tests that were left out. */
  readonly reason: string;
  readonly seconds: number;
}

export interface Cluster {
  readonly bootstrap: string;
  /** Lines of test.conf beside the bootstrap servers. */
  readonly conf?: Readonly<Record<string, string>>;
  /** What the suite's own set-up exports about its cluster. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface RunOptions {
  readonly number: string;
  readonly entries: readonly Entry[];
  readonly protocol: Protocol;
  readonly scenario: string;
  readonly cluster: Cluster;
  readonly timeLimitMs: number;
  readonly kafkaPath: string;
  /** Where the runner's output goes. */
  readonly logFolder: string;
}

interface Report {
  readonly tests: Readonly<Record<string, { readonly state: string; readonly duration: number }>>;
}

/** Runs one number of the suite and answers what became of each of its `entries`. */
export async function runNumber(options: RunOptions): Promise<ReadonlyMap<string, Outcome>> {
  const { number, entries, protocol, scenario, cluster, timeLimitMs, kafkaPath, logFolder } = options;
  mkdirSync(logFolder, { recursive: true });
  const label = join(logFolder, `${number}-${scenario}-${protocol}`);
  const [conf, report] = [`${label}.conf`, `${label}.json`];
  rmSync(report, { force: true });
  const lines = {
    'bootstrap.servers': cluster.bootstrap,
    'test.timeout.multiplier': String(TIMEOUT_MULTIPLIER),
    ...cluster.conf,
  };
  writeFileSync(
    conf,
    Object.entries(lines)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  // -p1 one at a time, -L without those that need no broker, -E without those that emulate sockets.
  const sockets = entries.some(({ emulatesSockets }) => emulatesSockets) ? [] : ['-E'];
  const child = spawn('./test-runner', ['-p1', '-L', ...sockets, '-s', scenario], {
    cwd: TESTS,
    // A group of its own: some tests start programs that would outlive it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      LD_LIBRARY_PATH: '../src:../src-cpp',
      TESTS: number,
      TEST_KAFKA_VERSION: '4.3.1',
      TEST_REPORT: report,
      RDKAFKA_TEST_CONF: conf,
      TEST_CONSUMER_GROUP_PROTOCOL: protocol,
      KAFKA_PATH: kafkaPath,
      BROKERS: cluster.bootstrap,
      BROKER_ADDRESS_2: cluster.bootstrap.split(',').at(-1),
      CI: undefined,
      ...cluster.env,
    },
  });
  const release = guardProcess(child.pid as number);
  const log = createWriteStream(`${label}.log`);
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const begin = performance.now();
  let overdue = false;
  const end = (signal: NodeJS.Signals) => {
    overdue = true;
    try {
      process.kill(-(child.pid as number), signal);
    } catch {
      // It has ended by itself in the meantime.
    }
  };
  const timers = [
    // The first interrupt lets it write its report.
    setTimeout(() => end('SIGINT'), timeLimitMs),
    setTimeout(() => end('SIGKILL'), timeLimitMs + END_PATIENCE_MS),
  ];
  await new Promise((resolve) => child.once('close', resolve));
  timers.forEach(clearTimeout);
  release();
  await new Promise<void>((resolve) => log.end(resolve));
  const seconds = (performance.now() - begin) / 1000;
  const output = readFileSync(`${label}.log`, 'utf8').replaceAll(/\x1b\[[0-9;]*m/g, '');
  const states = existsSync(report) ? (JSON.parse(readFileSync(report, 'utf8')) as Report).tests : {};
  return new Map(entries.map((entry) => [entry.name, outcomeOf(entry, states[entry.name], output, overdue, seconds)]));
}

function outcomeOf(
  { name }: Entry,
  reported: Report['tests'][string] | undefined,
  output: string,
  overdue: boolean,
  seconds: number,
): Outcome {
  const duration = reported?.duration ?? seconds;
  const made = (state: Outcome['state'], reason: string): Outcome => ({
    state,
    reason: reason.slice(0, FAILURE_TEXT_MAX),
    seconds: Math.round(duration * 10) / 10,
  });
  // As in `| 0001_multiobj   |  FAILED |  0.1s | reason`
  const summary = new RegExp(`^\\| +${name} +\\| +(\\w+) \\| +[\\d.]+s +\\|(.*)$`, 'm').exec(output);
  const said = summary?.[2]?.trim() ?? '';
  switch (reported?.state) {
    case 'PASSED': {
      const left = leftOut(name, output);
      return left.length === 0 ? made('passed', '') : made('partly', left.join('; '));
    }
    case 'SKIPPED':
      return made('skipped', said);
    case 'FAILED':
      return made('failed', said || lastError(name, output));
    default:
      return overdue
        ? made('timeout', lastError(name, output))
        : made('failed', lastError(name, output) || 'no report');
  }
}

/** `[0113_cooperative_rebalance /12.3s] [ do_test:12: x: SKIP: reason ]`, and what a test says that it cannot look at. */
function leftOut(name: string, output: string): string[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith(`[${name} `) || line.startsWith(`[${name}:`))
    .flatMap(
      (line) =>
        (/\[ ([^\]]*: SKIP: [^\]]*)\]/.exec(line) ?? /WARN: (Will not be able to .*)/.exec(line))?.[1]?.trim() ?? [],
    );
}

/** What the runner prints where an assertion fails: the place, and in the next line the reason. Else the last that the test said. */
function lastError(name: string, output: string): string {
  const lines = output.split('\n');
  const failed = lines.findIndex((line) => line.startsWith(`### Test "${name}`));
  if (failed >= 0) {
    const place = / failed at ([^ ]+) at /.exec(lines[failed] ?? '')?.[1] ?? '';
    return `${place} ${lines[failed + 1] ?? ''}`;
  }
  return (lines.findLast((line) => line.startsWith(`[${name} `)) ?? '').trim();
}
