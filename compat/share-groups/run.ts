/**
 * Share groups (KIP-932) with Java's KafkaShareConsumer 4.3 against the running service, which is killed in the middle:
 *
 *   node compat/share-groups/run.ts
 *
 *   --redis           the service on Redis, instead of the embedded store
 *   --bridges 2       so many services over one Redis: one of them is killed in the middle and stays dead, and the others go on
 *   --peer apache     a real Apache Kafka 4.3.1 instead of the service; nobody kills it
 *   --records 20000   --members 5   --seed 1
 *   --no-kill
 *
 * Members acknowledge explicitly and implicitly, give some records back, and one of them comes and goes. Every record has to be
 * accepted by somebody and none to be garbled; how many were accepted or delivered more than once is told. Needs Java 17 and
 * Maven; the libraries are fetched once.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { guardProcess, startRedis, temporaryDirectory } from '@tailrace/testkit';
import { startApacheKafka } from '../apache-kafka.ts';
import { CLIENTS } from '../kafka-clients/clients.ts';
import { type Service, service } from '../service.ts';

const PATIENCE_MS = 300_000;

const { values: options } = parseArgs({
  options: {
    redis: { type: 'boolean' },
    bridges: { type: 'string', default: '1' },
    peer: { type: 'string' },
    records: { type: 'string', default: '20000' },
    members: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
    'no-kill': { type: 'boolean' },
  },
});
if (options.peer !== undefined && options.peer !== 'apache') throw new Error(`--peer ${options.peer}: there is apache`);

const java = CLIENTS.find(({ name }) => name === 'java-4.3');
if (java === undefined) throw new Error('the matrix has no client java-4.3');
java.install();

/** Runs the program; `half` is called when it says that half of the records are accepted. */
async function share(bootstrap: string, half: () => Promise<void>): Promise<boolean> {
  const program = join(import.meta.dirname, 'Sharing.java');
  const { command, args } = java as (typeof CLIENTS)[number];
  const more = [bootstrap, options.records, options.members, options.seed];
  const child = spawn(command, [...args.slice(0, -1), program, ...more], { stdio: ['ignore', 'pipe', 'inherit'] });
  const release = guardProcess(child.pid as number);
  const overdue = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  const done: Promise<void>[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    console.log(line);
    if (line === 'half' && !options['no-kill']) done.push(half());
  });
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  clearTimeout(overdue);
  release();
  await Promise.all(done);
  return code === 0;
}

async function withService(): Promise<boolean> {
  const bridgeCount = Number(options.bridges);
  const directory = await temporaryDirectory();
  const redis = options.redis || bridgeCount > 1 ? await startRedis({ appendonly: true }) : undefined;
  const servers: Service[] = [];
  for (let i = 0; i < bridgeCount; i++) {
    const env = {
      TAILRACE_DATA_DIR: join(directory.path, String(i)),
      ...(redis && { TAILRACE_STORE: 'redis', TAILRACE_REDIS_URL: redis.url }),
      TAILRACE_LIMITS: 'off',
    };
    servers.push(await service({ env }));
  }
  const victim = servers[0] as Service;
  try {
    for (const server of servers) await server.start();
    const bootstrap = servers.map(({ kafka }) => kafka).join();
    return await share(bootstrap, async () => {
      await victim.kill9();
      if (bridgeCount > 1) console.log('one is killed');
      else console.log(`killed, and back after ${Math.round(await victim.start())} ms`);
    });
  } finally {
    for (const server of servers) await server.stop();
    await redis?.stop();
    await directory.remove();
  }
}

async function withApacheKafka(): Promise<boolean> {
  const broker = await startApacheKafka();
  try {
    return await share(broker.kafka, () => Promise.resolve());
  } finally {
    await broker.stop();
  }
}

const passed = await (options.peer === 'apache' ? withApacheKafka() : withService());
console.log(passed ? 'passed' : 'FAILED');
process.exit(passed ? 0 : 1);
