/**
 * Transactions of foreign clients against the running service, exactly once:
 *
 *   node compat/transactions/run.ts [java-4.3] [java-3.9] [librdkafka]
 *
 *   --redis           the service on Redis, instead of the embedded store
 *   --peer apache     a real Apache Kafka 4.3.1 instead of the service
 *   --records 1000
 *
 * Each program writes records in transactions, some of them aborted; copies them to another topic by consume-transform-produce,
 * with transactions that abort and transformers that die in the middle of one; and finds every record once and no aborted one.
 * Then it has producers fenced; Java's also lets one time out, and ends one that hangs by the admin operations. Java 4.3 works
 * by transaction.version 2 (KIP-890), the other two as before. Needs Java 17 and Maven, and Python 3; the libraries are fetched once.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { guardProcess } from '@tailrace/testkit';
import { CLIENTS, type Client } from '../kafka-clients/clients.ts';
import { startServer } from '../kafka-clients/server.ts';

const HERE = import.meta.dirname;
const PATIENCE_MS = 240_000;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    redis: { type: 'boolean' },
    peer: { type: 'string' },
    records: { type: 'string', default: '1000' },
  },
});

/** The library of a client of the matrix, with another program: the last of its arguments. */
function withProgram(name: string, ...program: string[]): Client {
  const client = CLIENTS.find((one) => one.name === name);
  if (client === undefined) throw new Error(`the matrix has no client ${name}`);
  return { ...client, args: [...client.args.slice(0, -1), join(HERE, ...program)] };
}

const PROGRAMS: Readonly<Record<string, Client>> = {
  'java-4.3': withProgram('java-4.3', 'java', 'transactions.java'),
  'java-3.9': withProgram('java-3.9', 'java', 'transactions.java'),
  librdkafka: withProgram('confluent-python', 'python', 'transactions.py'),
};

async function ends({ command, args }: Client, bootstrap: string): Promise<boolean> {
  const child = spawn(command, [...args, bootstrap, options.records], { stdio: ['ignore', 'inherit', 'inherit'] });
  const release = guardProcess(child.pid as number);
  const overdue = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  clearTimeout(overdue);
  release();
  return code === 0;
}

const names = positionals.length === 0 ? Object.keys(PROGRAMS) : positionals;
const server = await startServer(options);
let failed = false;
try {
  for (const name of names) {
    const program = PROGRAMS[name];
    if (program === undefined)
      throw new Error(`there is no program ${name}; there are ${Object.keys(PROGRAMS).join()}`);
    program.install();
    const begin = performance.now();
    const passed = await ends(program, server.bootstrap);
    failed ||= !passed;
    console.log(
      `${name} on ${server.name}: ${passed ? 'passed' : 'FAILED'} after ${Math.round(performance.now() - begin)} ms`,
    );
  }
} finally {
  await server.stop();
}
console.log(failed ? 'FAILED' : 'passed');
process.exit(failed ? 1 : 0);
