/**
 * docker-compose.yml as plain processes, for machines without a container engine: a Redis with an append-only file, the
 * HTTP door and the Kafka door from dist/. Ctrl-C ends all of them; when one ends by itself, the others are ended too.
 * TAILRACE_* and OTEL_* of the caller reach both doors; TOPOLOGY_REDIS_PORT moves Redis (6379). Data lie in .tailrace/topology.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const root = join(import.meta.dirname, '..');
const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 15_000;

interface Part {
  readonly name: string;
  readonly child: ChildProcess;
}

const parts: Part[] = [];
let stopping = false;

function start(name: string, command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
  const child = spawn(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    // Of its own group: Ctrl-C reaches this process alone, which ends the parts in order, the doors before Redis.
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  parts.push({ name, child });
  child.once('error', (error) => void stop(1, `${name} does not start: ${error.message}`));
  child.once('exit', (code, signal) => {
    if (!stopping) void stop(1, `${name} ended by itself (${signal ?? code}).`);
  });
}

async function stop(exitCode: number, reason: string): Promise<void> {
  if (stopping) return;
  stopping = true;
  console.error(`${reason} Stopping.`);
  for (const { child } of parts.reverse()) {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) continue;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const giveUp = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(giveUp);
  }
  process.exit(exitCode);
}

/** Until something accepts connections there, or it is time to give up. */
async function listening(name: string, port: number): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!stopping) {
    const socket = connect(port, '127.0.0.1');
    const accepted = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (accepted) return;
    if (performance.now() > deadline) return stop(1, `${name} does not listen on port ${port}.`);
    await sleep(50);
  }
}

const port = (variable: string, fallback: number) => Number(process.env[variable] || fallback);
const ports = {
  redis: port('TOPOLOGY_REDIS_PORT', 6379),
  http: port('TAILRACE_HTTP_PORT', 4567),
  kafka: port('TAILRACE_KAFKA_PORT', 9092),
  metrics: port('TAILRACE_METRICS_PORT', 9464),
};
const store = { TAILRACE_STORE: 'redis', TAILRACE_REDIS_URL: `redis://127.0.0.1:${ports.redis}` };

process.once('SIGINT', () => void stop(0, 'Interrupted.'));
process.once('SIGTERM', () => void stop(0, 'Asked to end.'));

const redisDirectory = join(root, '.tailrace/topology/redis');
mkdirSync(redisDirectory, { recursive: true });
start('redis', 'redis-server', [
  ...['--port', String(ports.redis), '--bind', '127.0.0.1', '--dir', redisDirectory],
  ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', '', '--loglevel', 'warning'],
]);
await listening('redis', ports.redis);
start('rest-api', process.execPath, ['dist/rest-api.mjs'], store);
start('kafka-bridge', process.execPath, ['dist/kafka-bridge.mjs'], {
  ...store,
  // In containers both are 9464; on one machine the second one moves up.
  TAILRACE_METRICS_PORT: String(ports.metrics + 1),
});
await listening('rest-api', ports.http);
await listening('kafka-bridge', ports.kafka);
if (!stopping) {
  console.log(
    `HTTP 127.0.0.1:${ports.http}, Kafka 127.0.0.1:${ports.kafka}, Redis 127.0.0.1:${ports.redis}. Ctrl-C ends all three.`,
  );
}
