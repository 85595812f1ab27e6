/**
 * An idempotent producer (librdkafka through kcat) whose connections are cut at random: no duplicate, no gap.
 *
 *   node compat/idempotence/run.ts            embedded store
 *   node compat/idempotence/run.ts --redis    Redis
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { faultProxy, startRedis, temporaryDirectory } from '@tailrace/testkit';
import { service } from '../service.ts';
import { kcat } from '../two-doors/clients/kcat.ts';

const RECORDS = 60_000;
/** Each connection is cut after so many bytes at most, in the middle of a frame, or after so long. */
const CONNECTION_BYTES_MAX = 60_000;
const CONNECTION_MS = { min: 50, max: 400 };
const PARTITIONS = 3;
const STREAM = 'cut';
/** Lines that go to kcat at once, with a pause behind, so that the run lasts for many cuts. */
const SLICE = 500;
const SLICE_PAUSE_MS = 40;

const { values: options } = parseArgs({ options: { redis: { type: 'boolean' } } });
const redis = options.redis ? await startRedis({ appendonly: true }) : undefined;
const directory = await temporaryDirectory();
// Its target is set when the service has its port.
const proxy = await faultProxy({ target: { port: 1 } });
proxy.cutRandomly({ bytesMax: CONNECTION_BYTES_MAX });
const server = await service({
  env: {
    TAILRACE_LIMITS: 'off',
    // Clients learn the proxy's address from Metadata, so that every connection goes through it.
    TAILRACE_KAFKA_ADVERTISED: `127.0.0.1:${proxy.port}`,
    ...(redis ? { TAILRACE_STORE: 'redis', TAILRACE_REDIS_URL: redis.url } : { TAILRACE_DATA_DIR: directory.path }),
  },
});
let failed = false;
try {
  await server.start();
  await fetch(`${server.http}/v1/streams`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: STREAM, shards: PARTITIONS }),
  });
  proxy.target = { port: server.kafkaPort };
  const producer = spawn(
    'kcat',
    [
      '-P',
      // Not to give up when a connection is cut.
      '-E',
      '-b',
      `127.0.0.1:${proxy.port}`,
      '-t',
      STREAM,
      '-K',
      ':',
      '-X',
      'enable.idempotence=true',
      '-X',
      'linger.ms=5',
      '-X',
      'retry.backoff.ms=20',
      '-X',
      'reconnect.backoff.ms=10',
      '-X',
      'reconnect.backoff.max.ms=50',
      '-X',
      'message.timeout.ms=120000',
    ],
    { stdio: ['pipe', 'ignore', 'pipe'] },
  );
  let complaints = '';
  producer.stderr.on('data', (chunk) => (complaints += chunk));
  let producing = true;
  const cutting = (async () => {
    while (producing) {
      await sleep(CONNECTION_MS.min + Math.random() * (CONNECTION_MS.max - CONNECTION_MS.min));
      proxy.cutAll();
    }
  })();
  const ended = once(producer, 'close');
  for (let i = 0; i < RECORDS; i += SLICE) {
    producer.stdin.write(Array.from({ length: SLICE }, (_, j) => `key-${(i + j) % 100}:${i + j}\n`).join(''));
    await sleep(SLICE_PAUSE_MS);
  }
  producer.stdin.end();
  const [code] = (await ended) as [number | null];
  producing = false;
  await cutting;
  const cuts = proxy.cutCount;
  proxy.heal();
  console.log(`kcat sent ${RECORDS} records and ended with ${code}; ${cuts} connections were cut`);
  if (code !== 0) console.log(complaints.slice(-2000));

  const read = await kcat.readAll(server, STREAM, RECORDS);
  const found = read.map(({ value }) => Number(Buffer.from(value, 'base64').toString()));
  const duplicates = found.length - new Set(found).size;
  const missing = RECORDS - new Set(found).size;
  let disorder = 0;
  const last = new Map<string, number>();
  for (const [i, { key }] of read.entries()) {
    const number = found[i] as number;
    if (number < (last.get(key) ?? -1)) disorder += 1;
    last.set(key, number);
  }
  console.log(`${found.length} records there: ${duplicates} duplicates, ${missing} missing, ${disorder} out of order`);
  failed = code !== 0 || cuts === 0 || duplicates > 0 || missing > 0 || disorder > 0;
} finally {
  await server.stop();
  await proxy.stop();
  await redis?.stop();
  await directory.remove();
}
console.log(failed ? 'FAILED' : 'passed');
process.exit(failed ? 1 : 0);
