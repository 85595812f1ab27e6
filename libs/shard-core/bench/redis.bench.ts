/**
 * What the Redis engine does in one process over one Redis, without a door:
 * `node libs/shard-core/bench/redis.bench.ts [minInsyncReplicas]`. About ten seconds. Redis and this process share the
 * machine's cores, so the figures are rough.
 */
import { encodeBatch, readBatchHeader } from '@tailrace/kafka-protocol';
import { startRedis } from '@tailrace/testkit';
import { type ShardKey, shardKey } from '../src/index.ts';
import { openRedisStore } from '../src/redis/index.ts';

const RUN_MS = 1_500;
const MIB = 1024 * 1024;
const minInsyncReplicas = Number(process.argv[2] ?? '1');

const redis = await startRedis({ replicas: minInsyncReplicas - 1 });
// Without the tail cache: the reads shall come from Redis.
const store = await openRedisStore({ url: redis.url, minInsyncReplicas, tailCacheBytes: 0 });
try {
  for (const [valueBytes, inFlight] of [
    [1_024, 1],
    [1_024, 32],
    [1_024, 256],
    [16 * 1_024 - 100, 32],
    [128 * 1_024, 8],
    [1_024 * 1_024, 4],
  ] as const) {
    const shard = shardKey('benchbenchbenchbenchbe', valueBytes + inFlight);
    await store.log.openShard(shard, { startOffset: 0n });
    await measureAppends(shard, valueBytes, inFlight);
    if (inFlight !== 1) await measureReads(shard, valueBytes);
    await store.log.deleteShards([shard]);
  }
} finally {
  await store.close();
  await redis.stop();
}

async function measureAppends(shard: ShardKey, valueBytes: number, inFlight: number): Promise<void> {
  const batch = encodeBatch([{ key: null, value: Buffer.alloc(valueBytes, 'x'), timestampMs: Date.now() }]);
  const header = readBatchHeader(batch, 0);
  const latencies: number[] = [];
  const cpu = await startCpu();
  const began = performance.now();
  const until = began + RUN_MS;
  const writer = async () => {
    while (performance.now() < until) {
      const at = performance.now();
      const outcome = await store.log.append({
        shard,
        batch,
        header,
        acks: 'all',
        minInsyncReplicas,
        timeoutMs: 5_000,
      });
      if (!outcome.ok) throw new Error(outcome.refusal.code);
      latencies.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, writer));
  const perSecond = latencies.length / ((performance.now() - began) / 1_000);
  latencies.sort((a, b) => a - b);
  report(`append ${valueBytes} B, ${inFlight} in flight`, {
    'appends/s': Math.round(perSecond),
    'MiB/s': ((perSecond * batch.length) / MIB).toFixed(0),
    'ms p50': latencies[latencies.length >> 1]?.toFixed(2),
    'ms p99': latencies[Math.floor(latencies.length * 0.99)]?.toFixed(2),
    ...(await cpu(latencies.length, 'append')),
  });
}

async function measureReads(shard: ShardKey, valueBytes: number): Promise<void> {
  const cpu = await startCpu();
  const began = performance.now();
  let bytes = 0;
  let offset = 0n;
  while (performance.now() - began < RUN_MS / 2) {
    const outcome = await store.log.read(shard, offset, { maxBytes: 4 * MIB });
    if (!outcome.ok) throw new Error(outcome.refusal.code);
    const { byteCount, nextOffset } = outcome.value;
    bytes += byteCount;
    offset = byteCount === 0 ? 0n : nextOffset;
    outcome.value.release();
  }
  const seconds = (performance.now() - began) / 1_000;
  report(`read ${valueBytes} B batches, 4 MiB a read`, {
    'MiB/s': (bytes / MIB / seconds).toFixed(0),
    ...(await cpu(bytes / MIB, 'MiB')),
  });
}

/** Processor time, which a busy machine distorts less than rates: here and in Redis, by unit of work. */
async function startCpu(): Promise<(units: number, unit: string) => Promise<Record<string, string>>> {
  const redisMicros = async () => {
    const info = String(await redis.command('INFO', 'cpu'));
    const seconds = ['user', 'sys'].map((kind) => Number(new RegExp(`used_cpu_${kind}:(.*)`).exec(info)?.[1]));
    return seconds.reduce((sum, value) => sum + value, 0) * 1e6;
  };
  const [redisBefore, before] = [await redisMicros(), process.cpuUsage()];
  return async (units, unit) => {
    const used = process.cpuUsage(before);
    const redisUsed = (await redisMicros()) - redisBefore;
    return {
      [`µs CPU/${unit} here`]: ((used.user + used.system) / units).toFixed(1),
      [`in Redis`]: (redisUsed / units).toFixed(1),
    };
  };
}

function report(what: string, figures: Record<string, string | number | undefined>): void {
  const cells = Object.entries(figures).map(([name, value]) => `${value} ${name}`);
  process.stdout.write(`${what.padEnd(40)} ${cells.join(', ')}\n`);
}
