/** Before the tests: is there a redis-server that the testkit can start? Installs one where that is ours to do, else says how. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const MAJOR_MIN = 7;

/** The major version of the `redis-server` on the PATH; undefined where there is none. */
function redisMajor(): number | undefined {
  const { stdout, error } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  if (error !== undefined) return undefined;
  const major = /\bv=(\d+)\./.exec(stdout)?.[1];
  return major === undefined ? undefined : Number(major);
}

function aptGet(...args: string[]): boolean {
  const { status } = spawnSync('apt-get', ['-qq', ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return status === 0;
}

function main(): number {
  let major = redisMajor();
  if (major !== undefined && major >= MAJOR_MIN) return 0;

  const mayInstall = existsSync('/usr/bin/apt-get') && process.getuid?.() === 0;
  if (major === undefined && mayInstall) {
    console.log('The tests start a real Redis and there is none: installing the package redis-server.');
    // An update that fails for one source of several may still have brought the list that matters.
    aptGet('update');
    aptGet('install', '--yes', '--no-install-recommends', 'redis-server');
    major = redisMajor();
    if (major !== undefined && major >= MAJOR_MIN) return 0;
  }

  const found = major === undefined ? 'there is none on the PATH' : `the one on the PATH is version ${major}`;
  console.error(
    `The tests need redis-server ${MAJOR_MIN}.0 or newer and ${found}: install it with \`sudo apt-get install redis-server\`, \`brew install redis\` or your system's package manager.`,
  );
  return 1;
}

process.exitCode = main();
