import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { guardProcess } from '@tailrace/testkit';

const MAIN = join(import.meta.dirname, '..', 'src', 'main.ts');
const READY_PATIENCE_MS = 20_000;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type Env = Readonly<Record<string, string>>;

function launch(args: readonly string[], env: Env): ChildProcess {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args], {
    // Only what is said here: a setting of the machine must not change a test.
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
  });
  guardProcess(child.pid as number);
  return child;
}

/** Runs the command line from source to its end. */
export function tailrace(args: readonly string[], env: Env = {}, input = ''): Promise<Ended> {
  const child = launch(args, env);
  const texts = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk) => (texts.stdout += chunk));
  child.stderr?.on('data', (chunk) => (texts.stderr += chunk));
  child.stdin?.end(input);
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...texts })));
}

export interface Up {
  readonly banner: string;
  readonly http: string;
  readonly kafka: string;
  readonly metrics: string;
  /** SIGTERM, and how it ended. */
  stop(): Promise<Ended>;
}

/** `tailrace up` on free ports; answers when the banner is there. */
export async function up(env: Env): Promise<Up> {
  const child = launch(['up'], {
    TAILRACE_HTTP_PORT: '0',
    TAILRACE_KAFKA_PORT: '0',
    TAILRACE_METRICS_PORT: '0',
    ...env,
  });
  const texts = { stdout: '', stderr: '' };
  child.stderr?.on('data', (chunk) => (texts.stderr += chunk));
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, ...texts })));
  await new Promise<void>((resolve, reject) => {
    const patience = setTimeout(() => reject(new Error(`not ready: ${texts.stderr}`)), READY_PATIENCE_MS);
    child.stdout?.on('data', (chunk) => {
      texts.stdout += chunk;
      if (!texts.stdout.includes('Try it')) return;
      clearTimeout(patience);
      resolve();
    });
    void ended.then(({ stderr }) => reject(new Error(`ended instead of being ready: ${stderr}`)));
  });
  const found = (pattern: RegExp) => pattern.exec(texts.stdout)?.[1] as string;
  return {
    banner: texts.stdout,
    http: found(/Kinesis and REST\s+(\S+)/),
    kafka: found(/Kafka\s+(127\S+)/),
    metrics: found(/Metrics\s+(\S+)/),
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
