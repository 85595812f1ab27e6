import { readFileSync } from 'node:fs';
import { ReadableFailure } from '@tailrace/service';
import { UsageError } from './usage-error.ts';

/** How a client command reaches a door that speaks TLS. */
export const TLS_OPTIONS = {
  tls: { type: 'boolean' },
  'tls-ca': { type: 'string' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
} as const;

/** How a client command shows at the Kafka door who it is. */
export const USER_OPTIONS = {
  user: { type: 'string' },
  'password-file': { type: 'string' },
  mechanism: { type: 'string' },
} as const;

type Values<Options> = { readonly [Name in keyof Options]?: string | boolean | undefined };
type Env = Readonly<Record<string, string | undefined>>;

/** What `node:tls` is told; all of it PEM. */
export interface ClientTls {
  /** Who may have signed the service's certificate; without it, the authorities that Node.js knows. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;

export interface ClientUser {
  readonly mechanism: (typeof MECHANISMS)[number];
  readonly username: string;
  readonly password: string;
}

/** TLS as the options and TAILRACE_TLS_CA say; `undefined`: plain text. Throws UsageError, and ReadableFailure for files. */
export function tlsOf(values: Values<typeof TLS_OPTIONS>, env: Env = process.env): ClientTls | undefined {
  const ca = textOption(values['tls-ca']) ?? nonEmpty(env['TAILRACE_TLS_CA']);
  const cert = textOption(values['tls-cert']);
  const key = textOption(values['tls-key']);
  if ((cert === undefined) !== (key === undefined))
    throw new UsageError('--tls-cert and --tls-key go together: a certificate and its key.');
  if (values.tls !== true && ca === undefined && cert === undefined) return undefined;
  return {
    ...(ca === undefined ? {} : { ca: contentOf('--tls-ca', ca) }),
    ...(cert === undefined ? {} : { cert: contentOf('--tls-cert', cert) }),
    ...(key === undefined ? {} : { key: contentOf('--tls-key', key) }),
  };
}

/**
 * Who the client is, as the options, TAILRACE_USER and TAILRACE_PASSWORD say; `undefined`: nobody. A password is never taken from
 * the command line, which every process of the machine can read. Throws UsageError, and ReadableFailure for the file.
 */
export function userOf(values: Values<typeof USER_OPTIONS>, env: Env = process.env): ClientUser | undefined {
  const username = textOption(values.user) ?? nonEmpty(env['TAILRACE_USER']);
  const file = textOption(values['password-file']);
  const mechanism = textOption(values.mechanism) ?? nonEmpty(env['TAILRACE_MECHANISM']) ?? 'scram-sha-512';
  const known = MECHANISMS.find((one) => one === mechanism.toLowerCase());
  if (known === undefined) throw new UsageError(`--mechanism takes ${MECHANISMS.join(', ')}, not ${mechanism}.`);
  if (username === undefined) {
    if (file !== undefined) throw new UsageError('--password-file: whose password is it? Give --user.');
    return undefined;
  }
  // One line, as `tailrace users set --password-stdin` takes it.
  const password =
    file === undefined ? nonEmpty(env['TAILRACE_PASSWORD']) : contentOf('--password-file', file).replace(/\r?\n$/, '');
  if (password === undefined)
    throw new UsageError(`The password of ${username} is missing: --password-file FILE, or TAILRACE_PASSWORD.`);
  return { mechanism: known, username, password };
}

function textOption(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function contentOf(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ReadableFailure(`${option}: ${(error as Error).message}`, { cause: error });
  }
}
