import { describe, expect, it } from '@jest/globals';
import { dependenciesOf, manifests, readText, trackedFiles } from './tracked-files.ts';

const files = trackedFiles();
const KIBIBYTE = 1_024;

/** Names that others have given: documents by custom, and what tools look for. */
const NAMES_BY_CUSTOM =
  /^(README|ARCHITECTURE|CONTRIBUTING|FINDINGS|SKIPPED|LICENSE|NOTICE|CHANGELOG)(\.md)?$|^Dockerfile$|^[A-Z][A-Za-z0-9]*\.java$/;
/** A choice between running and skipping, either way round. */
const SKIPPABLE = /[?:] (describe|it|test)\.skip\b/;
const KEBAB_CASE = /^\.?[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/;
const FORBIDDEN_NAMES = /^(utils?|helpers?|commons?|managers?|misc)(\.|$)|-(utils?|helpers?|manager)(\.|$)/;

describe('file names', () => {
  it('are kebab-case', () => {
    const wrong = files
      // Python has a rule of its own: a module's name is an identifier.
      .filter((file) => !file.includes('__fixtures__/') && !file.endsWith('.py'))
      .filter((file) =>
        file
          .split('/')
          .some((part) => part !== '__fixtures__' && !KEBAB_CASE.test(part) && !NAMES_BY_CUSTOM.test(part)),
      );
    expect(wrong).toEqual([]);
  });

  it('say what is inside: no utils, helpers, common or manager', () => {
    expect(files.filter((file) => file.split('/').some((part) => FORBIDDEN_NAMES.test(part)))).toEqual([]);
  });
});

describe('tracked text', () => {
  // Written apart, so that this file does not find itself.
  const machineFacts: [string, RegExp][] = [
    [
      'a path of the machine it was written on',
      new RegExp(`(^|[\\s"'\`(=:])/(${'work'}|root(?!/\\.npm)|home/[a-z]+|Users/[A-Za-z]+)/`, 'm'),
    ],
    [
      'the host of a package registry',
      new RegExp(
        `https?://(registry\\.${'npmjs'}\\.org|registry\\.yarnpkg\\.com|pypi\\.org/simple|proxy\\.golang\\.org|repo1?\\.maven\\.[a-z.]+)`,
      ),
    ],
    ['a mark of an unfinished merge', /^(<{7}|>{7}) /m],
  ];

  it.each(machineFacts)('does not hold %s', (_what, pattern) => {
    const texts = files.filter((file) => !/__fixtures__|\.(png|ico|bin|gz)$/.test(file));
    expect(texts.filter((file) => pattern.test(readText(file)))).toEqual([]);
  });

  it('stays small enough to read', () => {
    const large = files
      .filter((file) => /\.(ts|mjs|lua)$/.test(file) && !/\.generated\.ts$|__fixtures__/.test(file))
      .filter((file) => Buffer.byteLength(readText(file)) > 40 * KIBIBYTE);
    expect(large).toEqual([]);
  });
});

describe('tests', () => {
  const specs = files.filter((file) => file.endsWith('.spec.ts'));

  it('that need a Redis start it by the testkit', () => {
    const wrong = specs
      .filter((file) => file.endsWith('.redis.spec.ts') && !file.startsWith('libs/testkit/'))
      .filter((file) => !/from '@tailrace\/testkit'/.test(readText(file)));
    expect(wrong).toEqual([]);
  });

  it('are never skipped or alone without a condition', () => {
    const marks = new RegExp(
      `\\b(describe|it|test)\\.(${'only'}|skip|todo)\\(|\\b(${'fit'}|fdescribe|xit|xdescribe)\\(`,
    );
    // A choice between `describe` and `describe.skip` is a condition; a plain call is not.
    expect(specs.filter((file) => marks.test(readText(file)))).toEqual([]);
  });

  it('that can be skipped are named in docs/SKIPPED.md, and no others', () => {
    const skippable = specs.filter((file) => SKIPPABLE.test(readText(file)));
    const own = readText('docs/SKIPPED.md').split('\n## ')[1] ?? '';
    const named = [...own.matchAll(/`([\w./-]+\.spec\.ts)`/g)].map(([, file]) => file as string);
    expect([...new Set(named)].sort()).toEqual(skippable.sort());
  });

  it('flush no Redis: they share nothing, so there is nothing to flush', () => {
    const flush = new RegExp(`flush${'all'}|flush${'db'}`, 'i');
    expect(files.filter((file) => file.endsWith('.ts') && flush.test(readText(file)))).toEqual([]);
  });
});

describe('dependencies', () => {
  const all = manifests();
  const foreign = new Set(
    [...all.values()]
      .flatMap((manifest) => Object.keys(dependenciesOf(manifest)))
      .filter((name) => !name.startsWith('@tailrace/')),
  );

  it('each have a line in docs/dependencies.md, and no line is left of one that went', () => {
    const listed = readText('docs/dependencies.md')
      .split('\n')
      .flatMap((line) => /^\| (`[^|]+`) +\|/.exec(line)?.[1]?.split(', ') ?? [])
      .map((name) => name.replaceAll('`', ''));
    expect(listed.sort()).toEqual([...foreign].sort());
  });

  it('are pinned to one exact version', () => {
    const loose = [...all].flatMap(([file, manifest]) =>
      Object.entries(dependenciesOf(manifest))
        .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
        .map(([name, version]) => `${file}: ${name} ${version}`),
    );
    expect(loose).toEqual([]);
  });

  it('have the same version wherever they are named', () => {
    const versions = new Map<string, Set<string>>();
    for (const manifest of all.values()) {
      for (const [name, version] of Object.entries(dependenciesOf(manifest))) {
        versions.set(name, (versions.get(name) ?? new Set()).add(version));
      }
    }
    expect([...versions].filter(([, seen]) => seen.size > 1).map(([name, seen]) => [name, ...seen])).toEqual([]);
  });

  it('of Nx share one version, in the lockfile too', () => {
    const lockfile = JSON.parse(readText('package-lock.json')) as { packages: Record<string, { version?: string }> };
    const versions = Object.entries(lockfile.packages)
      .filter(([path]) => /(^|\/)node_modules\/(nx|@nx\/[^/]+)$/.test(path))
      .map(([, { version }]) => version);
    expect(versions.length).toBeGreaterThan(4);
    expect(new Set(versions).size).toEqual(1);
  });

  it('come from whichever registry npm is set up with: the lockfile names none', () => {
    const lockfile = JSON.parse(readText('package-lock.json')) as { packages: Record<string, { resolved?: string }> };
    const fixed = Object.entries(lockfile.packages)
      .filter(([, { resolved }]) => resolved !== undefined && /^[a-z+]+:\/\//.test(resolved))
      .map(([path]) => path);
    expect(fixed).toEqual([]);
  });

  it('run no script at install time', () => {
    const lockfile = JSON.parse(readText('package-lock.json')) as {
      packages: Record<string, { hasInstallScript?: boolean }>;
    };
    const { allowScripts } = JSON.parse(readText('package.json')) as { allowScripts: Record<string, boolean> };
    const withScripts = Object.entries(lockfile.packages)
      .filter(([, { hasInstallScript }]) => hasInstallScript === true)
      .map(([path]) => path.replace(/^.*node_modules\//, ''));
    for (const name of withScripts) expect([name, allowScripts[name]]).toEqual([name, false]);
  });
});

describe('the projects', () => {
  it('of jest and of the workspace are the same', () => {
    const folders = files
      .map((file) => /^((?:libs|apps)\/[^/]+)\/package\.json$/.exec(file)?.[1])
      .filter((folder) => folder !== undefined);
    const config = readText('jest.config.mjs');
    expect(folders.filter((folder) => !config.includes(`'${folder}'`))).toEqual([]);
  });

  it('each carry one tag for their height and one for their side', () => {
    const projectFiles = files.filter((file) => /(^|\/)project\.json$/.test(file));
    expect(projectFiles.length).toBeGreaterThan(10);
    for (const file of projectFiles) {
      const { tags } = JSON.parse(readText(file)) as { tags: string[] };
      expect([file, ...tags.map((tag) => tag.split(':')[0])]).toEqual([file, 'type', 'scope']);
    }
  });
});
