import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openEmbeddedStore } from '@tailrace/shard-core/embedded';
import { temporaryDirectory, type TemporaryDirectory } from '@tailrace/testkit';
import { type RestService, startRestService } from './rest-service.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/rest-api.md'), 'utf8');
const examples = [...page.matchAll(/```sh\n(.+?)```\n+```(json|ndjson|sse|text)\n(.+?)```/gs)].map(
  ([, command, kind, answer]) => ({ command: command!, kind: kind!, answer: answer! }),
);

/** Values that differ from run to run, by their form: each becomes the name of its form. */
const volatile: readonly (readonly [RegExp, string])[] = [
  [/"\d{56}"/g, '"<sequence number>"'],
  [/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"<time>"'],
  [/"id":\s*"[\w-]{22}"/g, '"id":"<id>"'],
  [/^id: [\w-]{8}\./gm, 'id: <stream>.'],
  [/"millisBehindLatest":\s*\d+/g, '"millisBehindLatest":"<ms>"'],
];

/** An answer as it can be compared: JSON without its white space, volatile values by their form. */
function comparable(kind: string, text: string): unknown {
  const steady = volatile.reduce((rest, [form, name]) => rest.replaceAll(form, name), text);
  if (kind === 'json') return JSON.parse(steady);
  if (kind === 'ndjson')
    return steady
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  if (kind === 'text') return steady.trim();
  const events = steady.replaceAll(/^data: (.+)$/gm, (_, data: string) => `data: ${JSON.stringify(JSON.parse(data))}`);
  return events.trim();
}

function hasCurl(): boolean {
  try {
    execFileSync('curl', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

(hasCurl() ? describe : describe.skip)('docs/rest-api.md', () => {
  let service: RestService;
  let directory: TemporaryDirectory;
  beforeAll(async () => {
    directory = await temporaryDirectory();
    service = await startRestService(await openEmbeddedStore({ dataDir: directory.path, durability: 'relaxed' }));
  });
  afterAll(async () => {
    await service.close();
    await directory.remove();
  });

  it('has examples', () => {
    expect(examples).toHaveLength(11);
    expect(page.match(/```sh/g)).toHaveLength(examples.length);
  });

  it.each(examples)('tells the truth about $command', async ({ command, kind, answer }) => {
    const script = command.replaceAll('http://127.0.0.1:4567', service.origin);
    const output = await new Promise<string>((resolve) => {
      // A feed has no end: curl gives up after its time, which is no failure here.
      execFile('sh', ['-c', script], (_error, stdout) => resolve(stdout));
    });
    expect(comparable(kind, output)).toEqual(comparable(kind, answer));
  });
});
