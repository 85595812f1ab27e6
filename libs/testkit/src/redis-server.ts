import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import { guardProcess } from './process-guard.ts';
import { redisCommand } from './redis-command.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface StartRedisOptions {
  /** Keep an append-only file, so that data outlive `kill9()` and `restart()`. Default false: memory alone. */
  readonly appendonly?: boolean;
  /** As many replicas of the new primary, each connected and in step before `startRedis` answers. Default 0. */
  readonly replicas?: number;
  /** Where the files go; it exists, and stays after `stop()`. Default: a temporary directory, removed by `stop()`. */
  readonly dir?: string;
  /** Further directives of redis.conf, for example `{ 'appendfsync': 'always', 'maxmemory': '64mb' }`; also for replicas. */
  readonly config?: Readonly<Record<string, string | number>>;
}

/** A running redis-server of the test's own, without a password, on 127.0.0.1. */
export interface RedisServer {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** `redis://127.0.0.1:<port>` */
  readonly url: string;
  /** Where its files and its log (`redis.log`) lie. */
  readonly directory: string;
  /** Of the process that runs now; throws when none does. */
  readonly pid: number;
  /** Empty unless asked for. */
  readonly replicas: readonly RedisServer[];
  /** One command on a connection of its own: for set-up and for looking, not for load. */
  command(name: string, ...args: (string | number)[]): Promise<unknown>;
  /** Ends the process in good order, its replicas first, and removes the temporary directory. It does not come back. */
  stop(): Promise<void>;
  /** Ends the process as a power cut would (SIGKILL); answers when it is gone. `restart()` brings it back. */
  kill9(): Promise<void>;
  /** Freezes the process: it accepts connections and answers nothing (SIGSTOP). */
  pause(): void;
  resume(): void;
  /** Ends the process, if it still runs, and starts it again on the same port and directory; answers when it answers. */
  restart(): Promise<void>;
}

const START_TIMEOUT_MS = 15_000;
const START_POLL_MS = 10;
const STOP_TIMEOUT_MS = 5_000;
const SYNC_TIMEOUT_MS = 15_000;
/** Another process may take a port between our look and Redis' own bind. */
const PORT_TRIES_MAX = 5;

/** Starts a real redis-server on a free port and waits until it answers. Needs `redis-server` on the PATH. */
export async function startRedis(options: StartRedisOptions = {}): Promise<RedisServer> {
  const config = { appendonly: options.appendonly === true ? 'yes' : 'no', ...options.config };
  const replicas: RedisServer[] = [];
  const primary = await startOne(config, options.dir, replicas);
  const replicaCount = options.replicas ?? 0;
  try {
    for (let i = 0; i < replicaCount; i++) {
      replicas.push(await startOne({ ...config, replicaof: `127.0.0.1 ${primary.port}` }, undefined, []));
    }
    if (replicaCount > 0) await replicasInStep(primary, replicaCount);
  } catch (error) {
    await primary.stop();
    throw error;
  }
  return primary;
}

async function replicasInStep(primary: RedisServer, count: number): Promise<void> {
  await eventually(
    async () => {
      const info = String(await primary.command('INFO', 'replication'));
      const online = info.match(/state=online/g)?.length ?? 0;
      if (online < count) throw new Error(`${online} of ${count} replicas are in step`);
    },
    { timeoutMs: SYNC_TIMEOUT_MS },
  );
}

async function startOne(
  config: Readonly<Record<string, string | number>>,
  dir: string | undefined,
  replicas: readonly RedisServer[],
): Promise<RedisServer> {
  for (let tries = 1; ; tries++) {
    const port = await freePort();
    const temporary = dir === undefined ? await temporaryDirectory() : undefined;
    const directory = dir ?? temporary?.path ?? '';
    const removeDirectory = async () => temporary?.remove();
    const server = redisServer(port, directory, config, replicas, removeDirectory);
    try {
      await server.restart();
      return server;
    } catch (error) {
      await server.stop();
      const portWasTaken = error instanceof Error && error.message.includes('Address already in use');
      if (!portWasTaken || tries >= PORT_TRIES_MAX) throw error;
    }
  }
}

