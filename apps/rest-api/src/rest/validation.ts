import type { z } from 'zod';
import { invalidRequest, type ProblemDetail } from './problem.ts';

/** How many complaints are told at most: a body of 500 wrong records needs no 500 sentences. */
const COMPLAINTS_MAX = 20;

export type Validated<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly errors: readonly ProblemDetail[] };

export function validate<T extends z.ZodType>(schema: T, value: unknown): Validated<z.output<T>> {
  const result = schema.safeParse(value);
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, errors: complaints(result.error.issues, []).slice(0, COMPLAINTS_MAX) };
}

function complaints(issues: readonly z.core.$ZodIssue[], at: readonly PropertyKey[]): ProblemDetail[] {
  return issues.flatMap((issue) => {
    const path = [...at, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ pointer: jsonPointer([...path, key]), message: 'This member is not known.' }));
    }
    return [{ pointer: jsonPointer(path), message: issue.message }];
  });
}

/** RFC 6901. */
export function jsonPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** Query parameters: each known, each at most once. Throws a Problem (400). */
export function validateQuery<T extends z.ZodType>(schema: T, query: URLSearchParams): z.output<T> {
  const values: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of query) {
    if (name in values) throw invalidRequest([{ pointer: `?${name}`, message: 'This parameter is given twice.' }]);
    values[name] = value;
  }
  const result = validate(schema, { ...values });
  if (!result.ok) {
    throw invalidRequest(result.errors.map(({ pointer, message }) => ({ pointer: `?${pointer.slice(1)}`, message })));
  }
  return result.value;
}

/** Parts of the path. Throws a Problem (400). */
export function validatePath<T extends z.ZodType>(schema: T, values: unknown): z.output<T> {
  const result = validate(schema, values);
  if (!result.ok) {
    throw invalidRequest(result.errors.map(({ pointer, message }) => ({ pointer: `{${pointer.slice(1)}}`, message })));
  }
  return result.value;
}
