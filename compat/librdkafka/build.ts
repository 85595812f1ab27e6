import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/** The package carries librdkafka 2.15.1 whole, with its tests. */
const PACKAGE = '@confluentinc/kafka-javascript@1.10.1';
const INTEGRITY = 'KVePUBn21EqCVP9mfxzEuM3SYJHHEF7X+iiC2e43QQgDSyEaksInmCGooT3w5q+cNAdkSCrK71j0ICfqoSqZLw==';
/** Without the first, tests of statistics skip themselves; without the second, zstd is not tried. */
const HEADERS_OF_DEBIAN = ['rapidjson-dev', 'libzstd-dev'];
const SHARED_ZSTD = '/usr/lib/x86_64-linux-gnu/libzstd.so.1';

const CACHE = join(import.meta.dirname, '.cache');
const LIBRARY = join(CACHE, 'package', 'deps', 'librdkafka');
export const TESTS = join(LIBRARY, 'tests');

/** Fetches librdkafka and builds it with its tests, unless that was done before. It takes some minutes. */
export function buildTests(): void {
  if (existsSync(join(TESTS, 'test-runner'))) return;
  mkdirSync(CACHE, { recursive: true });
  if (!existsSync(LIBRARY)) fetchSources();
  const headers = fetchHeaders();
  const run = (command: string, args: readonly string[]) => {
    console.log(`${command} ${args.join(' ')}`);
    execFileSync(command, args, { cwd: LIBRARY, stdio: ['ignore', 'ignore', 'inherit'] });
  };
  // As system headers, or warnings inside them fail configure's check.
  const extra = headers ? [`--CPPFLAGS=-isystem ${headers}/include`, `--LDFLAGS=-L${headers}/lib`] : [];
  run('./configure', ['--disable-curl', '--disable-gssapi', ...extra]);
  run('make', ['-j2', 'libs']);
  run('make', ['-j2', '-C', 'tests', 'build']);
}

function fetchSources(): void {
  execFileSync('npm', ['pack', '--silent', '--pack-destination', CACHE, PACKAGE], { cwd: CACHE, stdio: 'ignore' });
  const archive = readdirSync(CACHE).find((name) => name.endsWith('.tgz'));
  if (archive === undefined) throw new Error(`npm pack ${PACKAGE} left no archive`);
  const found = createHash('sha512')
    .update(readFileSync(join(CACHE, archive)))
    .digest('base64');
  if (found !== INTEGRITY) throw new Error(`${archive} is not the pinned one: sha512-${found}`);
  execFileSync('tar', ['xzf', archive], { cwd: CACHE });
}

/** Debian's headers unpacked into the cache, so that nothing is installed. `undefined` where there is no apt: tests skip. */
function fetchHeaders(): string | undefined {
  const folder = join(CACHE, 'headers');
  if (existsSync(folder)) return folder;
  const unpacked = join(CACHE, 'debian');
  mkdirSync(unpacked, { recursive: true });
  try {
    execFileSync('apt-get', ['download', ...HEADERS_OF_DEBIAN], { cwd: unpacked, stdio: 'ignore' });
  } catch {
    console.log(`no ${HEADERS_OF_DEBIAN.join(' and no ')}: tests that need them will skip themselves`);
    return undefined;
  }
  for (const name of readdirSync(unpacked).filter((entry) => entry.endsWith('.deb')))
    execFileSync('dpkg-deb', ['-x', name, unpacked], { cwd: unpacked });
  mkdirSync(join(folder, 'lib'), { recursive: true });
  renameSync(join(unpacked, 'usr', 'include'), join(folder, 'include'));
  symlinkSync(SHARED_ZSTD, join(folder, 'lib', 'libzstd.so'));
  rmSync(unpacked, { recursive: true });
  return folder;
}
