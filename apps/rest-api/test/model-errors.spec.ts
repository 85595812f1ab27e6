import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { OperationName } from '../src/aws/operation-names.ts';
import { notImplemented, operations } from '../src/aws/operations/index.ts';
import { absentErrors } from './operation-table/absent-errors.ts';
import { documentedErrors } from './operation-table/documented-errors.ts';

const MODEL = join('shared', 'aws-models', 'kinesis.service-2.json');
const names = (Object.keys(operations) as OperationName[]).filter((name) => operations[name] !== notImplemented);

/** The service model, where it lies beside the repository or above it. */
function modelPath(): string | undefined {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, MODEL))) return join(folder, MODEL);
  }
  return undefined;
}

const path = modelPath();
const model =
  path === undefined
    ? undefined
    : (JSON.parse(readFileSync(path, 'utf8')) as {
        readonly operations: Record<string, { readonly errors?: readonly { readonly shape: string }[] }>;
      });

const { everywhere, never, unlessListed, of } = absentErrors;

/** The exceptions that an operation's file lists, which all have a case in the table. */
function listed(name: OperationName): ReadonlySet<string> {
  return new Set(documentedErrors(name).exceptions.values());
}

describe.each(names)('the errors of %s', (name) => {
  it('are those of its file, or there is no reason given why they cannot occur', () => {
    const both = [...Object.keys(of[name] ?? {}), ...Object.keys(never)].filter((error) => listed(name).has(error));
    expect(both).toEqual([]);
  });

  (model === undefined ? it.skip : it)('that the model documents have a case each, or a reason why not', () => {
    const documented = (model?.operations[name]?.errors ?? []).map(({ shape }) => shape);
    const present = listed(name);
    const unexplained = documented.filter(
      (error) =>
        !present.has(error) &&
        !(error in everywhere) &&
        !(error in never) &&
        !(error in unlessListed) &&
        !(error in (of[name] ?? {})),
    );
    expect(unexplained).toEqual([]);
    // A reason for what nobody documents would be a mistake of ours.
    expect(Object.keys(of[name] ?? {}).filter((error) => !documented.includes(error))).toEqual([]);
  });

  (model === undefined ? it.skip : it)('are all errors that the model knows', () => {
    const known = new Set(
      Object.values(model?.operations ?? {}).flatMap(({ errors = [] }) => errors.map(({ shape }) => shape)),
    );
    // The longer name is that in the model.
    const ours = [...listed(name)].map((error) => (error === 'InternalFailure' ? 'InternalFailureException' : error));
    expect(ours.filter((error) => !known.has(error))).toEqual([]);
  });
});
