import { BadSettings } from './settings.ts';

/** A failure whose message is meant for the person at the terminal: printed without a stack. */
export class ReadableFailure extends Error {
  override readonly name = 'ReadableFailure';
}

/** The names of errors, of whichever library, whose message is a sentence for the operator. */
const READABLE = new Set([
  'ReadableFailure',
  'DataDirectoryLocked',
  'DataDirectoryUnusable',
  'RedisUnreachable',
  'TelemetrySettingError',
  'MetricsServerError',
]);

/** What to print when the service cannot start. A stack only for what nobody foresaw. */
export function describeFailure(error: unknown): string {
  if (error instanceof BadSettings) {
    return `Tailrace cannot start with these settings:\n${error.problems.map((problem) => `  ${problem}`).join('\n')}\n\`tailrace --help\` lists all settings.`;
  }
  if (error instanceof Error) {
    if (READABLE.has(error.name)) return error.message;
    const listening = describeListenFailure(error);
    if (listening) return listening;
    return `Tailrace stopped because of a bug or a fault that it does not know:\n${error.stack ?? error.message}`;
  }
  return String(error);
}

const VARIABLE_BY_SERVICE: Readonly<Record<string, string>> = {
  HTTP: 'TAILRACE_HTTP_PORT',
  Kafka: 'TAILRACE_KAFKA_PORT',
};

/** Gives a listen error the name of what wanted to listen, so that the sentence can name its setting. */
export async function listening<T>(service: 'HTTP' | 'Kafka', listen: Promise<T>): Promise<T> {
  try {
    return await listen;
  } catch (error) {
    const cause = error as NodeJS.ErrnoException & { address?: string; port?: number };
    const sentence = describeListenFailure(cause, service);
    throw sentence ? new ReadableFailure(sentence, { cause: error }) : error;
  }
}

function describeListenFailure(
  error: NodeJS.ErrnoException & { address?: string; port?: number },
  service?: string,
): string | undefined {
  if (error.syscall !== 'listen' && error.syscall !== 'getaddrinfo') return undefined;
  const place = `${error.address ?? ''}:${error.port ?? ''}`;
  const variable = VARIABLE_BY_SERVICE[service ?? ''] ?? 'TAILRACE_HTTP_PORT or TAILRACE_KAFKA_PORT';
  const name = service === undefined ? 'The port' : `The ${service} port`;
  switch (error.code) {
    case 'EADDRINUSE':
      return `${name} ${place} is in use by another program. Stop that one, or set ${variable} to another port.`;
    case 'EACCES':
      return `${name} ${place} may not be opened by this user (ports below 1024 belong to root). Set ${variable}.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `This machine has no address ${error.address ?? ''} to listen on. Set TAILRACE_HOST.`;
    default:
      return undefined;
  }
}
