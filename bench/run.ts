/**
 * `npm run bench`: the hot paths beside kinesalite and Apache Kafka, as ratios of one run.
 *
 *   npm run bench                      everything, three rounds; writes bench/results.md
 *   npm run bench -- --quick           one short round; prints the table, writes nothing
 *   npm run bench -- --only kinesis    or kafka, start, memory
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startApacheKafka } from './peers/apache-kafka.ts';
import { startKinesalite } from './peers/kinesalite.ts';
import type { Server } from './peers/server.ts';
import { startTailrace } from './peers/tailrace.ts';
import { cpuSeconds, residentMiB } from './processes.ts';
import { KAFKA_SCENARIOS } from './scenarios/kafka.ts';
import { KINESIS_SCENARIOS } from './scenarios/kinesis.ts';
import { memoryWhileWriting } from './scenarios/memory.ts';
import type { Measured, Scenario } from './scenarios/scenario.ts';
import { markdown, reached, type Row } from './table.ts';

const START_FLOOR_MS = 1000;
const MEMORY_GIGABYTES = 5;
/** The last fifth of a long write may stand so much above the second: what is above is growth, not noise. */
const MEMORY_GROWTH_MAX = 1.25;

const { values } = parseArgs({
  options: { quick: { type: 'boolean' }, only: { type: 'string' }, rounds: { type: 'string' } },
});
const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
const scale = values.quick ? 0.34 : 1;
const wanted = (part: string) => values.only === undefined || values.only === part;
const say = (line: string) => process.stderr.write(`${line}\n`);

const median = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

/** One round of all scenarios on one fresh server. */
async function round(server: Server, scenarios: readonly Scenario[], results: Map<string, Measured[]>): Promise<void> {
  try {
    for (const scenario of scenarios) {
      const cpuBefore = cpuSeconds(server.pid);
      const measured = await scenario.measure(server, scale);
      const cpu = cpuSeconds(server.pid) - cpuBefore;
      say(
        `    ${server.name}: ${scenario.name}: ${measured.value.toFixed(0)} ${scenario.unit} (server ${cpu.toFixed(1)} CPU-s, ${residentMiB(server.pid).toFixed(0)} MiB)`,
      );
      results.set(scenario.name, [...(results.get(scenario.name) ?? []), measured]);
    }
  } finally {
    await server.stop();
  }
}

/** Ours and the peer's rounds in turn, so that a slow minute of the machine meets both. */
async function compare(
  peerName: string,
  startPeer: () => Promise<Server | undefined>,
  scenarios: readonly Scenario[],
  env: Record<string, string> = {},
): Promise<Row[]> {
  const ours = new Map<string, Measured[]>();
  const theirs = new Map<string, Measured[]>();
  for (let i = 0; i < rounds; i++) {
    say(`  round ${i + 1} of ${rounds}`);
    const peer = await startPeer();
    if (peer) await round(peer, scenarios, theirs);
    await round(await startTailrace(env), scenarios, ours);
  }
  return scenarios.map((scenario): Row => {
    const mine = ours.get(scenario.name) ?? [];
    const others = theirs.get(scenario.name);
    return {
      name: scenario.name,
      unit: scenario.unit,
      ours: median(mine.map(({ value }) => value)),
      peer: peerName,
      theirs: others && median(others.map(({ value }) => value)),
      floor: scenario.floor,
      clientCores: median(mine.map(({ clientCpuSeconds, seconds }) => clientCpuSeconds / seconds)),
      note: mine.at(-1)?.note ?? '',
      command: scenario.command,
    };
  });
}

execFileSync(process.execPath, [join(import.meta.dirname, '..', 'tools', 'build.ts')], {
  stdio: ['ignore', 'ignore', 'inherit'],
});

const rows: Row[] = [];
const facts: string[] = [];
const missed: string[] = [];

if (wanted('kinesis')) {
  say('Kinesis protocol, beside kinesalite');
  rows.push(...(await compare('kinesalite 3.3.3', startKinesalite, KINESIS_SCENARIOS)));
}
if (wanted('kafka')) {
  say('Kafka protocol, beside Apache Kafka');
  rows.push(
    ...(await compare('Apache Kafka 4.3.1', startApacheKafka, KAFKA_SCENARIOS, { TAILRACE_DEFAULT_PARTITIONS: '1' })),
  );
}
if (wanted('start')) {
  say('Start');
  const times: number[] = [];
  let idleMiB = 0;
  for (let i = 0; i < 3; i++) {
    const server = await startTailrace();
    times.push(server.startedInMs);
    idleMiB = residentMiB(server.pid);
    await server.stop();
  }
  const startMs = median(times);
  if (startMs >= START_FLOOR_MS) missed.push('start to first answer');
  facts.push(
    `Start to first answer: ${startMs.toFixed(0)} ms (floor: under ${START_FLOOR_MS} ms), then ${idleMiB.toFixed(0)} MiB resident.`,
  );
  say(`  ${facts.at(-1)}`);
}
if (wanted('memory')) {
  const gigabytes = values.quick ? 1 : MEMORY_GIGABYTES;
  say(`Memory while ${gigabytes} GB are written`);
  const server = await startTailrace({ TAILRACE_DEFAULT_PARTITIONS: '1' });
  try {
    const { peakMiBByFifth } = await memoryWhileWriting(server, gigabytes);
    const growth = (peakMiBByFifth[4] ?? 0) / (peakMiBByFifth[1] || 1);
    if (growth > MEMORY_GROWTH_MAX) missed.push('flat memory');
    facts.push(
      `Resident memory while ${gigabytes} GB are written, peak in each fifth: ${peakMiBByFifth.map((mib) => mib.toFixed(0)).join(', ')} MiB (floor: flat, the last at most ${MEMORY_GROWTH_MAX} × the second).`,
    );
  } finally {
    await server.stop();
  }
  say(`  ${facts.at(-1)}`);
}

const runLine = `npm run bench${process.argv.length > 2 ? ` -- ${process.argv.slice(2).join(' ')}` : ''}`;
const table = markdown(rows, facts, runLine);
process.stdout.write(table);
if (!values.quick && values.only === undefined) writeFileSync(join(import.meta.dirname, 'results.md'), table);
missed.push(...rows.filter((row) => reached(row) === false).map(({ name }) => name));
if (missed.length > 0) {
  say(`Below the floor: ${missed.join('; ')}`);
  process.exitCode = 1;
}