function redisServer(
  port: number,
  directory: string,
  config: Readonly<Record<string, string | number>>,
  replicas: readonly RedisServer[],
  removeDirectory: () => Promise<void>,
): RedisServer {
  const logFile = join(directory, 'redis.log');
  const directives: Record<string, string | number> = {
    port,
    bind: '127.0.0.1',
    dir: directory,
    logfile: logFile,
    save: '',
    // A replica's first copy starts at once, not after the 5 s in which a real primary waits for more replicas.
    'repl-diskless-sync-delay': 0,
    ...config,
  };
  const args = Object.entries(directives).flatMap(([name, value]) => [
    `--${name}`,
    // A directive of several words (`replicaof host port`, `save 1 1`) is several arguments.
    ...(value === '' ? [''] : name === 'dir' || name === 'logfile' ? [String(value)] : String(value).split(' ')),
  ]);
  let running: ChildProcess | undefined;

  async function start(): Promise<void> {
    const child = spawn('redis-server', args, { stdio: 'ignore' });
    let failure: Error | undefined;
    child.once('error', (error: NodeJS.ErrnoException) => {
      failure =
        error.code === 'ENOENT'
          ? new Error('redis-server is not on the PATH: `node tools/ensure-redis.ts` installs it or says how', {
              cause: error,
            })
          : error;
    });
    if (child.pid !== undefined) {
      const release = guardProcess(child.pid);
      running = child;
      child.once('exit', (code, signal) => {
        release();
        if (running === child) running = undefined;
        failure = new Error(`redis-server on port ${port} ended (${signal ?? code})`);
      });
    }
    child.unref();
    const deadline = performance.now() + START_TIMEOUT_MS;
    for (;;) {
      await sleep(START_POLL_MS);
      if (failure !== undefined) throw new Error(`${failure.message}\n${await lastLines(logFile)}`, { cause: failure });
      // Only our own child may answer: it runs, and a port that it could not bind would have ended it.
      const answer = await redisCommand(port, 'INFO').catch((error: unknown) => error);
      const isOurs = typeof answer === 'string' && answer.includes(`\nprocess_id:${child.pid}\r`);
      // It tells of itself before it has read its data, and answers nothing else until then.
      if (isOurs && answer.includes('\nloading:0\r')) return;
      if (performance.now() >= deadline) {
        await signalAndWait('SIGKILL');
        throw new Error(`redis-server did not answer on port ${port} within ${START_TIMEOUT_MS} ms: ${String(answer)}`);
      }
    }
  }

  async function signalAndWait(signal: NodeJS.Signals): Promise<void> {
    const child = running;
    if (child === undefined) return;
    child.ref();
    const exited = once(child, 'exit');
    child.kill(signal);
    if (signal !== 'SIGKILL') {
      // A frozen process would keep SIGTERM for later.
      child.kill('SIGCONT');
      const giveUp = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(giveUp);
    } else {
      await exited;
    }
  }

  function living(): ChildProcess {
    if (running === undefined) throw new Error(`redis-server on port ${port} is not running`);
    return running;
  }

  return {
    host: '127.0.0.1',
    port,
    url: `redis://127.0.0.1:${port}`,
    directory,
    replicas,
    get pid() {
      return living().pid as number;
    },
    command: (name, ...commandArgs) => redisCommand(port, name, ...commandArgs),
    async stop() {
      for (const replica of replicas) await replica.stop();
      await signalAndWait('SIGTERM');
      await removeDirectory();
    },
    kill9: () => signalAndWait('SIGKILL'),
    pause() {
      living().kill('SIGSTOP');
    },
    resume() {
      living().kill('SIGCONT');
    },
    async restart() {
      await signalAndWait('SIGTERM');
      await start();
    },
  };
}

async function lastLines(logFile: string): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '(it wrote no log)');
  return text.trimEnd().split('\n').slice(-5).join('\n');
}
