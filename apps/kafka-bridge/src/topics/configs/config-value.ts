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

export function long(min: number): ConfigValue {
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
  return {
    type: 'list',
    problem: (value) =>
      listItems(value).every((word) => words.includes(word)) ? undefined : `String must be one of: ${words.join(', ')}`,
  };
}

/** A list of `partition:broker`, or `*` for all. */
export const throttledReplicas: ConfigValue = {
  type: 'list',
  problem: (value) =>
    value === '' || value === '*' || /^\d+:\d+(\s*,\s*\d+:\d+)*$/.test(value)
      ? undefined
      : "Must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
};

/** The items of a list as it stands in a setting; the empty text is the empty list. */
export function listItems(value: string): readonly string[] {
  const trimmed = value.trim();
  return trimmed === '' ? [] : trimmed.split(/\s*,\s*/);
}
