/**
 * Mutated requests of real clients against the Kafka door of the running service, over TCP.
 *
 *   node compat/kafka-fuzz/run.ts [--mutations 10000000] [--sent 1000000] [--seconds n] [--seed n] [--connections 64] [--frames FILE] [--redis]
 *
 * Two parts. In this process `--mutations` go through the decoder alone: each one is read or refused by name, what is read is the
 * same when it is written and read again, record sets come apart or are refused. Then over TCP, against the service: every
 * recorded request cut at every length, and `--sent` mutations: bits, bytes, members of requests, counts and
 * varints, keys and versions, record batches with garbage behind a right checksum, compressed bombs, requests made up from
 * the declarations, frames that are cut, glued, of a wrong length. The same decoder that the service has judges here, in this
 * process, what each one is: a request that can be read must be answered, in its turn and with an answer that can be read;
 * one that cannot must end its connection. Meanwhile a well-behaved client writes and reads, and is served.
 *
 * The service must not end, must not fail at a request (no line of level error), must keep nobody waiting, and must need no
 * more memory in the second half than in the first, where there were rounds enough to tell. After `--seconds` nothing more is
 * sent, however few that were.
 */
import { readFileSync } from 'node:fs';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { encodeBatch, fetchApi, produceApi } from '@tailrace/kafka-protocol';
import { Random } from '@tailrace/kafka-protocol/testing';
import { startRedis, temporaryDirectory } from '@tailrace/testkit';
import { service } from '../service.ts';
import { FuzzClient } from './client.ts';
import { decoding } from './decoding.ts';
import { type KnownFrame, recordedFrames, retargeted } from './frames.ts';
import { type FuzzFrame, fuzzer } from './mutations.ts';
import { Talker } from './talker.ts';
import { PROBE_TOPIC, tidy } from './tidy.ts';
import { readByHttp } from './http-reader.ts';

/** Mutated requests make topics, groups and records: so often all of them are removed, and memory is looked at. */
const ROUND = 20_000;
const BURST = 24;
/**
 * What cannot be read costs a connection and shows little: the same decoder has refused it in this process. Few of them are
 * sent, and many more of those that reach an operation.
 */
const UNREADABLE_SHARE = 0.15;
/** Connections that wait for other members of a group, beside those that never wait. */
const WAITING_CONNECTIONS = 48;
/** Most of them leave before they are answered, as members that crash do. One in so many stays. */
const STAYS_IN = 40;
const LEAVES_AFTER_MS = 60;
const PROBE_INTERVAL_MS = 250;
const PROBE_PATIENCE_MS = 20_000;
/** Memory of the first rounds is that of a process that warms up. */
const WARM_UP_SHARE = 0.2;
const MEMORY_GROWTH_MAX = 1.25;
/**
 * Fewer rounds than this, warmed up, are told and not judged: the first hundred thousand mutations meet each kind of bomb for
 * the first time. Resident memory was seen to go from 510 to 1,170 MiB in them; in ten million the median was 1,160 MiB in the
 * first half and 1,290 in the second.
 */
const JUDGED_ROUNDS_MIN = 8;
/** So many, and the run ends. */
const PROBLEMS_SHOWN = 8;
const DECODING_ROUNDS = 20;
const DECODED_A_TURN = 500;
const WARM_UP_ROUNDS = 4;
const PROGRESS_INTERVAL_MS = 15_000;
/** In which Linux counts the time of processes. */
const CLOCK_TICK_MS = 10;

