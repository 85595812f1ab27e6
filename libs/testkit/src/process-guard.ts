import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';

/**
 * What a test run must not leave behind, even when it is killed with SIGKILL: processes and temporary directories.
 *
 * A shell of a few hundred kilobytes reads a pipe whose other end only this process holds. Each line it reads is the
 * whole list of what is alive; when the pipe closes, however this process ended, it kills and removes what the last
 * line names. Exit hooks alone cannot do that, and the parent-death signal exists on Linux only.
 */
const GUARD_SCRIPT = `
trap '' HUP INT TERM
alive=
while IFS= read -r line; do alive=$line; done
for item in $alive; do case $item in *[!0-9]*) ;; *) kill -9 "$item" 2>/dev/null ;; esac; done
for item in $alive; do case $item in *[!0-9]*) rm -rf -- "$1/$item" ;; esac; done
`;

const processes = new Set<number>();
const directories = new Set<string>();
let guard: ChildProcess | undefined;

/** Kills `pid` when this process ends, unless the answered function was called before: call it when `pid` has exited. */
export function guardProcess(pid: number): () => void {
  return add(processes, pid);
}

/** Removes the directory `name` (a plain name inside the system's temporary directory) when this process ends. */
export function guardTemporaryDirectory(name: string): () => void {
  if (!/^[\w-]*[a-zA-Z][\w-]*$/.test(name)) throw new Error(`not a plain directory name: ${name}`);
  return add(directories, name);
}

function add<T>(alive: Set<T>, item: T): () => void {
  alive.add(item);
  tellGuard();
  return () => {
    if (alive.delete(item)) tellGuard();
  };
}

function tellGuard(): void {
  if (processes.size + directories.size === 0) {
    guard?.stdin?.end('\n');
    guard = undefined;
    return;
  }
  guard ??= startGuard();
  guard.stdin?.write(`${[...processes, ...directories].join(' ')}\n`);
}

function startGuard(): ChildProcess {
  // Detached: a Ctrl-C at the terminal reaches the whole process group, and must not reach the guard.
  const child = spawn('/bin/sh', ['-c', GUARD_SCRIPT, 'tailrace-test-guard', tmpdir()], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  // Neither the guard nor its pipe keeps a test run alive.
  child.unref();
  (child.stdin as Socket).unref();
  return child;
}
