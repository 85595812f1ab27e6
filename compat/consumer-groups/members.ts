import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { guardProcess } from '@tailrace/testkit';
import { CLIENTS, javaLibraries } from '../kafka-clients/clients.ts';

const HERE = import.meta.dirname;
const LIBRARIES = join(HERE, '..', 'kafka-clients', '.cache');
const CLASSES = join(HERE, '.cache');
const STOP_PATIENCE_MS = 30_000;

export type Protocol = 'classic' | 'consumer';
export type Library = 'java' | 'python' | 'confluent-javascript' | 'kafkajs';

/** What each library can speak. */
export const PROTOCOLS: Readonly<Record<Library, readonly Protocol[]>> = {
  java: ['classic', 'consumer'],
  python: ['classic', 'consumer'],
  'confluent-javascript': ['classic', 'consumer'],
  kafkajs: ['classic'],
};

/** Fetches what is not there yet. */
export function install(libraries: readonly Library[]): void {
  const clients = { java: 'java-4.3', python: 'confluent-python', 'confluent-javascript': 'confluent-javascript', kafkajs: 'kafkajs' }; // prettier-ignore
  for (const library of libraries) CLIENTS.find(({ name }) => name === clients[library])?.install();
  if (!libraries.includes('java') || existsSync(join(CLASSES, 'Member.class'))) return;
  mkdirSync(CLASSES, { recursive: true });
  execFileSync('javac', ['-cp', join(javaLibraries('4.3.1'), '*'), '-d', CLASSES, join(HERE, 'Member.java')]);
}

function command(library: Library): readonly [string, ...string[]] {
  switch (library) {
    case 'java':
      return ['java', '-Xmx128m', '-cp', `${join(javaLibraries('4.3.1'), '*')}:${CLASSES}`, 'Member'];
    case 'python':
      return [join(LIBRARIES, 'python', 'bin', 'python'), join(HERE, 'member.py')];
    default:
      return [process.execPath, join(HERE, 'member.mjs'), library];
  }
}

/** Where everything goes that members of one group tell. */
export class Ledger {
  /** By `<partition>/<offset>`: how often it was read. */
  readonly read = new Map<string, number>();
  total = 0;

  note(partition: string, offset: string): void {
    const place = `${partition}/${offset}`;
    this.read.set(place, (this.read.get(place) ?? 0) + 1);
    this.total += 1;
  }

  get duplicates(): number {
    return this.total - this.read.size;
  }
}

/** A member as a process. */
export class Member {
  readonly #child: ChildProcess;
  readonly #release: () => void;
  readonly #gone: Promise<void>;
  /** Partitions from which it has read since `forget`. */
  readonly partitions = new Set<string>();
  hasEnded = false;
  errors = '';

  constructor(
    library: Library,
    args: readonly [bootstrap: string, topic: string, group: string, protocol: Protocol, instance: string],
    ledger: Ledger,
  ) {
    // prettier-ignore
    const [program, ...first] = command(library);
    this.#child = spawn(program, [...first, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LIBRARIES: join(LIBRARIES, 'node') },
    });
    this.#release = guardProcess(this.#child.pid as number);
    this.#gone = new Promise((resolve) => this.#child.once('close', () => resolve()));
    let rest = '';
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      // A line that is cut off by a kill tells nothing.
      rest = lines.pop() as string;
      for (const line of lines) {
        const [what, partition = '', offset = ''] = line.split(' ');
        if (what === 'end') this.hasEnded = true;
        if (what !== 'r') continue;
        this.partitions.add(partition);
        ledger.note(partition, offset);
      }
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.errors = (this.errors + chunk.toString()).slice(-2_000)));
  }

  /** Asks it to leave, and waits until it has. Throws when it does not. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#end('SIGTERM');
    if (!this.hasEnded) throw new Error(`a member did not end well: ${this.errors}`);
  }

  async kill9(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#end('SIGKILL');
  }

  async #end(how: string): Promise<void> {
    const overdue = setTimeout(() => {
      this.errors += `\nstill there ${STOP_PATIENCE_MS} ms after ${how}`;
      this.#child.kill('SIGKILL');
    }, STOP_PATIENCE_MS);
    await this.#gone;
    clearTimeout(overdue);
    this.#release();
  }
}
