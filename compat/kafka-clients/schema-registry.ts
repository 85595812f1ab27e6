/**
 * A schema registry that keeps its state in topics, killed and started again:
 *
 *   node compat/kafka-clients/schema-registry.ts [--java /path/to/java] [--redis] [--peer apache]
 *
 * Apicurio Registry makes its topics, writes each change to a journal, waits until it has read it back, and begins by reading
 * the journal from its start, or from its last snapshot. What it answered before it was killed, through the API that Confluent's
 * serializers speak, it must answer afterwards: every schema by its id, every version, no deleted one.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { freePort, guardProcess } from '@tailrace/testkit';
import { startServer } from './server.ts';

const VERSION = '3.3.3';
const ARCHIVE = `apicurio-registry-app-${VERSION}-all.tar.gz`;
const SHA256 = '8bc6751c76d963734224b01d5e7f84ccb3cb61c87d3bd77c36c35f10a5cbed63';
const JAVA_MIN = 21;
const SUBJECTS = 20;
const VERSIONS = 3;
const PATIENCE_MS = 180_000;
const CACHE = join(import.meta.dirname, '.cache', `apicurio-${VERSION}`);

const { values: options } = parseArgs({
  options: { java: { type: 'string', default: 'java' }, redis: { type: 'boolean' }, peer: { type: 'string' } },
});

function install(): void {
  const found = Number(/version "(\d+)/.exec(execFileSync('sh', ['-c', '"$0" -version 2>&1', options.java], { encoding: 'utf8' }))?.[1]);
  if (!(found >= JAVA_MIN)) throw new Error(`Apicurio Registry needs Java ${JAVA_MIN}, ${options.java} is ${found}: --java`);
  if (existsSync(join(CACHE, 'quarkus-run.jar'))) return;
  mkdirSync(CACHE, { recursive: true });
  const artifact = `-Dartifact=io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`;
  execFileSync('mvn', ['-q', '-B', 'dependency:copy', artifact, `-DoutputDirectory=${CACHE}`], {
    cwd: CACHE,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const sha256 = createHash('sha256').update(readFileSync(join(CACHE, ARCHIVE))).digest('hex');
  if (sha256 !== SHA256) throw new Error(`${ARCHIVE} is not the pinned one: ${sha256}`);
  execFileSync('tar', ['xzf', ARCHIVE], { cwd: CACHE });
} // prettier-ignore

install();
const server = await startServer(options);
const [port, managementPort] = [await freePort(), await freePort()];
const registry = `http://127.0.0.1:${port}`;
const problems: string[] = [];
let exit = () => {};

/** Starts the registry and waits until it has read its journal; answers how to kill it. */
async function startRegistry(): Promise<() => Promise<void>> {
  const child = spawn(options.java, ['-Xmx512m', '-jar', join(CACHE, 'quarkus-run.jar')], {
    stdio: 'ignore',
    env: {
      ...process.env,
      APICURIO_STORAGE_KIND: 'kafkasql',
      APICURIO_KAFKASQL_BOOTSTRAP_SERVERS: server.bootstrap,
      APICURIO_KAFKASQL_SNAPSHOT_EVERY_SECONDS: '86400s',
      QUARKUS_HTTP_HOST: '127.0.0.1',
      QUARKUS_HTTP_PORT: String(port),
      QUARKUS_MANAGEMENT_HOST: '127.0.0.1',
      QUARKUS_MANAGEMENT_PORT: String(managementPort),
    },
  });
  const release = guardProcess(child.pid as number);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  void ended.then(release);
  exit = () => child.kill('SIGKILL');
  for (const begin = performance.now(); ; await sleep(250)) {
    const ready = await fetch(`http://127.0.0.1:${managementPort}/health/ready`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ready) break;
    if (child.exitCode !== null) throw new Error(`the registry ended with ${child.exitCode}`);
    if (performance.now() - begin > PATIENCE_MS) throw new Error(`the registry is not ready after ${PATIENCE_MS} ms`);
  }
  return async () => {
    child.kill('SIGKILL');
    await ended;
  };
}

async function ask(method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(`${registry}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

const schemaOf = (subject: number, version: number) =>
  JSON.stringify({
    type: 'record',
    name: `Subject${subject}`,
    fields: Array.from({ length: version }, (_, i) => ({ name: `field${i}`, type: 'string', default: '' })),
  });

/** By id, what was registered. */
const schemas = new Map<number, string>();
const versions = new Map<string, readonly number[]>();

async function register(first: number, end: number): Promise<void> {
  for (let subject = first; subject < end; subject++) {
    for (let version = 1; version <= VERSIONS; version++) {
      const schema = schemaOf(subject, version);
      const { id } = (await ask('POST', `/apis/ccompat/v7/subjects/s${subject}/versions`, { schema })) as {
        id: number;
      };
      schemas.set(id, schema);
    }
    // Of every other one the middle version goes again.
    const goes = subject % 2 === 0;
    if (goes) await ask('DELETE', `/apis/ccompat/v7/subjects/s${subject}/versions/2`);
    versions.set(`s${subject}`, goes ? [1, 3] : [1, 2, 3]);
  }
}

async function compare(when: string): Promise<void> {
  const before = problems.length;
  const subjects = (await ask('GET', '/apis/ccompat/v7/subjects')) as string[];
  if (subjects.toSorted().join() !== [...versions.keys()].toSorted().join())
    problems.push(`${when}: ${subjects.length} subjects instead of ${versions.size}`);
  for (const [subject, expected] of versions) {
    const found = (await ask('GET', `/apis/ccompat/v7/subjects/${subject}/versions`)) as number[];
    if (found.join() !== expected.join()) problems.push(`${when}: ${subject} has versions ${found.join()}`);
  }
  for (const [id, expected] of schemas) {
    const { schema } = (await ask('GET', `/apis/ccompat/v7/schemas/ids/${id}`)) as { schema: string };
    if (JSON.stringify(JSON.parse(schema)) !== expected) problems.push(`${when}: schema ${id} is ${schema}`);
  }
  console.log(`${when}: ${versions.size} subjects, ${schemas.size} schemas, ${problems.length - before} problems`);
}

try {
  let kill = await startRegistry();
  await register(0, SUBJECTS / 2);
  await compare('as written');
  await kill();
  kill = await startRegistry();
  await compare('killed, and read from the journal');
  await ask('POST', '/apis/registry/v3/admin/snapshots');
  await register(SUBJECTS / 2, SUBJECTS);
  await kill();
  kill = await startRegistry();
  await compare('killed, and read from the snapshot and what came behind it');
  await kill();
} catch (error) {
  problems.push((error as Error).message);
} finally {
  exit();
  await server.stop();
}
for (const problem of problems.slice(0, 10)) console.log(problem);
console.log(problems.length === 0 ? 'passed' : 'FAILED');
process.exit(problems.length === 0 ? 0 : 1);
