/**
 * Client libraries of other languages against the running service, which asks for signatures:
 *
 *   node compat/kinesis-clients/run.ts [java] [java-json] [go]
 *
 * Needs Java 17 and Maven, and Go; the libraries are fetched once. Each program makes a stream of two shards, puts 1,001
 * records of any bytes, reads them back by GetRecords and SubscribeToShard, and compares keys, data, order and times.
 * Java's client speaks HTTP/2, and CBOR unless it is told not to; Go's JSON over HTTP/1.1.
 */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { guardProcess, temporaryDirectory } from '@tailrace/testkit';
import { service } from '../service.ts';

const HERE = import.meta.dirname;
const ROOT = join(HERE, '..', '..');
const CACHE = join(HERE, '.cache');
const PATIENCE_MS = 120_000;

interface Program {
  /** Fetches and builds what is not there yet. */
  install(): void;
  readonly command: string;
  readonly args: readonly string[];
}

const jars = join(CACHE, 'java', 'lib');
const goProgram = join(CACHE, 'go', 'kinesis-client');
const javaArgs = ['-Xmx256m', '-cp', `${jars}/*`, join(HERE, 'java', 'client.java')];

function installJars(): void {
  if (existsSync(jars)) return;
  mkdirSync(join(CACHE, 'java'), { recursive: true });
  cpSync(join(HERE, 'java', 'pom.xml'), join(CACHE, 'java', 'pom.xml'));
  const args = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${jars}`];
  execFileSync('mvn', args, { cwd: join(CACHE, 'java'), stdio: 'inherit' });
}

const PROGRAMS: Readonly<Record<string, Program>> = {
  java: {
    install: installJars,
    command: 'java',
    args: javaArgs,
  },
  'java-json': {
    install: installJars,
    command: 'java',
    args: ['-Daws.cborEnabled=false', ...javaArgs],
  },
  go: {
    install() {
      mkdirSync(join(CACHE, 'go'), { recursive: true });
      execFileSync('go', ['build', '-o', goProgram, '.'], { cwd: join(HERE, 'go'), stdio: 'inherit' });
    },
    command: goProgram,
    args: [],
  },
};

async function ends(command: string, args: readonly string[]): Promise<boolean> {
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  guardProcess(child.pid as number);
  const overdue = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  clearTimeout(overdue);
  return code === 0;
}

const wanted = process.argv.slice(2);
const names = wanted.length === 0 ? Object.keys(PROGRAMS) : wanted;
const directory = await temporaryDirectory();
const env = { TAILRACE_DATA_DIR: directory.path, TAILRACE_AUTH: 'sigv4', TAILRACE_LIMITS: 'off' };
const server = await service({ env });
let failed = false;
try {
  await server.start();
  const key = [
    '--disable-warning=ExperimentalWarning',
    'dist/tailrace.mjs',
    'keys',
    'create',
    '--user',
    'compat',
    '--json',
  ];
  const made = execFileSync(process.execPath, key, { cwd: ROOT, env: { ...process.env, ...env }, encoding: 'utf8' });
  const { id, secret } = JSON.parse(made) as { id: string; secret: string };
  for (const name of names) {
    const program = PROGRAMS[name];
    if (program === undefined)
      throw new Error(`there is no program ${name}; there are ${Object.keys(PROGRAMS).join()}`);
    program.install();
    const begin = performance.now();
    const passed = await ends(program.command, [...program.args, server.http, id, secret]);
    failed ||= !passed;
    console.log(`${name}: ${passed ? 'passed' : 'FAILED'} after ${Math.round(performance.now() - begin)} ms`);
  }
} finally {
  await server.stop();
  await directory.remove();
}
console.log(failed ? 'FAILED' : 'passed');
process.exit(failed ? 1 : 0);
