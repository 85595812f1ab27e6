/**
 * A history checker: transactions of Java's clients over two bridges and one Redis, or one service with its own store, which are
 * killed (SIGKILL) and paused (SIGSTOP) at random all the while; then everything that any of them has seen is compared.
 *
 *   node compat/history/run.ts [--minutes 10] [--seed n] [--embedded]
 *
 * Writers write transactions of 1 to 5 records, and abort some; copiers copy what is committed to another topic, exactly once;
 * readers read both topics all the time. Half of it by transaction.version 2 (Java 4.3), half as before (Java 3.9). Looked for:
 * lost writes, duplicates, poll skips, non-monotonic polls, inconsistent offsets, aborted reads, torn transactions.
 *
 * Redis writes its append-only file with each command (`appendfsync always`), because it is itself killed. When something is wrong,
 * all that was seen (`seen.log`, with times) and the store are kept, and where they are is said. Needs Java 17 and Maven.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { cp, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { guardProcess, startRedis, temporaryDirectory } from '@tailrace/testkit';
import { javaLibraries } from '../kafka-clients/clients.ts';
import { makeTopic } from '../kafka-clients/topic.ts';
import { type Service, service } from '../service.ts';
import { Observations, type WrittenTransaction } from './observations.ts';

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 100_000) },
    embedded: { type: 'boolean', default: false },
  },
});
const MINUTES = Number(options.minutes);
const PARTITIONS = 3;
const [FROM, TO] = ['history-from', 'history-to'];
const VERSIONS = ['4.3.1', '3.9.1'];
const WRITERS_EACH = 2;
/** Of all mishaps, those above this share happen to Redis. */
const STORE_SHARE_FROM = 0.65;
const CHAOS_PAUSE_MS = { min: 1_500, max: 6_000 };
/** Longer than the lease of a bridge: it comes back when others have taken over. */
const BRIDGE_PAUSE_MS = { min: 300, max: 9_000 };
const REDIS_PAUSE_MS = { min: 200, max: 3_000 };
const DOWN_MS = { min: 0, max: 2_500 };
/** How long copiers and readers get to catch up when the chaos is over. */
const CATCH_UP_MS = 90_000;
const ANOMALIES_SHOWN = 20;

