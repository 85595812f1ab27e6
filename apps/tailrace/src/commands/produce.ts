import { createInterface } from 'node:readline';
import type { Message } from 'kafkajs';
import { Partitioners } from 'kafkajs';
import { ADDRESS_OPTIONS, addresses, onePositional, parseArguments } from '../arguments.ts';
import { TLS_OPTIONS, tlsOf, USER_OPTIONS, userOf } from '../client-access.ts';
import { kafkaClient, withKafka } from '../kafka-client.ts';
import { UsageError } from '../usage-error.ts';

/** Lines that travel in one request while the last one is under way. */
const BATCH_LINES_MAX = 1000;

/** `tailrace produce STREAM`: each line of standard input becomes a record; ends with the input. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments(args, {
    ...ADDRESS_OPTIONS,
    ...TLS_OPTIONS,
    ...USER_OPTIONS,
    key: { type: 'string' },
    'key-separator': { type: 'string' },
    header: { type: 'string', multiple: true },
    json: { type: 'boolean' },
  });
  const topic = onePositional(positionals, 'stream');
  const { kafka: broker } = addresses(values);
  const headers = Object.fromEntries((values.header ?? []).map(parseHeader));
  const toMessage = values.json
    ? jsonMessage
    : (line: string): Message => {
        const separator = values['key-separator'];
        const at = separator ? line.indexOf(separator) : -1;
        return at < 0 || !separator
          ? { key: values.key ?? null, value: line }
          : { key: line.slice(0, at), value: line.slice(at + separator.length) };
      };
  const producer = kafkaClient(broker, { tls: tlsOf(values), user: userOf(values) }).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  let sent = 0;
  await withKafka(broker, async () => {
    await producer.connect();
    try {
      let lineNumber = 0;
      let batch: Message[] = [];
      const send = async () => {
        if (batch.length === 0) return;
        await producer.send({ topic, messages: batch });
        sent += batch.length;
        batch = [];
      };
      // A person at a terminal sees each line go; a file goes in batches.
      const batchMax = process.stdin.isTTY ? 1 : BATCH_LINES_MAX;
      for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
        lineNumber += 1;
        const message = toMessage(line, lineNumber);
        batch.push({ ...message, headers: { ...headers, ...message.headers } });
        if (batch.length >= batchMax) await send();
      }
      await send();
    } finally {
      await producer.disconnect();
    }
  });
  process.stderr.write(`${sent} ${sent === 1 ? 'record' : 'records'} written to ${topic}\n`);
  return 0;
}

function parseHeader(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new UsageError(`--header takes NAME=VALUE, not ${text}.`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

function jsonMessage(line: string, lineNumber: number): Message {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (error) {
    throw new UsageError(`Line ${lineNumber} is not JSON: ${(error as Error).message}`);
  }
  if (typeof parsed !== 'object' || parsed === null || !('value' in parsed)) {
    throw new UsageError(`Line ${lineNumber} must be an object with a "value".`);
  }
  const {
    key = null,
    value,
    headers = {},
  } = parsed as { key?: unknown; value: unknown; headers?: Record<string, unknown> };
  return {
    key: key === null ? null : asText(key),
    value: value === null ? null : asText(value),
    headers: Object.fromEntries(Object.entries(headers).map(([name, header]) => [name, asText(header)])),
  };
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
