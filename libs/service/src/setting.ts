/**
 * One setting: an environment variable, what it means, what it may be. The list of settings (settings.ts) is data; the
 * validated values, `--help` and the documentation derive from it.
 */
export interface Setting<T> {
  readonly variable: string;
  /** One or two sentences for `--help`, without the default. */
  readonly help: string;
  /** How the value is written, for `--help`: `on|off`, `PORT`. */
  readonly form: string;
  /** The text that stands for an absent variable; `undefined` when absence itself is a value. */
  readonly fallback: string | undefined;
  /** What is given must not be shown. */
  readonly secret?: true;
  /** The value, or a sentence that says what would be right. */
  readonly parse: (text: string) => { readonly value: T } | { readonly problem: string };
}

interface Words {
  readonly help: string;
}

export function choice<const C extends readonly string[]>(
  variable: string,
  choices: C,
  fallback: C[number],
  { help }: Words,
): Setting<C[number]> {
  return {
    variable,
    help,
    form: choices.join('|'),
    fallback,
    parse: (text) =>
      choices.includes(text)
        ? { value: text }
        : { problem: `must be ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}` },
  };
}

export function onOff(variable: string, fallback: 'on' | 'off', { help }: Words): Setting<boolean> {
  return {
    variable,
    help,
    form: 'on|off',
    fallback,
    parse: (text) => {
      if (text === 'on' || text === 'true' || text === '1') return { value: true };
      if (text === 'off' || text === 'false' || text === '0') return { value: false };
      return { problem: 'must be on or off' };
    },
  };
}

export function integer(
  variable: string,
  fallback: number | undefined,
  { help, min, max, form = 'NUMBER' }: Words & { min: number; max: number; form?: string },
): Setting<number> {
  return {
    variable,
    help,
    form,
    fallback: fallback?.toString(),
    parse: (text) => {
      const value = Number(text);
      return /^\d+$/.test(text) && value >= min && value <= max
        ? { value }
        : { problem: `must be a whole number from ${min} to ${max}` };
    },
  };
}

export function port(variable: string, fallback: number, words: Words): Setting<number> {
  return integer(variable, fallback, { ...words, min: 0, max: 65_535, form: 'PORT' });
}

export function text(
  variable: string,
  fallback: string | undefined,
  { help, form }: Words & { form: string },
): Setting<string> {
  return {
    variable,
    help,
    form,
    fallback,
    parse: (value) => (value === '' ? { problem: 'must not be empty' } : { value }),
  };
}

/** Text that must not be shown. */
export function secretText(variable: string, { help }: Words): Setting<string> {
  return { variable, help, form: 'SECRET', fallback: undefined, secret: true, parse: (value) => ({ value }) };
}

/** Some of a few words, with commas between, in any order and each once. */
export function choices<const C extends readonly string[]>(
  variable: string,
  known: C,
  { help, form }: Words & { form: string },
): Setting<readonly C[number][]> {
  return {
    variable,
    help,
    form,
    fallback: '',
    parse: (value) => {
      const given = value === '' ? [] : value.split(',').map((word) => word.trim().toLowerCase());
      return given.every((word) => known.includes(word))
        ? { value: [...new Set(given)] }
        : { problem: `must be some of ${known.slice(0, -1).join(', ')} and ${known.at(-1)}, with commas between` };
    },
  };
}

/** Texts with semicolons between, each of a form that a pattern knows. */
export function manyMatching(
  variable: string,
  pattern: RegExp,
  problem: string,
  { help, form }: Words & { form: string },
): Setting<readonly string[]> {
  return {
    variable,
    help,
    form,
    fallback: '',
    parse: (value) => {
      const given = value
        .split(';')
        .map((part) => part.trim())
        .filter((part) => part !== '');
      return given.every((part) => pattern.test(part)) ? { value: given } : { problem };
    },
  };
}

/** HOST:PORT, an IPv6 host in brackets. */
export function hostAndPort(
  variable: string,
  { help }: Words,
): Setting<{ readonly host: string; readonly port: number }> {
  return {
    variable,
    help,
    form: 'HOST:PORT',
    fallback: undefined,
    parse: (value) => {
      const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:\s]+)):(\d{1,5})$/.exec(value);
      const number = Number(match?.[3]);
      return match && number >= 1 && number <= 65_535
        ? { value: { host: (match[1] ?? match[2]) as string, port: number } }
        : { problem: 'must be HOST:PORT, as in stream.example.org:9092' };
    },
  };
}

/** Text of a form that a pattern knows; `problem` says what would be right. */
export function matching(
  variable: string,
  fallback: string | undefined,
  pattern: RegExp,
  problem: string,
  { help, form }: Words & { form: string },
): Setting<string> {
  return {
    variable,
    help,
    form,
    fallback,
    parse: (value) => (pattern.test(value) ? { value } : { problem }),
  };
}

/** Keys of 32 bytes, in base64 or as 64 hexadecimal digits, with commas between. What was given is no part of a problem. */
export function secretKeys(
  variable: string,
  parseKey: (text: string) => Buffer | undefined,
  { help }: Words,
): Setting<readonly Buffer[]> {
  return {
    variable,
    help,
    form: 'KEY[,KEY…]',
    fallback: '',
    secret: true,
    parse: (value) => {
      const keys = value === '' ? [] : value.split(',').map(parseKey);
      return keys.some((key) => key === undefined)
        ? { problem: 'must be keys of 32 bytes, each as 64 hexadecimal digits or in base64, with commas between' }
        : { value: keys as Buffer[] };
    },
  };
}

/** Keys of 32 bytes with a name each, the names all different. What was given is no part of a problem. */
export function namedSecretKeys(
  variable: string,
  isName: RegExp,
  parseKey: (text: string) => Buffer | undefined,
  { help }: Words,
): Setting<readonly { readonly id: string; readonly bytes: Buffer }[]> {
  const problem =
    'must be keys, each as ID=KEY, with commas between: the ids all different, of letters, digits, dots, dashes and ' +
    'underscores, the keys of 32 bytes, as 64 hexadecimal digits or in base64';
  return {
    variable,
    help,
    form: 'ID=KEY[,ID=KEY…]',
    fallback: '',
    secret: true,
    parse: (value) => {
      const keys = new Map<string, Buffer>();
      for (const item of value === '' ? [] : value.split(',')) {
        const [, id = '', text = ''] = /^([^=]*)=(.*)$/.exec(item) ?? [];
        const bytes = parseKey(text);
        if (!isName.test(id) || bytes === undefined || keys.has(id)) return { problem };
        keys.set(id, bytes);
      }
      return { value: [...keys].map(([id, bytes]) => ({ id, bytes })) };
    },
  };
}