/** Mulberry32: the same seed brings the same chaos. */
function randomBy(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = randomBy(Number(options.seed));
const between = ({ min, max }: { min: number; max: number }) => min + random() * (max - min);
const observations = new Observations();
const errors = new Map<string, number>();
const said = new Set<string>();
let broken: string | undefined;
let lastNewsMs = performance.now();

const directory = await temporaryDirectory();
const seen = createWriteStream(join(directory.path, 'seen.log'));
const keep = (line: string) => seen.write(`${new Date().toISOString()}\t${line}\n`);

/** Takes in one line of a load program (see `history.java`). */
function hear(line: string): void {
  keep(line);
  const [kind = '', who = '', ...words] = line.split('\t');
  switch (kind) {
    case 'W': {
      const [, outcome, records = ''] = words;
      observations.wrote({
        writer: who,
        outcome: outcome as WrittenTransaction['outcome'],
        records: records.split(',').flatMap((text) => {
          const match = /^(.+)@(\d+)(?::(\d+))?$/.exec(text);
          if (match === null) return [];
          const offset = match[3] === undefined ? undefined : Number(match[3]);
          return [{ value: match[1] as string, partition: Number(match[2]), offset }];
        }),
      });
      break;
    }
    case 'R': {
      const [topic, partition, offset, value = ''] = words;
      observations.read(who, `${topic}/${partition}`, { offset: Number(offset), value });
      lastNewsMs = performance.now();
      break;
    }
    case 'E': {
      const what = (words[0] ?? '').replace(/[\d-]{2,}/g, 'n').slice(0, 140);
      errors.set(what, (errors.get(what) ?? 0) + 1);
      break;
    }
    case 'C':
      break;
    case 'X':
      broken ??= `${who}: ${words.join(' ')}`;
      break;
    default:
      said.add(line);
  }
}

function startLoad(version: string, bootstrap: string): ChildProcess {
  const program = join(import.meta.dirname, 'history.java');
  const name = `j${version.replaceAll('.', '')}`;
  const args = ['-Xmx256m', '-cp', join(javaLibraries(version), '*'), program, bootstrap, name, FROM, TO];
  const child = spawn('java', [...args, String(PARTITIONS), String(WRITERS_EACH)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  guardProcess(child.pid as number);
  createInterface({ input: child.stdout }).on('line', hear);
  return child;
}

async function until(what: string, ready: () => boolean, patienceMs: number): Promise<void> {
  for (const deadline = performance.now() + patienceMs; !ready(); await sleep(100)) {
    if (broken !== undefined) throw new Error(broken);
    if (performance.now() > deadline) throw new Error(`${what}: not within ${patienceMs} ms`);
  }
}

const data = join(directory.path, 'data');
const redis = options.embedded ? undefined : await startRedis({ appendonly: true, config: { appendfsync: 'always' } });
const store: Record<string, string> =
  redis === undefined ? { TAILRACE_DATA_DIR: data } : { TAILRACE_STORE: 'redis', TAILRACE_REDIS_URL: redis.url };
const env = { ...store, TAILRACE_LIMITS: 'off' };
/** The embedded store belongs to one process. */
const bridges: Service[] = [await service({ env })];
if (redis !== undefined) bridges.push(await service({ env }));
const loads: ChildProcess[] = [];
const chaos: Record<string, number> = {};

/** One thing that goes wrong, and is well again when this settles. */
async function mishap(): Promise<void> {
  const bridge = bridges[Math.floor(random() * bridges.length)] as Service;
  const kind = random() * (redis === undefined ? STORE_SHARE_FROM : 1);
  const note = (name: string) => {
    chaos[name] = (chaos[name] ?? 0) + 1;
    keep(`chaos\t${name}\t${bridge.kafka}`);
  };
  if (kind < 0.35) {
    note('bridge killed');
    await bridge.kill9();
    await sleep(between(DOWN_MS));
    await bridge.start();
  } else if (redis === undefined || kind < STORE_SHARE_FROM) {
    note('bridge paused');
    process.kill(bridge.pid, 'SIGSTOP');
    await sleep(between(BRIDGE_PAUSE_MS));
    process.kill(bridge.pid, 'SIGCONT');
  } else if (kind < 0.8) {
    note('Redis killed');
    await redis.kill9();
    await sleep(between(DOWN_MS));
    await redis.restart();
  } else {
    note('Redis paused');
    redis.pause();
    await sleep(between(REDIS_PAUSE_MS));
    redis.resume();
  }
}

let failed = true;
try {
  console.log(
    `seed ${options.seed}, ${MINUTES} minutes, ${redis === undefined ? 'one service with its own store' : 'two bridges over Redis'}`,
  );
  for (const bridge of bridges) await bridge.start();
  const bootstrap = bridges.map(({ kafka }) => kafka).join();
  for (const topic of [FROM, TO]) await makeTopic((bridges[0] as Service).kafka, topic, PARTITIONS);
  for (const version of VERSIONS) loads.push(startLoad(version, bootstrap));
  await until('first transactions', () => observations.counts.committed > 10, 60_000);
  for (const end = performance.now() + MINUTES * 60_000; performance.now() < end;) {
    if (broken !== undefined) throw new Error(broken);
    await sleep(between(CHAOS_PAUSE_MS));
    await mishap();
  }
  for (const load of loads) load.stdin?.write('stop\n');
  await until(
    'the writers end',
    () => [...said].filter((line) => line.startsWith('S')).length === loads.length,
    CATCH_UP_MS,
  );
  lastNewsMs = performance.now();
  await until('readers have caught up', () => performance.now() - lastNewsMs > 10_000, CATCH_UP_MS);
  loads[0]?.stdin?.write('final\n');
  await until('the last reader', () => [...said].some((line) => line.startsWith('F')), CATCH_UP_MS);
  const final = `j${(VERSIONS[0] as string).replaceAll('.', '')}-final`;
  const anomalies = observations.anomalies(final, FROM, TO);
  console.log(
    'transactions',
    observations.counts,
    'records read at the end',
    observations.recordsOf(final),
    'chaos',
    chaos,
  );
  console.log('errors that clients saw', Object.fromEntries([...errors].sort((a, b) => b[1] - a[1]).slice(0, 15)));
  for (const anomaly of anomalies) keep(`anomaly\t${anomaly}`);
  for (const anomaly of anomalies.slice(0, ANOMALIES_SHOWN)) console.log(anomaly);
  console.log(`${anomalies.length} anomalies`);
  failed = anomalies.length > 0;
} catch (error) {
  console.log('errors that clients saw', Object.fromEntries(errors));
  console.error(error);
} finally {
  for (const load of loads) load.kill('SIGKILL');
  redis?.resume();
  for (const bridge of bridges) await bridge.kill9();
  await new Promise<void>((resolve) => seen.end(resolve));
  if (failed) {
    const kept = await mkdtemp(join(tmpdir(), 'tailrace-history-'));
    await cp(directory.path, kept, { recursive: true });
    if (redis !== undefined) await cp(redis.directory, join(kept, 'redis'), { recursive: true });
    console.log(`kept in ${kept}`);
  }
  await redis?.stop();
  await directory.remove();
}
console.log(failed ? 'FAILED' : 'passed');
process.exit(failed ? 1 : 0);
