import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, SERVER_CORE, spawnOnCore, stop, until } from '../processes.ts';
import type { Server } from './server.ts';

const PROGRAM = join(import.meta.dirname, '..', '..', 'dist', 'tailrace.mjs');

/** The service as `npm start` starts it, embedded store, default durability, limits off, in a data directory of its own. */
export async function startTailrace(
  env: Readonly<Record<string, string>> = {},
): Promise<Server & { readonly dataDir: string }> {
  const [httpPort, kafkaPort, metricsPort] = [await freePort(), await freePort(), await freePort()];
  const dataDir = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'tailrace-bench-'));
  const begin = performance.now();
  const child = spawnOnCore(SERVER_CORE, process.execPath, ['--max-semi-space-size=64', PROGRAM, 'up'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      TAILRACE_DATA_DIR: dataDir,
      TAILRACE_HTTP_PORT: String(httpPort),
      TAILRACE_KAFKA_PORT: String(kafkaPort),
      TAILRACE_METRICS_PORT: String(metricsPort),
      TAILRACE_LIMITS: 'off',
      TAILRACE_LOG_LEVEL: 'warn',
      ...env,
    },
  });
  await until('tailrace', () => ready(httpPort), 60_000, 5);
  return {
    name: 'tailrace',
    pid: child.pid as number,
    startedInMs: performance.now() - begin,
    httpPort,
    kafkaPort,
    dataDir,
    stop: async () => {
      await stop(child);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

const ready = (port: number) =>
  fetch(`http://127.0.0.1:${port}/health/ready`).then(
    (response) => response.status === 200,
    () => false,
  );
