import { isUtf8 } from 'node:buffer';
import type { BatchRecord } from '@tailrace/kafka-protocol';
import { formatSequenceNumber, partitionKeyFromKey, type Shard } from '@tailrace/shard-core';
import { z } from 'zod';
import { parseExactly } from './json-text.ts';

/** How values are shown. */
export const valueForm = z
  .enum(['base64', 'text', 'json'])
  .default('base64')
  .meta({
    default: 'base64',
    description:
      'How values are shown. `base64`: always `dataBase64`. `text`: `data`, where the value is UTF-8. `json`: `json`, where ' +
      'it is JSON, else as with `text`. What a form cannot show comes as `dataBase64`.',
  });
export type ValueForm = z.output<typeof valueForm>;

const headerView = z.strictObject({
  name: z.string(),
  value: z.string().nullable().optional().meta({ description: 'The value, where it is UTF-8; null as Kafka has it.' }),
  valueBase64: z.string().optional().meta({ description: 'The value, where it is not UTF-8.' }),
});

export const recordView = z
  .strictObject({
    shardId: z.string(),
    partition: z.int(),
    offset: z.string().meta({ pattern: '^\\d+$' }),
    sequenceNumber: z.string().meta({ pattern: '^\\d+$' }),
    partitionKey: z
      .string()
      .nullable()
      .meta({ description: 'null: no key. A key that is not UTF-8 shows as `base64:` and its bytes.' }),
    keyBase64: z.string().optional().meta({ description: 'The key, where it is not UTF-8.' }),
    data: z
      .string()
      .nullable()
      .optional()
      .meta({ description: 'The value as text; null for a tombstone (as=text, json).' }),
    dataBase64: z.string().nullable().optional().meta({ description: 'The value; null for a tombstone (as=base64).' }),
    json: z.unknown().optional().meta({ description: 'The value as JSON.' }),
    headers: z.array(headerView).meta({ description: 'In their order; names may repeat.' }),
    arrivalTime: z.iso.datetime().meta({ description: 'When it was appended. Never goes back within a shard.' }),
    timestamp: z.iso.datetime().nullable().meta({ description: 'The time that its producer gave it.' }),
  })
  .meta({ id: 'Record' });
export type RecordView = z.output<typeof recordView>;

/** The largest time that a Date can show; a Kafka producer may send anything. */
const TIME_MS_MAX = 8.64e15;

/** Copies what it shows: the record's bytes may go afterwards. Throws CorruptBatch for broken headers. */
export function viewRecord(
  record: BatchRecord,
  offset: bigint,
  appendTimeMs: number,
  shard: Shard,
  form: ValueForm,
): RecordView {
  const { key, timestampMs } = record;
  return {
    shardId: shard.shardId,
    partition: shard.partition,
    offset: String(offset),
    sequenceNumber: formatSequenceNumber({
      offset,
      shardNumber: shard.number,
      appendTimeSeconds: Math.floor(appendTimeMs / 1000),
      shardCreatedSeconds: Math.floor(shard.openedAtMs / 1000),
    }),
    partitionKey: partitionKeyFromKey(key) ?? null,
    ...(key !== null && !isUtf8(key) ? { keyBase64: key.toString('base64') } : {}),
    ...viewValue(record.value, form),
    headers: record.headers.map(({ key: name, value }) => {
      if (value === null) return { name, value: null };
      return isUtf8(value) ? { name, value: value.toString('utf8') } : { name, valueBase64: value.toString('base64') };
    }),
    arrivalTime: new Date(appendTimeMs).toISOString(),
    timestamp: Math.abs(timestampMs) <= TIME_MS_MAX && timestampMs >= 0 ? new Date(timestampMs).toISOString() : null,
  };
}

function viewValue(value: Buffer | null, form: ValueForm): Pick<RecordView, 'data' | 'dataBase64' | 'json'> {
  if (form === 'base64') return { dataBase64: value === null ? null : value.toString('base64') };
  if (value === null) return { data: null };
  if (!isUtf8(value)) return { dataBase64: value.toString('base64') };
  const text = value.toString('utf8');
  if (form === 'json') {
    try {
      return { json: parseExactly(text) };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  return { data: text };
}
