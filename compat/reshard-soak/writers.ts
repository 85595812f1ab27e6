import { setTimeout as sleep } from 'node:timers/promises';
import { type KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { type Kafka, type Producer } from 'kafkajs';
import type { Ledger } from './ledger.ts';

/** Each writer has keys of its own and waits for an answer before the next record of a key, so that their order is known. */
const KEYS_A_WRITER = 25;
const PAUSE_MS = 40;
/** How often a Kafka client looks for new partitions. */
export const METADATA_MAX_AGE_MS = 1_000;

/**
 * Half of the keys go where their hash says, half of them where an explicit hash key says. A record that is refused is not
 * sent again: whether it is there is not known, and the ledger allows for both.
 */
export async function writeByKinesis(
  client: KinesisClient,
  StreamName: string,
  name: string,
  ledger: Ledger,
  signal: AbortSignal,
  onRefused: (code: string) => void,
): Promise<void> {
  const keys = Array.from({ length: KEYS_A_WRITER }, (_, i) => `${name}-${i}`);
  while (!signal.aborted) {
    const records = keys.map((key) => ({ key, ...ledger.next(key) }));
    try {
      const { Records = [] } = await client.send(
        new PutRecordsCommand({
          StreamName,
          Records: records.map(({ key, value }, i) => ({
            PartitionKey: key,
            Data: Buffer.from(value),
            ...(i % 2 === 0 && { ExplicitHashKey: String((BigInt(i) << 128n) / BigInt(KEYS_A_WRITER)) }),
          })),
        }),
      );
      for (const [i, { ErrorCode }] of Records.entries()) {
        const { key, number } = records[i] as (typeof records)[0];
        if (ErrorCode === undefined) ledger.acknowledge(key, number);
        else onRefused(ErrorCode);
      }
    } catch (error) {
      onRefused((error as Error).name);
    }
    await sleep(PAUSE_MS);
  }
}

/** An idempotent producer; each key stays in one of the partitions that the topic began with, however many there are. */
export async function writeByKafka(
  kafka: Kafka,
  topic: string,
  name: string,
  partitions: number,
  ledger: Ledger,
  signal: AbortSignal,
  onRefused: (code: string) => void,
): Promise<void> {
  const producer: Producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    metadataMaxAge: METADATA_MAX_AGE_MS,
    retry: { retries: 30, initialRetryTime: 20, maxRetryTime: 500 },
  });
  await producer.connect();
  const keys = Array.from({ length: KEYS_A_WRITER }, (_, i) => `${name}-${i}`);
  while (!signal.aborted) {
    const records = keys.map((key) => ({ key, ...ledger.next(key) }));
    try {
      await producer.send({
        topic,
        acks: -1,
        messages: records.map(({ key, value }, i) => ({ key, value, partition: i % partitions })),
      });
      for (const { key, number } of records) ledger.acknowledge(key, number);
    } catch (error) {
      onRefused((error as Error).message);
    }
    await sleep(PAUSE_MS);
  }
  await producer.disconnect();
}
