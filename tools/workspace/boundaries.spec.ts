import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { root } from './tracked-files.ts';

/** What each project may import, written out: the rule computes the same from tags (eslint.config.mjs, project.json). */
const belowCore = ['hashing', 'kafka-protocol', 'telemetry'];
const belowPolicy = [...belowCore, 'shard-core'];
const belowService = [...belowPolicy, 'quota', 'replication'];
const belowApps = [...belowService, 'service'];
const mayImport: Record<string, string[]> = {
  'libs/hashing': [],
  'libs/telemetry': [],
  'libs/testkit': [],
  'libs/kafka-protocol': ['hashing'],
  'libs/shard-core': belowCore,
  'libs/quota': [...belowPolicy],
  'libs/replication': [...belowPolicy],
  'libs/service': belowService,
  'apps/rest-api': belowApps,
  'apps/kafka-bridge': belowApps,
  'apps/tailrace': [...belowApps, 'rest-api', 'kafka-bridge'],
};
const projects = Object.keys(mayImport);
const nameOf = (folder: string) => folder.split('/')[1] ?? '';

interface Planted {
  readonly file: string;
  readonly imports: string;
}

const everyPair = (fileName: string): Planted[] =>
  projects.flatMap((from) =>
    projects
      .filter((to) => to !== from)
      .map((to) => ({ file: `${from}/src/${fileName}`, imports: `@tailrace/${nameOf(to)}` })),
  );

const sources = everyPair('planted.ts');
const specs = everyPair('planted.spec.ts');
const relative: Planted = { file: 'libs/quota/src/planted.ts', imports: '../../hashing/src/index.ts' };

describe('the module boundaries', () => {
  let refused: ReadonlyMap<Planted, readonly string[]>;
  beforeAll(() => {
    const planted = [...sources, ...specs, relative];
    const { stdout, stderr, status } = spawnSync(process.execPath, [join(root, 'tools/workspace/planted-imports.ts')], {
      input: JSON.stringify(planted),
      encoding: 'utf8',
      cwd: root,
    });
    if (status !== 0) throw new Error(stderr);
    const answers = JSON.parse(stdout) as string[][];
    refused = new Map(planted.map((one, i) => [one, answers[i] ?? []]));
  }, 120_000);

  const allowed = (pairs: readonly Planted[], folder: string) =>
    pairs
      .filter(({ file }) => file.startsWith(`${folder}/`))
      .filter((pair) => refused.get(pair)?.length === 0)
      .map(({ imports }) => imports.replace('@tailrace/', ''))
      .sort();

  it('name every project of the workspace', () => {
    for (const folder of projects)
      expect([folder, existsSync(join(root, folder, 'project.json'))]).toEqual([folder, true]);
  });

  it.each(projects)('let the sources of %s import what is below them, and nothing else', (folder) => {
    expect(allowed(sources, folder)).toEqual([...(mayImport[folder] ?? [])].sort());
  });

  it.each(projects)('let the tests of %s import the testkit besides', (folder) => {
    const testkit = folder === 'libs/testkit' ? [] : ['testkit'];
    expect(allowed(specs, folder)).toEqual([...(mayImport[folder] ?? []), ...testkit].sort());
  });

  it('refuse a relative import of another project', () => {
    expect(refused.get(relative)).toEqual([
      'Projects cannot be imported by a relative or absolute path, and must begin with a npm scope',
    ]);
  });
});
