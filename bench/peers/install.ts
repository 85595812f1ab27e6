import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

const HERE = import.meta.dirname;
const CACHE = join(HERE, '..', '.cache');

/** Installs a peer from its npm list, once. */
export function installFromNpm(peer: string): string {
  const folder = prepare(peer);
  if (!existsSync(join(folder, 'node_modules', '.package-lock.json'))) {
    console.error(`  installing ${peer} from npm …`);
    execFileSync('npm', ['install', '--no-audit', '--no-fund'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
  return folder;
}

/** Fetches a peer's jars by Maven, once. `undefined` where Java or Maven is missing. */
export function installFromMaven(peer: string): string | undefined {
  const folder = prepare(peer);
  const jars = join(folder, 'lib');
  if (!existsSync(jars)) {
    try {
      execFileSync('java', ['-version'], { stdio: 'ignore' });
      execFileSync('mvn', ['-version'], { stdio: 'ignore' });
    } catch {
      return undefined;
    }
    console.error(`  fetching ${peer} by Maven …`);
    execFileSync('mvn', ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${jars}`], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
  return folder;
}

function prepare(peer: string): string {
  const folder = join(CACHE, peer);
  mkdirSync(folder, { recursive: true });
  cpSync(join(HERE, peer), folder, { recursive: true });
  return folder;
}
