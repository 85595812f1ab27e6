/**
 * Writes `scripts.generated.ts` from the `.lua` files beside this one: `node libs/shard-core/src/redis/lua/generate.ts`.
 * The service ships as one bundled file, in which a path relative to the source leads nowhere; a module with the texts
 * survives that, needs no loader in jest, in Node or in the bundler, and a spec proves that it equals the files.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const folder = new URL('./', import.meta.url);

/** The text of the generated module, for the spec. */
export function generatedModule(): string {
  const names = readdirSync(folder).filter((name) => name.endsWith('.lua'));
  const entries = names.sort().map((name) => {
    const text = readFileSync(new URL(name, folder), 'utf8');
    const quoted = text.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${');
    return `  '${name.slice(0, -'.lua'.length)}': \`${quoted}\`,\n`;
  });
  return (
    '// Generated from lua/*.lua by lua/generate.ts: edit those and run it. See there why.\n' +
    `export const scriptTexts = {\n${entries.join('')}} as const;\n`
  );
}

if (import.meta.main) writeFileSync(new URL('../scripts.generated.ts', folder), generatedModule());
