import { isUtf8 } from 'node:buffer';

/** Where a text stops being JSON. */
export interface JsonError {
  /** Characters before the offending one. */
  readonly position: number;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export type JsonResult =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: JsonError };

const BYTE_ORDER_MARK = 0xfeff;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_PRINTABLE = 0x20;

/** Reads UTF-8 JSON. Bytes that are not UTF-8 are refused, not replaced: replaced they would be stored garbled. */
export function parseJson(bytes: Buffer): JsonResult {
  if (!isUtf8(bytes)) return failure('', 0, 'the text is not UTF-8');
  let text = bytes.toString('utf8');
  if (text.charCodeAt(0) === BYTE_ORDER_MARK) text = text.slice(1);
  try {
    return { ok: true, value: parseExactly(text) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const position = syntaxErrorPosition(text);
    const found = position < text.length ? `unexpected ${JSON.stringify(text[position])}` : 'the text ends too early';
    return failure(text, position, found);
  }
}

/** Numbers that a double may not hold: 16 digits and more, exponents of three digits. Found in a text, not parsed. */
const inexactNumber = /[\d.]{16}|\d[eE][+-]?\d{3,}(?![\w-])/;

/** Of ES2026; Node has it, TypeScript's library not yet. */
const { rawJSON } = JSON as typeof JSON & { readonly rawJSON: (this: void, text: string) => unknown };
type Reviver = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown;

/**
 * `JSON.parse`, except that a number which a double cannot hold is kept as it is written, so that `JSON.stringify` writes it
 * so again: what passes through here is stored or shown, not calculated with. Throws SyntaxError.
 */
export function parseExactly(text: string): unknown {
  if (!inexactNumber.test(text)) return JSON.parse(text) as unknown;
  const keepExact: Reviver = (_key, value, { source }) => {
    if (typeof value !== 'number' || source === undefined) return value;
    return Number.isFinite(value) && digitsOf(String(value)) === digitsOf(source) ? value : rawJSON(source);
  };
  return JSON.parse(text, keepExact as Parameters<typeof JSON.parse>[1]) as unknown;
}

/** The significant digits of a number, however it is written: `1.50e3` and `1500` have the same. */
function digitsOf(number: string): string {
  const [mantissa] = number.split(/[eE]/, 1) as [string];
  return mantissa
    .replace(/^-?[0.]*/, '')
    .replace('.', '')
    .replace(/0+$/, '');
}

function failure(text: string, position: number, found: string): { ok: false; error: JsonError } {
  const before = text.slice(0, position).split('\n');
  const line = before.length;
  const column = (before.at(-1) as string).length + 1;
  const message = `Not JSON at position ${position} (line ${line}, column ${column}): ${found}.`;
  return { ok: false, error: { position, line, column, message } };
}

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const space = /[ \t\n\r]*/y;

/**
 * The index at which a text that `JSON.parse` refused stops being JSON (its length, if more is missing). V8's messages
 * name the position only in some cases. Runs only after a failure, so it may be slow; it keeps its own stack, so that
 * deep nesting cannot overflow ours.
 */
export function syntaxErrorPosition(text: string): number {
  let at = 0;
  const take = (pattern: RegExp): number => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0].length ?? 0;
  };
  /** Passes over a string; `false` when it is broken, with `at` on the break. */
  const takeString = (): boolean => {
    // Not one pattern for the whole string: the engine's backtracking stack would overflow on megabytes.
    at += 1;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        at += 1;
        return true;
      }
      if (code === BACKSLASH) {
        const length = take(escape);
        if (length === 0) return false;
        at += length;
      } else if (code >= FIRST_PRINTABLE) at += 1;
      else return false; // A control character, or the end of the text (NaN).
    }
  };
  const stack: ('{' | '[')[] = [];
  let expects: 'value' | 'valueOrEnd' | 'key' | 'keyOrEnd' | 'after' = 'value';
  for (;;) {
    at += take(space);
    const next = text[at];
    if (next === undefined) return at;
    if (expects === 'key' || expects === 'keyOrEnd') {
      if (next === '}' && expects === 'keyOrEnd') {
        stack.pop();
        at += 1;
        expects = 'after';
        continue;
      }
      if (next !== '"' || !takeString()) return at;
      at += take(space);
      if (text[at] !== ':') return at;
      at += 1;
      expects = 'value';
    } else if (expects === 'after') {
      const open = stack.at(-1);
      if (open === undefined) return at;
      if (next === ',') expects = open === '{' ? 'key' : 'value';
      else if (next === (open === '{' ? '}' : ']')) stack.pop();
      else return at;
      at += 1;
    } else if (next === ']' && expects === 'valueOrEnd') {
      stack.pop();
      at += 1;
      expects = 'after';
    } else if (next === '{' || next === '[') {
      stack.push(next);
      at += 1;
      expects = next === '{' ? 'keyOrEnd' : 'valueOrEnd';
    } else {
      if (next === '"') {
        if (!takeString()) return at;
      } else {
        const word = ['true', 'false', 'null'].find((literal) => literal[0] === next);
        if (word !== undefined) {
          for (const letter of word) {
            if (text[at] !== letter) return at;
            at += 1;
          }
        } else {
          const length = take(number);
          if (length === 0) return text[at] === '-' ? at + 1 : at;
          at += length;
        }
      }
      expects = 'after';
    }
  }
}
