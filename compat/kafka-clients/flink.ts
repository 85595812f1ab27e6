/**
 * Flink counts words, exactly once, and is killed in the middle:
 *
 *   node compat/kafka-clients/flink.ts [--kills 2] [--naming pooling|incrementing] [--redis] [--peer apache]
 *
 * A job with two tasks reads a topic and writes every count to another, in one transaction of each task a checkpoint. A killed
 * job goes on from its last checkpoint: it commits the transactions of that checkpoint by the producer ids and epochs that it
 * noted, which are no longer anybody's, and aborts those begun behind it. It finds them by asking for all transactions
 * (`pooling`), or by taking up one transactional id behind the other (`incrementing`). The offsets that Flink commits, as a
 * group without members, must end where the topic does.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Kafka } from 'kafkajs';
import { countThroughKills } from './count-through-kills.ts';

const LINES = 6000;
/** As the job says. */
const GROUP = 'flink';
const CACHE = join(import.meta.dirname, '.cache', 'flink');
const jars = join(CACHE, 'lib');
const classes = join(CACHE, 'classes');

const { values: options } = parseArgs({
  options: {
    kills: { type: 'string', default: '2' },
    naming: { type: 'string', default: 'pooling' },
    redis: { type: 'boolean' },
    peer: { type: 'string' },
  },
});

function install(): void {
  mkdirSync(classes, { recursive: true });
  const source = join(import.meta.dirname, 'flink', 'CountByKey.java');
  if (!existsSync(jars)) {
    cpSync(join(import.meta.dirname, 'flink', 'pom.xml'), join(CACHE, 'pom.xml'));
    const args = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${jars}`];
    execFileSync('mvn', args, { cwd: CACHE, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  execFileSync('javac', ['-cp', join(jars, '*'), '-d', classes, source], { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** The newest checkpoint that is whole; absent before the first one. */
function lastCheckpoint(statePath: string): string | undefined {
  const files = readdirSync(statePath, { recursive: true, encoding: 'utf8' });
  const whole = files.filter((file) => file.endsWith('_metadata')).map((file) => join(statePath, file, '..'));
  return whole.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
}

function javaArgs(bootstrap: string, statePath: string): string[] {
  const checkpoint = lastCheckpoint(statePath);
  const open = ['java.base/java.util', 'java.base/java.lang'].flatMap((name) => ['--add-opens', `${name}=ALL-UNNAMED`]);
  const args = [bootstrap, 'lines', 'counts', statePath, options.naming.toUpperCase()];
  if (checkpoint !== undefined) args.push(checkpoint);
  return ['-Xmx512m', ...open, '-cp', [classes, join(jars, '*')].join(':'), 'CountByKey', ...args];
}

/** What Flink has committed, over all partitions. */
async function committed(kafka: Kafka): Promise<number> {
  const admin = kafka.admin();
  await admin.connect();
  const [topic] = await admin.fetchOffsets({ groupId: GROUP, topics: ['lines'] });
  await admin.disconnect();
  return (topic?.partitions ?? []).reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
}

install();
const passed = await countThroughKills(
  {
    javaArgs,
    countOf: (value) => Number(String(value).split('=')[1]),
    lines: LINES,
    wordsALine: 1,
    // So that checkpoints of one run have records between them.
    sendEveryMs: 50,
    position: (statePath) => lastCheckpoint(statePath)?.split('/').at(-1),
    isSettled: async (kafka) => (await committed(kafka)) === LINES,
  },
  { ...options, kills: Number(options.kills) },
);
process.exit(passed ? 0 : 1);
