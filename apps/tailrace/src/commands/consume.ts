import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { ReadableFailure } from '@tailrace/service';
import type { KafkaMessage } from 'kafkajs';
import { ADDRESS_OPTIONS, addresses, onePositional, parseArguments, wholeNumber } from '../arguments.ts';
import { TLS_OPTIONS, tlsOf, USER_OPTIONS, userOf } from '../client-access.ts';
import { kafkaClient, withKafka } from '../kafka-client.ts';
import { UsageError } from '../usage-error.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** `tailrace consume STREAM`: prints records until it is interrupted or has printed `--max` of them. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments(args, {
    ...ADDRESS_OPTIONS,
    ...TLS_OPTIONS,
    ...USER_OPTIONS,
    from: { type: 'string' },
    'from-group': { type: 'string' },
    group: { type: 'string' },
    max: { type: 'string' },
    'key-separator': { type: 'string' },
    json: { type: 'boolean' },
  });
  const topic = onePositional(positionals, 'stream');
  const from = values.from ?? 'latest';
  if (from !== 'beginning' && from !== 'latest') throw new UsageError(`--from takes beginning or latest, not ${from}.`);
  const fromGroup = values['from-group'];
  if (fromGroup !== undefined && values.from !== undefined) throw new UsageError('--from and --from-group exclude each other.'); // prettier-ignore
  if (fromGroup !== undefined && values.group !== undefined) throw new UsageError('--group goes on from its own offsets; --from-group is for reading beside a group.'); // prettier-ignore
  const max = wholeNumber('max', values.max) ?? Number.POSITIVE_INFINITY;
  const separator = values['key-separator'];
  const { kafka: broker } = addresses(values);
  const kafka = kafkaClient(broker, { tls: tlsOf(values), user: userOf(values) });
  const consumer = kafka.consumer({
    groupId: values.group ?? `tailrace-cli-${randomUUID()}`,
    maxWaitTimeInMs: 1000,
    allowAutoTopicCreation: false,
  });

  let printed = 0;
  let failure: Error | undefined;
  const finished = new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
    // Nobody reads any more, as behind `| head`.
    process.stdout.once('error', () => resolve());
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (payload.restart) return;
      failure = payload.error;
      resolve();
    });
    const eachMessage = async ({ partition, message }: { partition: number; message: KafkaMessage }) => {
      if (printed >= max) return;
      printed += 1;
      const line = values.json ? jsonLine(partition, message) : textLine(message, separator);
      if (!process.stdout.write(line)) await once(process.stdout, 'drain');
      if (printed >= max) resolve();
    };
    withKafka(broker, async () => {
      const positions = await withAdmin(kafka.admin(), async (admin) => {
        await requireTopic(admin, topic);
        return fromGroup === undefined ? [] : committedBy(admin, fromGroup, topic);
      });
      await consumer.connect();
      // Partitions for which the group has committed nothing are new to it.
      const fromBeginning = from === 'beginning' || fromGroup !== undefined;
      await consumer.subscribe({ topics: [topic], fromBeginning });
      await consumer.run({ autoCommit: values.group !== undefined, eachMessage });
      for (const { partition, offset } of positions) consumer.seek({ topic, partition, offset });
    }).catch((error: unknown) => {
      failure = error as Error;
      resolve();
    });
  });
  await finished;
  await consumer.disconnect();
  if (failure !== undefined) throw failure;
  return 0;
}

type Admin = ReturnType<ReturnType<typeof kafkaClient>['admin']>;

async function withAdmin<T>(admin: Admin, ask: (admin: Admin) => Promise<T>): Promise<T> {
  await admin.connect();
  try {
    return await ask(admin);
  } finally {
    await admin.disconnect();
  }
}

async function requireTopic(admin: Admin, topic: string): Promise<void> {
  if ((await admin.listTopics()).includes(topic)) return;
  throw new ReadableFailure(`There is no stream ${topic}. \`tailrace streams create ${topic}\` makes it.`);
}

/** What a group has committed for the stream, by partition; the group itself is not touched. */
async function committedBy(admin: Admin, groupId: string, topic: string) {
  const [fetched] = await admin.fetchOffsets({ groupId, topics: [topic] });
  const committed = (fetched?.partitions ?? []).filter(({ offset }) => Number(offset) >= 0);
  if (committed.length > 0) return committed;
  throw new ReadableFailure(`There is no group ${groupId} that has committed offsets for stream ${topic}.`);
}

function textLine({ key, value }: KafkaMessage, separator: string | undefined): Buffer {
  const parts = separator === undefined ? [] : [key ?? Buffer.alloc(0), Buffer.from(separator)];
  return Buffer.concat([...parts, value ?? Buffer.alloc(0), Buffer.from('\n')]);
}

function jsonLine(partition: number, { offset, timestamp, key, value, headers }: KafkaMessage): string {
  const shown = Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, header]) => [
      name,
      Array.isArray(header) ? header.map((one) => textOrBytes(one)) : textOrBytes(header ?? null),
    ]),
  );
  const time = new Date(Number(timestamp)).toISOString();
  return `${JSON.stringify({ partition, offset, timestamp: time, key: textOrBytes(key), value: textOrBytes(value), headers: shown })}\n`;
}

function textOrBytes(bytes: Buffer | string | null): string | { base64: string } | null {
  if (bytes === null || typeof bytes === 'string') return bytes;
  try {
    return decoder.decode(bytes);
  } catch {
    return { base64: bytes.toString('base64') };
  }
}
