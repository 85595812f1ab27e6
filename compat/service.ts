import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, guardProcess } from '@tailrace/testkit';

const ROOT = join(import.meta.dirname, '..');
const START_PATIENCE_MS = 30_000;
const STOP_PATIENCE_MS = 15_000;

/** The built service as a process, on ports that stay the same over its restarts. */
export interface Service {
  readonly http: string;
  readonly httpPort: number;
  readonly kafka: string;
  readonly kafkaPort: number;
  readonly pid: number;
  /** Starts it (again) and waits until it is ready; answers after how many milliseconds. */
  start(): Promise<number>;
  stop(): Promise<void>;
  kill9(): Promise<void>;
}

export interface ServiceOptions {
  readonly env: Readonly<Record<string, string>>;
  /** `npm start` as a user types it, or the built program alone (its pid is the service's own). */
  readonly by?: 'npm' | 'program';
  /** Hears every line of its log; without it they go to this program's own errors. */
  readonly said?: (line: string) => void;
}

export async function service({ env, by = 'program', said }: ServiceOptions): Promise<Service> {
  const [httpPort, kafkaPort, metricsPort] = [await freePort(), await freePort(), await freePort()];
  const http = `http://127.0.0.1:${httpPort}`;
  let child: ChildProcess | undefined;

  const start = async () => {
    const begin = performance.now();
    const command = by === 'npm' ? 'npm' : process.execPath;
    const args =
      by === 'npm' ? ['start', '--silent'] : ['--disable-warning=ExperimentalWarning', 'dist/tailrace.mjs', 'up'];
    const started = spawn(command, args, {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', said === undefined ? 'inherit' : 'pipe'],
      detached: by === 'npm',
      env: {
        ...process.env,
        TAILRACE_HTTP_PORT: String(httpPort),
        TAILRACE_KAFKA_PORT: String(kafkaPort),
        TAILRACE_METRICS_PORT: String(metricsPort),
        TAILRACE_LOG_LEVEL: 'error',
        ...env,
      },
    });
    child = started;
    if (said !== undefined && started.stderr !== null) createInterface({ input: started.stderr }).on('line', said);
    guardProcess(started.pid as number);
    for (;;) {
      const ready = await fetch(`${http}/health/ready`).then(
        ({ status }) => status === 200,
        () => false,
      );
      if (ready) return performance.now() - begin;
      if (started.exitCode !== null) throw new Error(`the service ended with ${started.exitCode}`);
      if (performance.now() - begin > START_PATIENCE_MS) throw new Error('the service did not become ready');
      await sleep(10);
    }
  };
  const signal = async (name: NodeJS.Signals) => {
    const running = child;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => running.once('exit', () => resolve()));
    // npm is the parent of the service: its whole group is meant.
    process.kill(by === 'npm' ? -(running.pid as number) : (running.pid as number), name);
    const overdue = setTimeout(() => running.kill('SIGKILL'), STOP_PATIENCE_MS);
    await gone;
    clearTimeout(overdue);
  };
  return {
    http,
    httpPort,
    kafka: `127.0.0.1:${kafkaPort}`,
    kafkaPort,
    get pid() {
      return child?.pid as number;
    },
    start,
    stop: () => signal('SIGTERM'),
    kill9: () => signal('SIGKILL'),
  };
}
