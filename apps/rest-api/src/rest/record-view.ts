import { isUtf8 } from 'node:buffer';
import type { BatchRecord } from '@tailrace/kafka-protocol';
import {
  EXPLICIT_HASH_KEY_HEADER,
  formatSequenceNumber,
  keyFromPartitionKey,
  partitionKeyFromKey,
  type Shard,
  subRecordsOf,
} from '@tailrace/shard-core';
import { z } from 'zod';
import { parseExactly, positionTooDeep } from './json-text.ts';

/** Whether aggregated records are shown as the records in them. */
export const deaggregateForm = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true')
  .meta({
    type: 'boolean',
    default: false,
    description:
      'Show the records that a record of the Kinesis Producer Library holds, in its place, each with a `subSequenceNumber`. ' +
      'Limits and positions are those of the records as they are stored.',
  });

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
    subSequenceNumber: z.int().optional().meta({
      description:
        'With deaggregate=true, the place within an aggregated record; its records share offset and sequence number.',
    }),
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

/** What of a record is shown. */
type ShownRecord = Pick<BatchRecord, 'key' | 'value' | 'timestampMs' | 'headers'>;

/** A record as it is to be shown: itself, or with `deaggregate` the records in it. Throws CorruptBatch for broken headers. */
export function viewRecords(
  record: BatchRecord,
  offset: bigint,
  appendTimeMs: number,
  shard: Shard,
  { as, deaggregate }: { readonly as: ValueForm; readonly deaggregate: boolean },
): readonly RecordView[] {
  const parts = deaggregate ? subRecordsOf(record.value) : undefined;
  if (parts === undefined) return [viewRecord(record, offset, appendTimeMs, shard, as)];
  const { headers, timestampMs } = record;
  return parts.map(({ partitionKey, explicitHashKey, data }, subSequenceNumber) => {
    const own = explicitHashKey === undefined ? [] : [hashKeyHeader(explicitHashKey)];
    const others = headers.filter(({ key }) => key !== EXPLICIT_HASH_KEY_HEADER);
    const part = { key: keyFromPartitionKey(partitionKey), value: data, timestampMs, headers: [...others, ...own] };
    return { ...viewRecord(part, offset, appendTimeMs, shard, as), subSequenceNumber };
  });
}

function hashKeyHeader(explicitHashKey: string) {
  return { key: EXPLICIT_HASH_KEY_HEADER, value: Buffer.from(explicitHashKey, 'latin1') };
}

/** Copies what it shows: the record's bytes may go afterwards. Throws CorruptBatch for broken headers. */
function viewRecord(
  record: ShownRecord,
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
  if (form === 'json' && positionTooDeep(text) === undefined) {
    try {
      return { json: parseExactly(text) };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  return { data: text };
}
