import { type ParseArgsConfig, parseArgs } from 'node:util';
import { readSettings } from '@tailrace/service';
import { UsageError } from './usage-error.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

export const ADDRESS_OPTIONS = {
  http: { type: 'string' },
  kafka: { type: 'string' },
} as const satisfies Options;

/** Parses a command's arguments; what is not understood becomes a UsageError. */
export function parseArguments<const O extends Options>(args: readonly string[], options: O) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError((error as Error).message.replace(/\. To specify.*$/s, '.'));
  }
}

/** Where the doors are, for a client command: as told, else where a service with these settings would be. */
export function addresses(values: { readonly http?: string | undefined; readonly kafka?: string | undefined }): {
  http: string;
  kafka: string;
} {
  const { settings } = readSettings(process.env);
  const host = settings.host === '0.0.0.0' || settings.host === '::' ? '127.0.0.1' : settings.host;
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return {
    http: (values.http ?? `http://${bracketed}:${settings.httpPort}`).replace(/\/+$/, ''),
    kafka: values.kafka ?? `${bracketed}:${settings.kafkaPort}`,
  };
}

export function wholeNumber(option: string, text: string | undefined, min = 1): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min)
    throw new UsageError(`--${option} takes a whole number of at least ${min}, not ${text}.`);
  return value;
}

/** The one positional argument that a command takes. */
export function onePositional(positionals: readonly string[], what: string): string {
  const [value, extra] = positionals;
  if (value === undefined) throw new UsageError(`Which ${what}? Give its name.`);
  if (extra !== undefined) throw new UsageError(`One ${what} at a time: \`${extra}\` is too much.`);
  return value;
}
