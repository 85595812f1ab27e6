/**
 * Mutated requests against the running service: members, bytes of JSON and CBOR, headers, HTTP framing, frames of HTTP/2 and floods of
 * them, and plain garbage. Before all of them, clients that ask for much and read nothing (`idle-readers.ts`).
 *
 *   node compat/kinesis-fuzz/run.ts [--requests 1000000] [--seed n] [--connections 24] [--http2 10] [--idle-readers 100] [--minutes n]
 *
 * `--http2`: so many of a hundred are conversations in HTTP/2, each on a connection of its own. `--idle-readers 0`: none.
 *
 * The service must not end, must answer every whole request or end the connection within a bound, must never answer with a
 * failure of its own, must need no more memory at the end than near the beginning, and must work as before afterwards.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListStreamsCommand,
  PutRecordCommand,
} from '@aws-sdk/client-kinesis';
import { seededRandom, temporaryDirectory } from '@tailrace/testkit';
import { service } from '../service.ts';
import { FuzzClient } from './client.ts';
import { converse } from './http2-client.ts';
import { conversations } from './http2-conversations.ts';
import { leaveUnread } from './idle-readers.ts';
import { fuzzer, type FuzzRequest } from './mutations.ts';

/** Mutated requests make streams and records: so often all of them are removed, and memory is looked at. */
const ROUND = 20_000;
/** Memory of the first rounds is that of a process that warms up. */
const WARM_UP_SHARE = 0.2;
const MEMORY_GROWTH_MAX = 1.25;

const { values: options } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    connections: { type: 'string', default: '24' },
    http2: { type: 'string', default: '10' },
    /** Ends then, however many were sent. */
    minutes: { type: 'string', default: 'Infinity' },
    'idle-readers': { type: 'string', default: '100' },
  },
});
const requests = Number(options.requests);
const directory = await temporaryDirectory();
const server = await service({
  env: {
    TAILRACE_DATA_DIR: directory.path,
    TAILRACE_DURABILITY: 'relaxed',
    TAILRACE_LIMITS: 'off',
    TAILRACE_ENCRYPTION_KEYS: `fuzz=${'5a'.repeat(32)}`,
  },
});
const problems: string[] = [];
const problem = (text: string) => {
  if (problems.length < 20) problems.push(text);
};
const counts = new Map<string, number>();
const memoryMiB: number[] = [];

const memoryOf = (pid: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024;

async function cleanUp(client: KinesisClient): Promise<void> {
  for (;;) {
    const { StreamNames = [] } = await client.send(new ListStreamsCommand({}));
    if (StreamNames.length === 0) break;
    for (const StreamName of StreamNames) {
      await client.send(new DeleteStreamCommand({ StreamName, EnforceConsumerDeletion: true }));
    }
  }
  await client.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 2 }));
}

/** Whether the service does what it should. */
async function works(client: KinesisClient): Promise<boolean> {
  const StreamName = 's';
  const Data = Buffer.from('still here');
  const { ShardId } = await client.send(new PutRecordCommand({ StreamName, PartitionKey: 'k', Data }));
  const { ShardIterator } = await client.send(
    new GetShardIteratorCommand({ StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
  );
  const { Records } = await client.send(new GetRecordsCommand({ ShardIterator }));
  return Records?.some((record) => Buffer.from(record.Data as Uint8Array).equals(Data)) === true;
}

try {
  await server.start();
  console.log(`seed ${options.seed}, ${requests} requests`);
  const client = new KinesisClient({
    endpoint: server.http,
    region: 'us-east-1',
    credentials: { accessKeyId: 'fuzz', secretAccessKey: 'secret' },
    maxAttempts: 1,
  });
  const random = seededRandom(Number(options.seed));
  const make = fuzzer(random);
  const makeConversation = conversations(random);
  const idleReaders = Number(options['idle-readers']);
  if (idleReaders > 0) {
    await cleanUp(client);
    for (const text of await leaveUnread(client, server, idleReaders, () => memoryOf(server.pid))) problem(text);
  }
  const clients = Array.from({ length: Number(options.connections) }, () => new FuzzClient(server.httpPort));
  const begin = performance.now();
  let sent = 0;

  const one = async (by: FuzzClient) => {
    const isHttp2 = random() * 100 < Number(options.http2);
    const request = isHttp2 ? makeConversation() : make();
    const outcome = isHttp2 ? await converse(server.httpPort, request) : await by.send(request as FuzzRequest);
    const shown = outcome.kind === 'answered' ? String(outcome.statusCode) : outcome.kind;
    const name = `${request.kind}: ${shown}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    const bytes = request.bytes.toString('latin1').slice(0, 2_000);
    if (outcome.kind === 'hung') problem(`no answer (${request.kind}): ${JSON.stringify(bytes)}`);
    if (outcome.kind === 'closed' && request.whole) problem(`not answered (${request.kind}): ${JSON.stringify(bytes)}`);
    if (
      outcome.kind === 'answered' &&
      outcome.statusCode >= 500 &&
      outcome.statusCode !== 501 &&
      outcome.statusCode !== 505
    )
      problem(`${outcome.statusCode} (${request.kind}): ${JSON.stringify(bytes)}`);
  };
  const endMs = begin + Number(options.minutes) * 60_000;
  while (sent < requests && performance.now() < endMs && problems.length === 0) {
    await cleanUp(client);
    const end = Math.min(requests, sent + ROUND);
    await Promise.all(
      clients.map(async (by) => {
        while (sent < end && performance.now() < endMs && problems.length === 0) {
          sent++;
          await one(by);
        }
      }),
    );
    memoryMiB.push(memoryOf(server.pid));
    if (memoryMiB.length % 5 === 0 || sent >= requests || performance.now() >= endMs) {
      const seconds = (performance.now() - begin) / 1000;
      console.log(`${sent} sent, ${(sent / seconds).toFixed(0)} a second, ${memoryMiB.at(-1)?.toFixed(0)} MiB`);
    }
  }
  for (const by of clients) by.close();
  await sleep(500);
  await cleanUp(client);
  if (!(await works(client))) problem('afterwards a record that was put is not there');
  client.destroy();
  for (const [name, count] of [...counts].sort()) console.log(`  ${count} × ${name}`);
  const warm = memoryMiB.slice(Math.ceil(memoryMiB.length * WARM_UP_SHARE));
  const half = Math.floor(warm.length / 2);
  if (half > 0) {
    const [early, late] = [Math.max(...warm.slice(0, half)), Math.max(...warm.slice(half))];
    console.log(
      `memory: at most ${early.toFixed(0)} MiB in the first half after warming up, ${late.toFixed(0)} in the second`,
    );
    if (late > early * MEMORY_GROWTH_MAX) problem('memory grows');
  }
} catch (error) {
  problem(`the service is gone: ${(error as Error).message}`);
} finally {
  await server.stop();
  await directory.remove();
}
for (const text of problems) console.log(text);
console.log(problems.length > 0 ? 'FAILED' : 'passed');
process.exit(problems.length > 0 ? 1 : 0);
