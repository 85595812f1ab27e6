/**
 * Kafka clients of many languages against the running service, with a check of every byte:
 *
 *   node compat/kafka-clients/run.ts [CLIENT …]     all of them, or those named (kafkajs, java-4.3, …)
 *
 *   --steps produce,group     only these steps
 *   --redis                   the service on Redis, instead of the embedded store
 *   --peer apache             a real Apache Kafka 4.3.1 instead of the service
 *   --write                   puts the table into docs/kafka-clients.md
 *
 * Each client writes 1,000 records (37 keys, any bytes, nulls, headers, its compressions), which a reader of another make
 * checks; reads in a group of two what another client wrote, and checks it; calls the admin operations that it has; commits
 * and aborts transactions and reads what is committed; and, where it can, does the group of two by the consumer protocol
 * (KIP-848). Libraries are fetched once into an ignored cache: npm, PyPI, Maven and Go's module proxy.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { guardProcess } from '@tailrace/testkit';
import { type Client, CLIENTS } from './clients.ts';
import { type Server, startServer } from './server.ts';
import { makeTopic } from './topic.ts';
import { type Outcome, type Results, type Step, STEPS, writeTable } from './table.ts';

const PARTITIONS = 4;
const PATIENCE_MS = 120_000;
/** What a program ends with that has no such step. */
const NO_SUCH_STEP = 3;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    steps: { type: 'string' },
    redis: { type: 'boolean' },
    peer: { type: 'string' },
    write: { type: 'boolean' },
  },
});

/** Runs one step of a client's program to its end. */
async function program(
  { command, args }: Client,
  more: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; said: string }> {
  const child = spawn(command, [...args, ...more], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const release = guardProcess(child.pid as number);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
  let overdue = false;
  const patience = setTimeout(() => {
    overdue = true;
    child.kill('SIGKILL');
  }, PATIENCE_MS);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearTimeout(patience);
  release();
  return { code: code ?? -1, said: overdue ? `${said}\nnot within ${PATIENCE_MS} ms` : said };
}

/** The line that says what is wrong, of what a program printed in its last breath. */
function reasonOf(said: string): string {
  const lines = said.split('\n').map((line) => line.trim());
  const telling = lines.filter((line) => /error|exception|instead of|not within|panic|refused/i.test(line));
  return (telling.findLast((line) => !line.startsWith('at ')) ?? lines.findLast((line) => line !== '') ?? '').slice(
    0,
    300,
  );
}

const find = (name: string) => CLIENTS.find((client) => client.name === name) as Client;
/** Writes what the others read, with any compression; reads what the others write. */
const [WRITER, READER, OTHER_READER] = [find('aiokafka'), find('confluent-python'), find('java-4.3')];

/** Runs a part that another client has in a step. */
async function help(client: Client, args: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
  const { code, said } = await program(client, args, env);
  if (code !== 0) throw new Error(`${client.name} ${args[0]}: ${reasonOf(said)}`);
}

async function runStep(client: Client, step: Step, server: Server): Promise<Outcome> {
  const topic = `${client.name.replaceAll(/[^\w]/g, '-')}-${step}`;
  const group = `${topic}-group`;
  const { bootstrap } = server;
  try {
    if (step !== 'admin') await makeTopic(bootstrap, topic, PARTITIONS);
    if (step === 'group' || step === 'consumer-protocol') {
      const writer = client === WRITER ? READER : WRITER;
      await help(writer, ['produce', bootstrap, topic, group], client.reads ? { CODECS: client.reads.join() } : {});
    }
    const { code, said } = await program(client, [step, bootstrap, topic, group]);
    if (code === NO_SUCH_STEP) return { state: 'not there', reason: '' };
    if (code !== 0) {
      console.log(said.trim().split('\n').slice(-25).join('\n'));
      return { state: 'failed', reason: reasonOf(said) };
    }
    if (step === 'produce') {
      const reader = client === READER ? OTHER_READER : READER;
      await help(reader, ['group', bootstrap, topic, group], { HEADERS: client.headers === false ? 'no' : 'yes' });
    }
    return { state: 'passed', reason: '' };
  } catch (error) {
    return { state: 'failed', reason: (error as Error).message };
  }
}

const named = positionals.length === 0 ? CLIENTS : CLIENTS.filter(({ name }) => positionals.includes(name));
if (named.length < positionals.length) throw new Error(`there are ${CLIENTS.map(({ name }) => name).join(', ')}`);
const steps = STEPS.filter((step) => options.steps === undefined || options.steps.split(',').includes(step));

/** What earlier runs found stays until the same step is run again. */
function keep(resultsFile: string, name: string, step: Step, outcome: Outcome): Results {
  let results: Results = {};
  try {
    results = JSON.parse(readFileSync(resultsFile, 'utf8')) as Results;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  results[name] = { ...results[name], [step]: outcome };
  mkdirSync(join(import.meta.dirname, '.cache'), { recursive: true });
  writeFileSync(resultsFile, `${JSON.stringify(results, undefined, 1)}\n`);
  return results;
}

for (const client of new Set([...named, WRITER, READER, OTHER_READER])) client.install();
const server = await startServer(options);
const resultsFile = join(import.meta.dirname, '.cache', `results-${server.name}.json`);
let failed = 0;
let results: Results = {};
try {
  for (const client of named) {
    for (const step of steps) {
      const begin = performance.now();
      const outcome = await runStep(client, step, server);
      if (outcome.state === 'failed') failed += 1;
      const time = `${Math.round(performance.now() - begin)} ms`;
      console.log(
        `${client.name.padEnd(24)} ${step.padEnd(18)} ${outcome.state.padEnd(10)} ${time.padStart(9)}  ${outcome.reason}`,
      );
      results = keep(resultsFile, client.name, step, outcome);
    }
  }
} finally {
  await server.stop();
}
if (options.write) writeTable(results, STEPS);
console.log(failed === 0 ? 'passed' : `${failed} FAILED`);
process.exit(failed === 0 ? 0 : 1);
