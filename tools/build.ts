/**
 * Bundles the three programs into dist/: `tailrace.mjs`, `rest-api.mjs`, `kafka-bridge.mjs` and the chunks they share.
 * One file starts several times faster than hundreds of modules; what is imported on demand (OpenTelemetry, the store
 * that was not chosen) stays in chunks of its own and costs nothing until it is used.
 */
import { readdir, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions } from './bundle-options.ts';

const root = join(import.meta.dirname, '..');
const outdir = join(root, 'dist');

const programs = { tailrace: 'apps/tailrace', 'rest-api': 'apps/rest-api', 'kafka-bridge': 'apps/kafka-bridge' };

async function main(): Promise<void> {
  const start = performance.now();
  const entryPoints: Record<string, string> = {};
  for (const [name, folder] of Object.entries(programs)) {
    const entry = join(root, folder, 'src/main.ts');
    if (existsSync(entry)) entryPoints[name] = entry;
    else console.log(`dist/${name}.mjs left out: ${relative(root, entry)} is not there`);
  }

  const { metafile } = await build({
    entryPoints,
    outdir,
    ...bundleOptions,
    metafile: true,
    absWorkingDir: root,
  });

  await removeOthers(new Set(Object.keys(metafile.outputs).map((file) => join(root, file))));
  const programNames = Object.keys(entryPoints).map((name) => `dist/${name}.mjs`);
  console.log(`Built ${programNames.join(', ')} in ${Math.round(performance.now() - start)} ms`);
}

/** Chunks of earlier builds; after the build, so that a program which runs from dist/ keeps the chunks that did not change. */
async function removeOthers(built: ReadonlySet<string>): Promise<void> {
  for (const entry of await readdir(outdir, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && !built.has(file)) await rm(file);
  }
}

try {
  await main();
} catch (error) {
  // esbuild has printed what is wrong in the sources, with the place; a stack of its own insides adds nothing.
  if (!(error instanceof Error && 'errors' in error)) throw error;
  process.exitCode = 1;
}
