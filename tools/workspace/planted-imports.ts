/**
 * Lints imports that are planted in files which need not exist, with the repository's own ESLint configuration and nx's
 * project graph, and prints what the boundary rule says. Standard input: a JSON array of { file, imports } with
 * `file` relative to the repository; standard output: a JSON array, per item the messages of the rule.
 * A process of its own: ESLint loads its configuration as native modules, which jest's module system is not.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';

const RULE = '@nx/enforce-module-boundaries';
const root = join(import.meta.dirname, '../..');

/** Without a graph in nx's cache the rule skips itself. */
function cacheProjectGraph(): void {
  const directory = mkdtempSync(join(tmpdir(), 'tailrace-graph-'));
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/nx/dist/bin/nx.js'), 'graph', `--file=${join(directory, 'graph.json')}`],
    { cwd: root, env: { ...process.env, NX_DAEMON: 'false' }, encoding: 'utf8' },
  );
  rmSync(directory, { recursive: true });
  if (status !== 0) throw new Error(`nx graph failed: ${stderr}`);
}

cacheProjectGraph();
const eslint = new ESLint({
  cwd: root,
  // Files that do not exist have no types; the boundary rule needs none.
  overrideConfig: [{ files: ['**/*.ts'], ...tseslint.configs.disableTypeChecked }],
});
const planted = JSON.parse(readFileSync(0, 'utf8')) as { file: string; imports: string }[];
const answers: string[][] = [];
for (const { file, imports } of planted) {
  const results = await eslint.lintText(`import '${imports}';\n`, { filePath: join(root, file) });
  const messages = results.flatMap((result) => result.messages);
  const fatal = messages.find((message) => message.fatal === true);
  if (fatal !== undefined) throw new Error(`${file}: ${fatal.message}`);
  answers.push(messages.filter((message) => message.ruleId === RULE).map((message) => message.message));
}
process.stdout.write(JSON.stringify(answers));
