/**
 * Both doors, real clients, one running service: 10,000 records in by each door, all of them out by every client.
 *
 *   node compat/two-doors/run.ts              on the embedded store
 *   node compat/two-doors/run.ts --redis      on Redis
 *
 * Needs Debian's awscli, python3-boto3 and kcat. Every client reads everything and must find, for every key, the values in
 * the order in which they were written, and (Kafka clients) the headers.
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { isDeepStrictEqual } from 'node:util';
import { startRedis, temporaryDirectory } from '@tailrace/testkit';
import { service } from '../service.ts';
import { base64, type Client, type PlainRecord, type ReadRecord } from './client.ts';
import { aws, awsCli } from './clients/aws-cli.ts';
import { awsSdk } from './clients/aws-sdk.ts';
import { boto3 } from './clients/boto3.ts';
import { kafkaJs } from './clients/kafkajs.ts';
import { kcat } from './clients/kcat.ts';

const WRITERS: readonly (readonly [Client, number])[] = [
  [awsCli, 2000],
  [boto3, 4000],
  [awsSdk, 4000],
  [kcat, 5000],
  [kafkaJs, 5000],
];
const READERS: readonly Client[] = [awsSdk, boto3, awsCli, kafkaJs, kcat];
const SHARDS = 4;
const KEYS_PER_WRITER = 37;

/** Keys in several scripts; values of any bytes, NUL, line feeds and invalid UTF-8 among them; headers from Kafka. */
function recordsOf({ name, door }: Client, count: number): PlainRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    key: base64(Buffer.from(`${name} clé-鍵-${i % KEYS_PER_WRITER} 🔑`, 'utf8')),
    value: base64(Buffer.concat([Buffer.from(`${i}\0\n\xff`, 'latin1'), randomBytes(1 + (i % 300))])),
    ...(door === 'kafka'
      ? { headers: { origin: base64(Buffer.from(name)), 'half-ç': base64(Buffer.from(`é-${i < count / 2 ? 1 : 2}`)) } }
      : {}),
  }));
}

function valuesByKey(records: readonly PlainRecord[], withHeaders: boolean): Map<string, string[]> {
  const byKey = new Map<string, string[]>();
  for (const { key, value, headers = {} } of records) {
    const shown = withHeaders ? `${value} ${JSON.stringify(Object.entries(headers).sort())}` : value;
    const values = byKey.get(key);
    if (values) values.push(shown);
    else byKey.set(key, [shown]);
  }
  return byKey;
}

function compare(reader: Client, written: readonly PlainRecord[], read: readonly ReadRecord[]): string[] {
  const withHeaders = reader.door === 'kafka';
  const expected = valuesByKey(written, withHeaders);
  const found = valuesByKey(read, withHeaders);
  const problems: string[] = [];
  if (read.length !== written.length) problems.push(`${read.length} records instead of ${written.length}`);
  for (const [key, values] of expected) {
    if (!isDeepStrictEqual(found.get(key), values))
      problems.push(
        `key ${Buffer.from(key, 'base64').toString()}: ${found.get(key)?.length ?? 0} of ${values.length}, or in another order or with other headers`,
      );
  }
  return problems;
}

const { values: options } = parseArgs({ options: { redis: { type: 'boolean' } } });
const redis = options.redis ? await startRedis({ appendonly: true }) : undefined;
const directory = await temporaryDirectory();
const server = await service({
  by: 'npm',
  env: redis
    ? { TAILRACE_STORE: 'redis', TAILRACE_REDIS_URL: redis.url, TAILRACE_LIMITS: 'off' }
    : { TAILRACE_DATA_DIR: directory.path, TAILRACE_LIMITS: 'off' },
});
let failed = false;
try {
  console.log(
    `npm start on the ${redis ? 'Redis' : 'embedded'} store: ready after ${Math.round(await server.start())} ms`,
  );
  const stream = 'two-doors';
  await aws(server.http, 'create-stream', '--stream-name', stream, '--shard-count', String(SHARDS));
  await aws(server.http, 'wait', 'stream-exists', '--stream-name', stream).catch(() => {});
  const written: PlainRecord[] = [];
  for (const [writer, count] of WRITERS) {
    const records = recordsOf(writer, count);
    const begin = performance.now();
    await writer.write(server, stream, records);
    written.push(...records);
    console.log(
      `in by ${writer.name} (${writer.door} door): ${count} records in ${Math.round(performance.now() - begin)} ms`,
    );
  }
  for (const reader of READERS) {
    const begin = performance.now();
    const read = await reader.readAll(server, stream, written.length);
    const problems = compare(reader, written, read);
    failed ||= problems.length > 0;
    const verdict =
      problems.length === 0
        ? `all equal, in order per key${reader.door === 'kafka' ? ', headers equal' : ''}`
        : `DIFFERENT: ${problems.slice(0, 5).join('; ')}`;
    console.log(
      `out by ${reader.name} (${reader.door} door): ${read.length} records in ${Math.round(performance.now() - begin)} ms: ${verdict}`,
    );
  }
} finally {
  await server.stop();
  await redis?.stop();
  await directory.remove();
}
console.log(failed ? 'FAILED' : 'passed');
process.exit(failed ? 1 : 0);
