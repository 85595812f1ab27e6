/** What kind of value a setting has, by the numbers of DescribeConfigs. */
export const CONFIG_TYPE = {
  boolean: 1, string: 2, int: 3, short: 4, long: 5, double: 6, list: 7, class: 8, password: 9,
} as const; // prettier-ignore

export type ConfigTypeName = keyof typeof CONFIG_TYPE;

/** The values that a setting may have. The sentences are Kafka's own, because people search for them. */
export interface ConfigValue {
  readonly type: ConfigTypeName;
  /** What is wrong with a value, as the end of a sentence; `undefined` where nothing is. */
  readonly problem: (value: string) => string | undefined;
  /** What is told of a value that has a problem; without it, the whole value. */
  readonly culprit?: (value: string) => string;
}

const INT32_MAX = 2n ** 31n - 1n;
const INT64_MAX = 2n ** 63n - 1n;

function wholeNumber(type: 'int' | 'long', typeMax: bigint, min: bigint, max: bigint): ConfigValue {
  return {
    type,
    problem(value) {
      const number = /^[-+]?\d{1,20}$/.test(value.trim()) ? BigInt(value.trim()) : undefined;
      if (number === undefined || number > typeMax || number < -typeMax - 1n)
        return `Not a number of type ${type.toUpperCase()}`;
      if (number < min) return `Value must be at least ${min}`;
      if (number > max) return `Value must be no more than ${max}`;
      return undefined;
    },
  };
}

export function int(min: number, max = Number(INT32_MAX)): ConfigValue {
  return wholeNumber('int', INT32_MAX, BigInt(min), BigInt(max));
}

/** The level of gzip, or -1 for the library's own. */
export const gzipLevel: ConfigValue = {
  type: 'int',
  problem(value) {
    const { problem } = int(-Number(INT32_MAX));
    const level = Number(value);
    return (
      problem(value) ??
      (level === -1 || (level >= 1 && level <= 9) ? undefined : 'Value must be between 1 and 9 or equal to -1')
    );
  },
};

export function long(min = Number.MIN_SAFE_INTEGER): ConfigValue {
  return wholeNumber('long', INT64_MAX, BigInt(min), INT64_MAX);
}

export function double(min: number, max = Infinity): ConfigValue {
  return {
    type: 'double',
    problem(value) {
      const number = value.trim() === '' ? NaN : Number(value);
      if (Number.isNaN(number)) return 'Not a number of type DOUBLE';
      if (number < min) return `Value must be at least ${min}`;
      if (number > max) return `Value must be no more than ${max}`;
      return undefined;
    },
  };
}

export const bool: ConfigValue = {
  type: 'boolean',
  problem: (value) => (/^(true|false)$/i.test(value.trim()) ? undefined : 'Expected value to be either true or false'),
};

export const anyText: ConfigValue = { type: 'string', problem: () => undefined };
export const anyList: ConfigValue = { type: 'list', problem: () => undefined };

export function oneOf(...words: readonly string[]): ConfigValue {
  return {
    type: 'string',
    problem: (value) => (words.includes(value) ? undefined : `String must be one of: ${words.join(', ')}`),
  };
}

export function listOf(...words: readonly string[]): ConfigValue {
  const unknown = (value: string) => listItems(value).find((word) => !words.includes(word));
  return {
    type: 'list',
    problem: (value) => (unknown(value) === undefined ? undefined : `String must be one of: ${words.join(', ')}`),
    culprit: (value) => unknown(value) ?? value,
  };
}

/** A list of `partition:broker`, or `*` for all. */
export function throttledReplicas(name: string): ConfigValue {
  return {
    type: 'list',
    problem: (value) =>
      value === '' || value === '*' || /^\d+:\d+(\s*,\s*\d+:\d+)*$/.test(value)
        ? undefined
        : `${name} must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...`,
    culprit: (value) => `[${listItems(value).join(', ')}]`,
  };
}

/** The items of a list as it stands in a setting; the empty text is the empty list. */
export function listItems(value: string): readonly string[] {
  const trimmed = value.trim();
  return trimmed === '' ? [] : trimmed.split(/\s*,\s*/);
}