const { values: options } = parseArgs({
  allowNegative: true,
  options: {
    mutations: { type: 'string', default: '10000000' },
    sent: { type: 'string', default: '1000000' },
    seconds: { type: 'string', default: 'Infinity' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    connections: { type: 'string', default: '64' },
    frames: { type: 'string' },
    redis: { type: 'boolean', default: false },
    truncations: { type: 'boolean', default: true },
  },
});
const mutations = Number(options.mutations);
const toSend = Number(options.sent);
const random = new Random(Number(options.seed));
const directory = await temporaryDirectory();
const redis = options.redis ? await startRedis() : undefined;
let running = true;
const problems: string[] = [];
const problem = (text: string) => {
  if (problems.length < PROBLEMS_SHOWN) problems.push(text);
};
const server = await service({
  env: {
    NODE_OPTIONS: '--trace-warnings',
    ...(redis === undefined
      ? { TAILRACE_DATA_DIR: directory.path, TAILRACE_DURABILITY: 'relaxed' }
      : { TAILRACE_STORE: 'redis', TAILRACE_REDIS_URL: redis.url }),
    TAILRACE_LIMITS: 'off',
    TAILRACE_DEFAULT_PARTITIONS: '1',
    // Lists that mutated requests make must not shut out the fuzz itself.
    TAILRACE_KAFKA_SUPER_USERS: 'User:ANONYMOUS',
  },
  said: (line) => running && problem(`the service says: ${line.slice(0, 1_500)}`),
});
const counts = new Map<string, number>();
const count = (name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
const memoryMiB: number[] = [];
const memoryOf = (pid: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024;
let probes = 0;
let longestProbeMs = 0;

/** Writes a record and reads it again, all the while. */
async function probe(): Promise<void> {
  for (let n = 0; running; n++) {
    const begin = performance.now();
    const talker = await Talker.to(server.kafkaPort);
    const value = Buffer.from(`still here ${n}`);
    const records = encodeBatch([{ key: null, value, timestampMs: Date.now() }]);
    const { responses } = await talker.ask(produceApi, 9, {
      acks: -1,
      timeoutMs: 5_000,
      topicData: [{ name: PROBE_TOPIC, partitionData: [{ index: n % 3, records }] }],
    });
    const { baseOffset = 0n, errorCode } = responses[0]?.partitionResponses[0] ?? {};
    const fetched = await talker.ask(fetchApi, 11, {
      maxWaitMs: 1_000,
      minBytes: 1,
      maxBytes: 1_000_000,
      topics: [{ topic: PROBE_TOPIC, partitions: [{ partition: n % 3, fetchOffset: baseOffset, partitionMaxBytes: 1_000_000 }] }],
    }); // prettier-ignore
    const back = fetched.responses[0]?.partitions[0]?.records;
    if (errorCode !== 0 || !back?.includes(value))
      problem(`the well-behaved client: ${errorCode}, ${back?.length} bytes`);
    talker.close();
    const tookMs = performance.now() - begin;
    longestProbeMs = Math.max(longestProbeMs, tookMs);
    if (tookMs > PROBE_PATIENCE_MS) problem(`the well-behaved client was served after ${tookMs.toFixed(0)} ms`);
    probes++;
    await sleep(PROBE_INTERVAL_MS);
  }
}

/** Milliseconds of a processor that a process has used. */
function busyMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK_MS;
}

/** Not the greatest: a bomb that is just coming apart is no growth. */
const middle = (some: readonly number[]) => some.toSorted((a, b) => a - b)[Math.floor(some.length / 2)] as number;

function describe(frame: FuzzFrame | undefined): string {
  return frame === undefined
    ? 'nothing'
    : `${frame.kind}, ${frame.expect}: ${frame.bytes.toString('hex').slice(0, 3_000)}`;
}

/** The first part: no service, no sockets. */
async function decodeAlone(recorded: readonly KnownFrame[]): Promise<void> {
  const { look, counts: looked } = decoding();
  const ids = new Map(['a', 'b'].map((name) => [name, Buffer.alloc(16, name).toString('base64url')]));
  const about = recorded.map((frame) => retargeted(frame, ids, (limit) => random.below(limit)));
  const frames = [...recorded, ...about];
  const make = fuzzer(random, () => frames, { look });
  const expectations = { answer: 0, end: 0, anything: 0 };
  const memories: number[] = [];
  const begin = performance.now();
  for (let done = 0; done < mutations;) {
    for (const end = Math.min(mutations, done + mutations / DECODING_ROUNDS); done < end; done++) {
      let frame: FuzzFrame | undefined;
      try {
        frame = make();
      } catch (error) {
        problem(`the decoder: ${(error as Error).stack}`);
        return;
      }
      expectations[frame.expect]++;
      // What decompression has held is given back in a turn of the event loop.
      if (done % DECODED_A_TURN === 0) await nextTurn();
    }
    memories.push(memoryOf(process.pid));
    const rate = (done * 1000) / (performance.now() - begin);
    console.log(`${done} decoded here, ${rate.toFixed(0)} a second, ${memories.at(-1)?.toFixed(0)} MiB`);
  }
  console.log('can be read, cannot, and neither is certain:', expectations, looked);
  const half = DECODING_ROUNDS / 2;
  const [early, late] = [middle(memories.slice(WARM_UP_ROUNDS, half)), middle(memories.slice(half))];
  if (late > early * MEMORY_GROWTH_MAX) problem(`memory of the decoder grows, from ${early} to ${late} MiB`);
}

try {
  const recorded = recordedFrames(options.frames);
  console.log(`seed ${options.seed}, ${recorded.length} requests of real clients`);
  if (mutations > 0) await decodeAlone(recorded);
  await server.start();
  let pool: readonly KnownFrame[] = recorded;
  const renew = async () => {
    // A connection of its own each time: rounds of a slow machine are longer than the service lets one be idle.
    const admin = await Talker.to(server.kafkaPort);
    const topics = await tidy(admin);
    admin.close();
    const about = recorded.map((frame) => retargeted(frame, topics, (limit) => random.below(limit)));
    pool = [...recorded, ...about, ...about];
  };
  await renew();
  const probing = probe().catch((error: unknown) => problem(`the well-behaved client: ${(error as Error).message}`));
  const clients = Array.from({ length: Number(options.connections) }, () => new FuzzClient(server.kafkaPort));
  const waiting = Array.from({ length: WAITING_CONNECTIONS }, () => new FuzzClient(server.kafkaPort));
  const free = [...waiting];
  const overdue = setInterval(() => {
    for (const one of [...clients, ...waiting]) one.check(performance.now());
  }, 500);
  let sent = 0;
  let begin = performance.now();
  const progress = setInterval(() => {
    const seconds = (performance.now() - begin) / 1000;
    console.log(`  ${sent} sent, ${(sent / seconds).toFixed(0)} a second, ${memoryOf(server.pid).toFixed(0)} MiB`);
  }, PROGRESS_INTERVAL_MS);

  const burst = async (by: FuzzClient, frames: readonly FuzzFrame[]) => {
    const outcome = await by.send(frames);
    for (const { kind, expect } of frames) count(`${kind}: ${expect}`);
    if (outcome.problem !== undefined) {
      const at = frames.indexOf(by.at as FuzzFrame);
      problem([outcome.problem, ...frames.slice(Math.max(0, at - 1)).map(describe)].join('\n    '));
    }
  };

  const make = fuzzer(random, () => pool, { unreadableShare: UNREADABLE_SHARE });
  // Every truncation of every recorded request.
  function* truncations(): Generator<FuzzFrame> {
    for (const { bytes } of recorded) {
      for (let length = 0; length < bytes.length; length++) {
        const frame = make.judged('truncation', bytes.subarray(0, length));
        if (frame?.waits === false) yield frame;
      }
    }
  }
  const cuts = options.truncations ? truncations() : [][Symbol.iterator]();
  const beginCuts = performance.now();
  let cut = 0;
  await Promise.all(
    clients.map(async (by) => {
      const frames: FuzzFrame[] = [];
      for (const frame of cuts) {
        cut++;
        frames.push(frame);
        if (frame.expect === 'answer' && frames.length < BURST) continue;
        await burst(by, frames.splice(0));
        if (problems.length >= PROBLEMS_SHOWN) break;
      }
      if (frames.length > 0) await burst(by, frames);
    }),
  );
  console.log(`${cut} truncations, ${((cut * 1000) / (performance.now() - beginCuts)).toFixed(0)} a second`);

  begin = performance.now();
  const busyBefore = [busyMs(server.pid), busyMs(process.pid)] as const;
  const endMs = begin + Number(options.seconds) * 1000;
  const goesOn = () => problems.length < PROBLEMS_SHOWN && performance.now() < endMs;
  /** A request that may wait goes its own way; the burst goes on without it. */
  const letWait = (frame: FuzzFrame) => {
    const by = free.pop();
    if (by === undefined) return;
    sent++;
    const timer = random.below(STAYS_IN) === 0 ? undefined : setTimeout(() => by.leave(), LEAVES_AFTER_MS);
    void burst(by, [frame]).then(() => {
      clearTimeout(timer);
      free.push(by);
    });
  };
  while (sent < toSend && goesOn()) {
    await renew();
    const end = Math.min(toSend, sent + ROUND);
    await Promise.all(
      clients.map(async (by) => {
        while (sent < end && goesOn()) {
          const frames: FuzzFrame[] = [];
          while (frames.length < BURST) {
            const frame = make();
            if (frame.waits) {
              letWait(frame);
              continue;
            }
            frames.push(frame);
            if (frame.expect !== 'answer') break;
          }
          sent += frames.length;
          await burst(by, frames);
        }
      }),
    );
    for (const [answer, times] of await readByHttp(server.http)) counts.set(answer, (counts.get(answer) ?? 0) + times);
    memoryMiB.push(memoryOf(server.pid));
    const seconds = (performance.now() - begin) / 1000;
    console.log(
      `${sent} sent, ${(sent / seconds).toFixed(0)} a second, ${memoryMiB.at(-1)?.toFixed(0)} MiB, ${probes} probes, the longest ${longestProbeMs.toFixed(0)} ms`,
    );
  }
  const each = (pid: number, before: number) => (((busyMs(pid) - before) * 1000) / sent).toFixed(0);
  console.log(
    `${sent} sent in ${((performance.now() - begin) / 1000).toFixed(0)} s; each one took ${each(server.pid, busyBefore[0])} µs of the service's processor, and ${each(process.pid, busyBefore[1])} µs of this one's`,
  );
  for (const deadline = performance.now() + 60_000; free.length < WAITING_CONNECTIONS; await sleep(100)) {
    if (performance.now() > deadline) {
      problem('members of groups still wait');
      break;
    }
  }
  running = false;
  await probing;
  clearInterval(overdue);
  clearInterval(progress);
  for (const by of [...clients, ...waiting]) by.leave();
  await renew();
  for (const [name, times] of [...counts].sort()) console.log(`  ${times} × ${name}`);
  const connections = [...clients, ...waiting].reduce((sum, by) => sum + by.connections, 0);
  console.log(`${connections} connections, ${probes} probes served, the longest in ${longestProbeMs.toFixed(0)} ms`);
  const warm = memoryMiB.slice(Math.ceil(memoryMiB.length * WARM_UP_SHARE));
  const half = Math.floor(warm.length / 2);
  if (half > 0) {
    const [early, late] = [middle(warm.slice(0, half)), middle(warm.slice(half))];
    console.log(
      `memory: ${early.toFixed(0)} MiB in the first half after warming up, ${late.toFixed(0)} in the second (medians)`,
    );
    if (warm.length < JUDGED_ROUNDS_MIN) console.log(`too few rounds (${warm.length}) to tell growth from warming up`);
    else if (late > early * MEMORY_GROWTH_MAX) problem('memory grows');
  }
} catch (error) {
  problem(`the service is gone: ${(error as Error).stack}`);
} finally {
  running = false;
  await server.stop();
  await redis?.stop();
  await directory.remove();
}
for (const text of problems) console.log(text);
console.log(problems.length > 0 ? 'FAILED' : 'passed');
process.exit(problems.length > 0 ? 1 : 0);
