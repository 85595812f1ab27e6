/**
 * Shards split and merge at random while both doors write and read:
 *
 *   node compat/reshard-soak/run.ts [--minutes 10] [--seed n] [--redis] [--encrypted] [--pause 2500]
 *
 * Writers: PutRecords, with and without explicit hash keys, and idempotent Kafka producers. A reader that goes from shard to
 * shard as the Kinesis Client Library does must see every acknowledged record once and, in each key, in
 * order, by whichever door it came; a Kafka consumer group every one once, and in order within each partition (FINDINGS.md says why no more).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CreateStreamCommand, KinesisClient, StartStreamEncryptionCommand } from '@aws-sdk/client-kinesis';
import { Kafka, logLevel } from 'kafkajs';
import { seededRandom, startRedis, temporaryDirectory } from '@tailrace/testkit';
import { service } from '../service.ts';
import { Ledger, Sightings } from './ledger.ts';
import { GroupReader, ShardReader } from './readers.ts';
import { reshard, type Reshards } from './resharder.ts';
import { writeByKafka, writeByKinesis } from './writers.ts';

const SHARDS = 3;
const WRITERS_A_DOOR = 4;
const REPORT_MS = 15_000;
/** Readers get this long for what is still to come when the writers have stopped. */
const CATCH_UP_MS = 120_000;
/** Behind the last record: whatever comes twice comes now. */
const EXTRA_MS = 3_000;
const StreamName = 'resharded';

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    /** Milliseconds between two changes at most. */
    pause: { type: 'string', default: '2500' },
    redis: { type: 'boolean', default: false },
    encrypted: { type: 'boolean', default: false },
  },
});
const redis = options.redis ? await startRedis({ appendonly: true }) : undefined;
const directory = await temporaryDirectory();
const server = await service({
  env: {
    TAILRACE_LIMITS: 'off',
    TAILRACE_LOG_LEVEL: 'warn',
    TAILRACE_ENCRYPTION_KEYS: `soak=${'5a'.repeat(32)}`,
    ...(redis ? { TAILRACE_STORE: 'redis', TAILRACE_REDIS_URL: redis.url } : { TAILRACE_DATA_DIR: directory.path }),
  },
});
process.env['KAFKAJS_NO_PARTITIONER_WARNING'] = '1';
const problems: string[] = [];
try {
  await server.start();
  const client = new KinesisClient({
    endpoint: server.http,
    region: 'us-east-1',
    credentials: { accessKeyId: 'soak', secretAccessKey: 'secret' },
  });
  const kafka = new Kafka({ clientId: 'soak', brokers: [server.kafka], logLevel: logLevel.NOTHING });
  await client.send(new CreateStreamCommand({ StreamName, ShardCount: SHARDS }));
  if (options.encrypted) {
    await client.send(new StartStreamEncryptionCommand({ StreamName, EncryptionType: 'KMS', KeyId: 'soak' }));
  }
  console.log(`seed ${options.seed}, ${options.minutes} minutes, ${options.redis ? 'Redis' : 'embedded'}`);

  const ledger = new Ledger();
  const writing = new AbortController();
  const reading = new AbortController();
  const refused = new Map<string, number>();
  const onRefused = (code: string) => refused.set(code, (refused.get(code) ?? 0) + 1);
  const failed = (who: string) => (error: unknown) => {
    problems.push(`${who}: ${(error as Error).message}`);
    writing.abort();
  };
  const byShards = new Sightings('by shards');
  const byGroup = new Sightings('by the group');
  const shardReader = new ShardReader(client, StreamName, byShards, reading.signal, failed('the reader of shards'));
  const groupReader = new GroupReader();
  await shardReader.start();
  await groupReader.start(kafka, StreamName, 'soak', byGroup);

  const reshards: Reshards = { splits: 0, merges: 0, scalings: 0 };
  const report = () => {
    const { splits, merges, scalings } = reshards;
    const { begun, ended } = shardReader.shards;
    console.log(
      `${ledger.acknowledged} of ${ledger.sent} acknowledged; ${splits} splits, ${merges} merges, ${scalings} scalings; ` +
        `shards ${begun} begun, ${ended} ended; seen by shards ${byShards.records}, by the group ${byGroup.records} in ` +
        `${groupReader.partitions} partitions (${groupReader.redelivered} again)`,
    );
  };
  const reporting = setInterval(report, REPORT_MS);
  const random = seededRandom(Number(options.seed));
  const deadline = setTimeout(() => writing.abort(), Number(options.minutes) * 60_000);
  const writers = Array.from({ length: WRITERS_A_DOOR }, (_, i) => [
    writeByKinesis(client, StreamName, `kinesis${i}`, ledger, writing.signal, onRefused),
    writeByKafka(kafka, StreamName, `kafka${i}`, SHARDS, ledger, writing.signal, onRefused),
  ]).flat();
  const all = await Promise.allSettled([
    ...writers,
    reshard(client, StreamName, random, writing.signal, reshards, Number(options.pause)).catch(failed('the resharder')),
  ]);
  for (const outcome of all) if (outcome.status === 'rejected') problems.push(`a writer: ${String(outcome.reason)}`);
  clearTimeout(deadline);

  const until = performance.now() + CATCH_UP_MS;
  const behind = () => [byShards, byGroup].map((seen) => ledger.missing(seen).length);
  while (behind().some((count) => count > 0) && performance.now() < until) await sleep(500);
  await sleep(EXTRA_MS);
  clearInterval(reporting);
  report();
  for (const seen of [byShards, byGroup]) {
    const missing = ledger.missing(seen);
    problems.push(...seen.problems);
    if (missing.length > 0) {
      problems.push(
        `${seen.name}: ${missing.length} acknowledged records are missing, ${missing.slice(0, 5).join(', ')}`,
      );
    }
  }
  if (reshards.splits === 0 || reshards.merges === 0) problems.push('nothing was resharded');
  for (const [code, count] of refused) console.log(`refused ${count} times: ${code}`);
  reading.abort();
  await groupReader.stop();
  client.destroy();
} finally {
  await server.stop();
  await redis?.stop();
  await directory.remove();
}
for (const problem of problems) console.log(problem);
console.log(problems.length > 0 ? 'FAILED' : 'passed');
process.exit(problems.length > 0 ? 1 : 0);
