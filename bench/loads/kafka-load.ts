import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LOAD_CORE, output, spawnOnCore } from '../processes.ts';
import { installFromNpm } from '../peers/install.ts';

export interface KafkaLoadResult {
  readonly records: number;
  readonly megabytesPerSecond: number;
  readonly recordsPerSecond: number;
  readonly clientCpuSeconds: number;
}

/** librdkafka's own measuring program: built when npm installs node-rdkafka. `undefined` where that is not possible. */
export function rdkafkaPerformance(): string | undefined {
  const program = join(
    installFromNpm('librdkafka'),
    'node_modules/node-rdkafka/deps/librdkafka/examples/rdkafka_performance',
  );
  return existsSync(program) ? program : undefined;
}

export interface KafkaLoad {
  readonly program: string;
  readonly port: number;
  readonly topic: string;
  readonly records: number;
  readonly recordBytes: number;
}

/** Produces with acks=all and default batching. */
export function produce({ program, port, topic, records, recordBytes }: KafkaLoad): Promise<KafkaLoadResult> {
  return measure(
    program,
    ['-P', '-b', `127.0.0.1:${port}`, '-t', topic, '-s', String(recordBytes), '-c', String(records), '-a', '-1', '-q'],
    /% (\d+) messages produced \((\d+) bytes\), \d+ delivered \(offset -?\d+, 0 failed\) in \d+ms: (\d+) msgs\/s and (\d+\.\d+) MB\/s/,
  );
}

/** Fetches partition 0 from its beginning. */
export function fetchAll({ program, port, topic, records }: KafkaLoad): Promise<KafkaLoadResult> {
  return measure(
    program,
    ['-C', '-b', `127.0.0.1:${port}`, '-t', topic, '-p', '0', '-o', 'beginning', '-c', String(records), '-q'],
    /% (\d+) messages \((\d+) bytes\) consumed in \d+ms: (\d+) msgs\/s \((\d+\.\d+) MB\/s\)/,
  );
}

async function measure(program: string, args: readonly string[], summary: RegExp): Promise<KafkaLoadResult> {
  // bash's `times` is not precise enough; GNU time may be missing: the shell's TIMEFORMAT is always there.
  const child = spawnOnCore(LOAD_CORE, 'bash', ['-c', 'TIMEFORMAT="CPU %U %S"; time "$0" "$@"', program, ...args]);
  const { stdout, stderr } = await output(child);
  const last = [...(stdout + stderr).matchAll(new RegExp(summary, `g${summary.flags}`))].at(-1);
  const cpu = /CPU ([\d.]+) ([\d.]+)/.exec(stderr);
  if (!last) throw new Error(`${program} ${args.join(' ')} printed no summary: ${stdout}${stderr}`);
  return {
    records: Number(last[1]),
    recordsPerSecond: Number(last[3]),
    megabytesPerSecond: Number(last[4]),
    clientCpuSeconds: Number(cpu?.[1] ?? 0) + Number(cpu?.[2] ?? 0),
  };
}
