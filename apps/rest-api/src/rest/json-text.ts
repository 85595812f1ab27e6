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
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const FIRST_PRINTABLE = 0x20;

/** Reads UTF-8 JSON. Bytes that are not UTF-8 are refused, not replaced: replaced they would be stored garbled. */
export function parseJson(bytes: Buffer): JsonResult {
  if (!isUtf8(bytes)) return failure('', 0, 'the text is not UTF-8');
  let text = bytes.toString('utf8');
  if (text.charCodeAt(0) === BYTE_ORDER_MARK) text = text.slice(1);
  const tooDeepAt = positionTooDeep(text);
  if (tooDeepAt !== undefined) return failure(text, tooDeepAt, `nested more than ${NESTING_MAX} levels deep`);
  try {
    return { ok: true, value: parseExactly(text) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const position = syntaxErrorPosition(text);
    const found = position < text.length ? `unexpected ${JSON.stringify(text[position])}` : 'the text ends too early';
    return failure(text, position, found);
  }
}

/**
 * Lists and objects within one another. What comes in is written again, which in some cases takes a frame of the stack for each
 * level: a record that is deeper could be stored, and no page with it be shown.
 */
export const NESTING_MAX = 1_000;

/** Where a text is nested too deeply; `undefined`: nowhere. Of a text that is no JSON, anything. */
export function positionTooDeep(text: string): number | undefined {
  // Most are too short for it.
  if (text.length <= 2 * NESTING_MAX) return undefined;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at);
        break;
      case OPEN_LIST:
      case OPEN_OBJECT:
        if (++depth > NESTING_MAX) return at;
        break;
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        depth -= 1;
    }
  }
  return undefined;
}

/** The quote that ends a string; the text's end if there is none. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; ;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return text.length;
    let escapes = 0;
    while (text.charCodeAt(quote - 1 - escapes) === BACKSLASH) escapes += 1;
    if (escapes % 2 === 0) return quote;
    at = quote + 1;
  }
}

/** Numbers that a double may not hold: 16 digits and more, exponents of three digits. Found in a text, not parsed. */
const inexactNumber = /[\d.]{16}|\d[eE][+-]?\d{3,}(?![\w-])/;

/** Of ES2026; Node has it, TypeScript's library not yet. */
const { rawJSON } = JSON as typeof JSON & { readonly rawJSON: (this: void, text: string) => unknown };
type Reviver = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown;

/**
 * `JSON.parse`, except that a number which a double cannot hold is kept as it is written, so that `JSON.stringify` writes it
 * so again: what passes through here is stored or shown, not calculated with. Throws SyntaxError, and RangeError for what is
 * nested too deeply.
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
  const digits = mantissa.replace(/^-?[0.]*/, '').replace('.', '');
  // Not an expression for zeros at the end: it would try each of many zeros in the middle as the first of them.
  let end = digits.length;
  while (digits[end - 1] === '0') end -= 1;
  return digits.slice(0, end);
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
