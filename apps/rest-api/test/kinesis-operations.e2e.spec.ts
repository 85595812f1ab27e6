import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OPERATION_NAMES, type OperationName } from '../src/aws/operation-names.ts';
import { notImplemented, operations } from '../src/aws/operations/index.ts';
import { absentErrors } from './operation-table/absent-errors.ts';
import { documentedErrors, fileOf, pathOf } from './operation-table/documented-errors.ts';
import type { OperationCase, OperationCases } from './operation-table/operation-cases.ts';
import type { Transport, TransportAnswer } from './operation-table/transports.ts';
import { World } from './operation-table/world.ts';

const DOCUMENT = join(import.meta.dirname, '..', '..', '..', 'docs', 'kinesis-operations.md');
/** `TAILRACE_WRITE_DOCS=1` writes the document instead of comparing it. */
const WRITES = process.env.TAILRACE_WRITE_DOCS === '1';

const built = OPERATION_NAMES.filter((name) => operations[name] !== notImplemented);
const others = OPERATION_NAMES.filter((name) => operations[name] === notImplemented);
/** Sections of the document, by operation. */
const sections = new Map<OperationName, string>();
let world: World;

beforeAll(async () => {
  world = await World.open();
});
afterAll(async () => {
  await world.close();
});

/** What the table says of an answer; the same for all forms, or one of them is wrong. */
function shown({ codec }: Transport, { statusCode, contentType, body }: TransportAnswer): string {
  if (contentType === 'application/vnd.amazon.eventstream') {
    const first = /:event-type\x07\0.([a-z-]+)/s.exec(body.toString('latin1'))?.[1];
    return `${statusCode}, a stream of events, the first \`${first}\``;
  }
  if (contentType !== codec.mediaType) return `${statusCode} ${contentType}`;
  if (body.length === 0) return `${statusCode}, no body`;
  const { __type, message, ...members } = codec.decode(body) as Record<string, unknown>;
  if (__type !== undefined) return `${statusCode} \`${__type as string}\`: ${text(message as string)}`;
  const failed = (members.Records as { ErrorCode?: string; ErrorMessage?: string }[] | undefined)?.[0];
  if (failed?.ErrorCode !== undefined) {
    return `${statusCode}, record \`${failed.ErrorCode}\`: ${text(failed.ErrorMessage as string)}`;
  }
  return `${statusCode}, \`${Object.keys(members).sort().join('`, `')}\``;
}

/** Without what differs from run to run, and short. */
function text(message: string): string {
  const same = message
    .replaceAll(/case-\d+/g, 'orders')
    .replaceAll(/(?<=shard count for the account: )\d+/g, '…')
    .replaceAll('|', '\\|')
    .replaceAll(/(?<=created at time |right now it is )[^.]*?(?= while| which)/g, '…');
  return same.length <= 200 ? same : `${same.slice(0, 199)}…`;
}

function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

async function row(name: OperationName, { when, input }: OperationCase, number: number | undefined): Promise<string> {
  const answers: string[] = [];
  for (const transport of world.transports) {
    const made = await input(world);
    const answer = await transport.send(name, made);
    world.recover();
    answers.push(shown(transport, answer));
  }
  // One answer, whatever the form.
  expect(answers).toEqual(answers.map(() => answers[0]));
  return `| ${number ?? ''} | ${when} | ${answers[0]} | ✓ | ✓ | ✓ |`;
}

describe.each(built)('%s', (name) => {
  const documented = documentedErrors(name);
  let cases: OperationCases;

  it('has a spec, cases, and a case for every error that its file documents', async () => {
    // Beside it, or where it needs sockets, among those of the door.
    const specs = [pathOf(name, '.spec.ts'), join(import.meta.dirname, `${fileOf(name)}.e2e.spec.ts`)];
    expect(specs.filter((path) => existsSync(path))).not.toEqual([]);
    ({ cases } = (await import(pathOf(name, '.cases.ts'))) as { cases: OperationCases });
    expect(cases.operation).toBe(name);
    expect(cases.ok.length).toBeGreaterThan(0);
    const numbers = [...Object.keys(cases.errors), ...Object.keys(cases.elsewhere ?? {})].map(Number);
    expect(numbers.sort((a, b) => a - b)).toEqual([...documented.exceptions.keys()]);
  });

  it('answers alike in JSON and CBOR, over HTTP/1.1 and HTTP/2, and as its file says', async () => {
    const rows: string[] = [];
    for (const one of cases.ok) {
      const line = await row(name, one, undefined);
      expect(line).toMatch(/^\|  \| [^|]* \| 200,/);
      rows.push(line);
    }
    for (const [number, exception] of documented.exceptions) {
      const one = cases.errors[number];
      if (one === undefined) {
        rows.push(`| ${number} | | \`${exception}\`. ${cases.elsewhere?.[number]} | | | |`);
        continue;
      }
      const line = await row(name, one, number);
      expect(line).toContain(`\`${exception}\`: `);
      rows.push(line);
    }
    const head = world.transports.map((transport) => transport.name).join(' | ');
    sections.set(
      name,
      `## ${name}\n\n${capital(documented.sentence)}\n\n| | | Answer | ${head} |\n|---|---|---|---|---|---|\n${rows.join('\n')}\n`,
    );
  });
});

/** Why the model's other errors do not occur. */
function absentRows(): string[] {
  const { everywhere, never, unlessListed, of } = absentErrors;
  const rows = (whose: string, reasons: Readonly<Record<string, string>>) =>
    Object.entries(reasons).map(([error, why]) => `| ${whose} | \`${error}\` | ${why} |`);
  return [
    ...rows('any, not listed above', everywhere),
    ...rows('any', never),
    ...rows('those that do not list it', unlessListed),
    ...Object.entries(of).flatMap(([name, reasons]) => rows(name, reasons)),
  ];
}

describe('docs/kinesis-operations.md', () => {
  const intro = `# Kinesis operations

${built.length} of the ${OPERATION_NAMES.length} operations of the service model, each with the errors that it has, in the order in which they are looked for, and a request
for each of them that was sent in all three forms. This document is written by \`apps/rest-api/test/kinesis-operations.e2e.spec.ts\`, out of the
answers that it got; a run that gets others, or finds the document different, fails. \`TAILRACE_WRITE_DOCS=1\` lets a run write it.

Before an operation's own errors, every request may meet those of the protocol: \`UnknownOperationException\`, \`SerializationException\`, the refusals of
signatures ([identity.md](identity.md)) and \`AccessDeniedException\`.

Not implemented, and answered with \`UnknownOperationException\`: ${others.join(', ')}.
`;

  const absent = `## Other errors of the model

The model documents more errors than the lists above have.

| Of | | Why it is in no list |
|---|---|---|
${absentRows().join('\n')}
`;

  it('is what this run has seen', () => {
    expect([...sections.keys()]).toEqual(built);
    const generated = [intro, ...sections.values(), absent].join('\n');
    if (WRITES) writeFileSync(DOCUMENT, generated);
    expect(readFileSync(DOCUMENT, 'utf8')).toBe(generated);
  });
});
