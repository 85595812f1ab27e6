/**
 * librdkafka's own tests (2.15.1) against the running service:
 *
 *   node compat/librdkafka/run.ts --allowed               those of tests.allow, which all have to pass
 *   node compat/librdkafka/run.ts --ci                    those of tests.ci: at most ten minutes
 *   node compat/librdkafka/run.ts --numbers 0001,0002     these, whatever becomes of them
 *   node compat/librdkafka/run.ts --all                   all that need a broker
 *   node compat/librdkafka/run.ts --list                  every test and what it needs
 *
 *   --redis                the service on Redis, instead of the embedded store
 *   --peer apache          a real Apache Kafka 4.3.1 instead of the service
 *   --classic              only with the classic group protocol; else tests of groups run with both
 *   --consumer-protocol    only with the consumer group protocol (KIP-848)
 *   --time-limit 600       seconds for one number
 *   --delay 5              each piece of an answer comes so many milliseconds later, as over a network
 *
 * The first run fetches and builds librdkafka (minutes). Each number meets a service of its own, so that one test's topics
 * are not another's. Tests that need no broker, or only librdkafka's own mock one, are not run and do not count.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { kafkaDistribution } from '../apache-kafka.ts';
import { buildTests } from './build.ts';
import { type Peer, setUpOf, withCluster } from './clusters.ts';
import { type Outcome, runNumber } from './runner.ts';
import { type Entry, type Protocol, readEntries } from './suite.ts';

const HERE = import.meta.dirname;
const LOGS = join(HERE, '.cache', 'logs');
const TIME_LIMIT_SECONDS = 600;

const { values: options } = parseArgs({
  options: {
    numbers: { type: 'string' },
    allowed: { type: 'boolean' },
    ci: { type: 'boolean' },
    all: { type: 'boolean' },
    list: { type: 'boolean' },
    redis: { type: 'boolean' },
    peer: { type: 'string' },
    classic: { type: 'boolean' },
    'consumer-protocol': { type: 'boolean' },
    'time-limit': { type: 'string' },
    delay: { type: 'string' },
  },
});
if (options.peer !== undefined && options.peer !== 'apache') throw new Error(`--peer ${options.peer}: there is apache`);
const timeLimitMs = 1000 * Number(options['time-limit'] ?? TIME_LIMIT_SECONDS);
const peer: Peer = options.peer ?? (options.redis ? 'redis' : 'embedded');
const delayMs = options.delay === undefined ? undefined : Number(options.delay);

/** Which entries have to pass with which protocols: a line each, `0001_multiobj classic consumer`. */
function readList(file: string): ReadonlyMap<string, readonly Protocol[]> {
  return new Map(
    readFileSync(join(HERE, file), 'utf8')
      .split('\n')
      .map((line) => line.replace(/#.*/, '').trim())
      .filter((line) => line !== '')
      .map((line) => {
        const [name = '', ...protocols] = line.split(/\s+/);
        return [name, protocols as Protocol[]];
      }),
  );
}

interface Job {
  readonly number: string;
  readonly scenario: string;
  readonly protocol: Protocol;
  readonly entries: readonly Entry[];
}

/** What is asked for, by number, scenario and protocol: what one start of the runner can do. */
function jobs(entries: readonly Entry[], list: ReadonlyMap<string, readonly Protocol[]> | undefined): readonly Job[] {
  const protocolsOf = (entry: Entry): readonly Protocol[] => {
    const possible: readonly Protocol[] =
      list?.get(entry.name) ?? (entry.groups ? ['classic', 'consumer'] : ['classic']);
    if (options.classic) return possible.filter((protocol) => protocol === 'classic');
    if (options['consumer-protocol']) return possible.filter((protocol) => protocol === 'consumer');
    return possible;
  };
  const made = new Map<string, { number: string; scenario: string; protocol: Protocol; entries: Entry[] }>();
  for (const entry of entries) {
    const [scenario = 'default'] = entry.scenarios;
    for (const protocol of protocolsOf(entry)) {
      const key = `${entry.number} ${scenario} ${protocol}`;
      const job = made.get(key) ?? { number: entry.number, scenario, protocol, entries: [] };
      job.entries.push(entry);
      made.set(key, job);
    }
  }
  return [...made.values()];
}

type Results = Record<string, Partial<Record<Protocol, Outcome>>>;
const resultsFile = join(HERE, '.cache', `results-${peer}.json`);

/** What earlier runs found stays until the same test is run again, so that a sweep may be cut into pieces. */
function keep(found: Results): void {
  let before: Results = {};
  try {
    before = JSON.parse(readFileSync(resultsFile, 'utf8')) as Results;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  for (const [name, outcomes] of Object.entries(found)) before[name] = { ...before[name], ...outcomes };
  mkdirSync(join(HERE, '.cache'), { recursive: true });
  writeFileSync(resultsFile, `${JSON.stringify(before, undefined, 1)}\n`);
}

function print(name: string, protocol: Protocol, { state, seconds, reason }: Outcome): void {
  const time = `${seconds.toFixed(1)} s`.padStart(9);
  console.log(`${name.padEnd(46)} ${protocol.padEnd(8)} ${state.padEnd(8)} ${time}  ${reason}`);
}

buildTests();
const known = readEntries();
if (options.list) {
  for (const { name, kind, scenarios, groups } of known)
    console.log(`${name.padEnd(46)} ${kind.padEnd(16)} ${scenarios.join().padEnd(13)} ${groups ? 'groups' : ''}`);
  const broker = known.filter(({ kind }) => kind === 'broker');
  console.log(`${known.length} tests, ${broker.length} of them count`);
  process.exit(0);
}
const list = options.allowed ? readList('tests.allow') : options.ci ? readList('tests.ci') : undefined;
const numbers = options.numbers?.split(',');
const chosen = known.filter(({ name, number, kind }) => {
  if (list) return list.has(name);
  if (numbers) return numbers.includes(number) && kind !== 'local';
  return options.all && kind === 'broker';
});
if (chosen.length === 0) throw new Error('nothing chosen: --numbers, --allowed, --ci or --all');
for (const name of list?.keys() ?? [])
  if (!chosen.some((entry) => entry.name === name)) throw new Error(`the list names ${name}, which is no test`);

const kafkaPath = kafkaDistribution();
const counts = { passed: 0, partly: 0, failed: 0, skipped: 0, timeout: 0 };
for (const { number, scenario, protocol, entries } of jobs(chosen, list)) {
  const setUp = setUpOf(entries[0] as Entry);
  const outcomes = await withCluster({ peer, scenario, setUp, delayMs }, (cluster) =>
    runNumber({ number, entries, protocol, scenario, cluster, timeLimitMs, kafkaPath, logFolder: join(LOGS, peer) }),
  );
  for (const [name, outcome] of outcomes) {
    counts[outcome.state] += 1;
    print(name, protocol, outcome);
    keep({ [name]: { [protocol]: outcome } });
  }
}
const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
console.log(
  Object.entries(counts)
    .map(([state, count]) => `${count} ${state}`)
    .join(', '),
);
const passed = counts.passed === total;
console.log(passed ? 'passed' : 'FAILED');
process.exit(passed ? 0 : 1);
