/**
 * node-rdkafka's own end-to-end tests, which its npm package carries, against the running service:
 *
 *   node compat/kafka-clients/rdkafka-e2e.ts [--redis] [--peer apache] [--only admin,producer]
 *
 * They run as its Makefile runs them, in mocha, on the six topics that its set-up makes.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { guardProcess } from '@tailrace/testkit';
import { CLIENTS } from './clients.ts';
import { startServer } from './server.ts';
import { makeTopic } from './topic.ts';

const CACHE = join(import.meta.dirname, '.cache');
const MODULES = join(CACHE, 'node', 'node_modules');
const RUNNER = join(CACHE, 'mocha');
const MOCHA = 'mocha@10.8.2';
const TOPICS = ['test', 'test2', 'test3', 'test4', 'test5', 'test6'];
const TEST_MS_MAX = 120_000;
const PATIENCE_MS = 600_000;

const { values: options } = parseArgs({
  options: { redis: { type: 'boolean' }, peer: { type: 'string' }, only: { type: 'string' } },
});

CLIENTS.find(({ name }) => name === 'node-rdkafka')?.install();
if (!existsSync(join(RUNNER, 'node_modules'))) {
  mkdirSync(RUNNER, { recursive: true });
  writeFileSync(join(RUNNER, 'package.json'), '{ "private": true }\n');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--save-exact', MOCHA], { cwd: RUNNER, stdio: 'ignore' });
}
const folder = join(MODULES, 'node-rdkafka', 'e2e');
const wanted = options.only?.split(',');
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.spec.js'))
  .filter((name) => wanted === undefined || wanted.some((one) => name === `${one}.spec.js`));
// Their transactions count on the order of records in a topic that nobody has made before.
const server = await startServer({ ...options, defaultPartitions: 1 });
let failed = true;
try {
  for (const topic of TOPICS) await makeTopic(server.bootstrap, topic, 1);
  const mocha = join(RUNNER, 'node_modules', '.bin', 'mocha');
  const args = [mocha, '--exit', '--timeout', String(TEST_MS_MAX), ...files.map((name) => join(folder, name))];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL',
    env: { ...process.env, KAFKA_HOST: server.bootstrap },
  });
  const release = guardProcess(child.pid as number);
  const code = await new Promise<number | string | null>((resolve) =>
    child.once('exit', (exitCode, signal) => resolve(exitCode ?? signal)),
  );
  release();
  if (typeof code === 'string') console.log(`mocha was ended by ${code}`);
  failed = code !== 0;
} finally {
  await server.stop();
}
console.log(failed ? 'FAILED' : 'passed');
process.exit(failed ? 1 : 0);
