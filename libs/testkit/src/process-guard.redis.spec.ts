import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { eventually } from './eventually.ts';

/** A test run in small: starts a Redis and a paused Redis, says where they are, and then dies as told. */
const script = (death: string) => `
  import { startRedis, temporaryDirectory } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
  const [running, paused] = [await startRedis(), await startRedis()];
  paused.pause();
  const directory = await temporaryDirectory();
  const report = { pids: [running.pid, paused.pid], directories: [running.directory, paused.directory, directory.path] };
  process.stdout.write(JSON.stringify(report) + '\\n', () => { ${death} });
`;

describe('the guard', () => {
  it.each([
    ['is killed with SIGKILL', `process.kill(process.pid, 'SIGKILL');`],
    ['throws outside of every test', `throw new Error('planted');`],
    ['just ends, its servers forgotten', ''],
  ])('leaves no process and no directory behind a run that %s', async (_how, death) => {
    const run = spawn(process.execPath, ['--input-type=module', '--eval', script(death)], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const exited = once(run, 'exit');
    const [line] = (await once(run.stdout, 'data')) as [Buffer];
    const { pids, directories } = JSON.parse(line.toString()) as { pids: number[]; directories: string[] };
    expect([pids.length, directories.length]).toEqual([2, 3]);
    await exited;
    await eventually(() => !pids.some(isAlive) && !directories.some((directory) => existsSync(directory)));
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
