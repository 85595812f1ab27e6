import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

/** What git tracks, and what it would take in (new files that are not ignored): paths relative to the repository. */
export function trackedFiles(): string[] {
  const list = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1_048_576,
  });
  return list.split('\0').filter((file) => file !== '' && existsSync(join(root, file)));
}

export function readText(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

export interface PackageManifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Every package.json of ours, by path. */
export function manifests(): ReadonlyMap<string, PackageManifest> {
  return new Map(
    trackedFiles()
      .filter((file) => /(^|\/)package\.json$/.test(file) && !file.includes('__fixtures__'))
      .map((file) => [file, JSON.parse(readText(file)) as PackageManifest]),
  );
}

export function dependenciesOf(manifest: PackageManifest): Readonly<Record<string, string>> {
  return { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
}
