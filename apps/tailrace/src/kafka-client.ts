import { ReadableFailure } from '@tailrace/service';
import { Kafka, logLevel, type SASLOptions } from 'kafkajs';
import type { ClientTls, ClientUser } from './client-access.ts';

// The library prints a hint about its default partitioner; the commands choose one themselves.
process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1';

// kafkajs asks for timers in the past, of which Node.js warns at every start; other warnings are still shown.
process.removeAllListeners('warning');
process.on('warning', ({ name, message }) => {
  if (name !== 'TimeoutNegativeWarning') process.stderr.write(`${name}: ${message}\n`);
});

/** What a client command needs to be let in; all of it may be missing. */
export interface KafkaAccess {
  readonly tls?: ClientTls | undefined;
  readonly user?: ClientUser | undefined;
}

/** A client for the command line: few retries, quiet, failures as sentences. */
export function kafkaClient(broker: string, { tls, user }: KafkaAccess = {}): Kafka {
  return new Kafka({
    clientId: 'tailrace-cli',
    brokers: [broker],
    ...(tls === undefined ? {} : { ssl: { ...tls } }),
    ...(user === undefined ? {} : { sasl: { ...user } as SASLOptions }),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 3000,
    retry: { retries: 2, initialRetryTime: 200 },
  });
}

/** Runs a command's work; a service that cannot be reached becomes a sentence. */
export async function withKafka<T>(broker: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // By name: the library's error classes cannot be imported from an ES module.
    if (!(error instanceof Error) || !error.name.startsWith('KafkaJS')) throw error;
    const cause = error.name === 'KafkaJSNumberOfRetriesExceeded' ? error.cause : error;
    if (cause instanceof Error && cause.name === 'KafkaJSConnectionError') {
      if (/certificate/i.test(cause.message)) {
        const hint = `${broker}: ${cause.message}. \`--tls-ca FILE\` names the authority to trust.`;
        throw new ReadableFailure(hint, { cause: error });
      }
      throw new ReadableFailure(`No Kafka door answers at ${broker}. Is the service running (\`tailrace up\`)?`, {
        cause: error,
      });
    }
    throw new ReadableFailure(`${broker}: ${error.message}`, { cause: error });
  }
}
