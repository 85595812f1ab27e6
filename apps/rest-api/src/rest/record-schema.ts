import type { RecordHeader } from '@tailrace/kafka-protocol';
import { parseHashKey } from '@tailrace/hashing';
import { z } from 'zod';
import type { IngestRecord } from '../ingest/index.ts';

/** Kinesis's own bounds; every record written here can be read by a Kinesis client. */
export const PARTITION_KEY_CHARACTERS_MAX = 256;
export const DATA_BYTES_MAX = 1024 * 1024;
/** A key given as bytes: what a partition key of 256 characters can take in UTF-8. */
const KEY_BYTES_MAX = 1024;
const HEADERS_MAX = 64;
const HEADER_BYTES_MAX = 8 * 1024;

/** Decoded at once: a check alone would read a megabyte twice. Only the canonical form: whatever else would not come back. */
const base64 = (bytesMax: number) =>
  z
    .string()
    .transform((text, context): Buffer => {
      const bytes = Buffer.from(text, 'base64');
      if (bytes.length > bytesMax) {
        context.addIssue({ code: 'custom', message: `must be at most ${bytesMax} bytes` });
      } else if (bytes.toString('base64') !== text) {
        context.addIssue({ code: 'custom', message: 'must be base64 (RFC 4648, with padding, without line breaks)' });
      }
      return bytes;
    })
    .meta({ contentEncoding: 'base64' });

export const partitionKey = z
  .string()
  .min(1, 'must not be empty')
  .refine(
    // Characters, not UTF-16 units; counted only where the cheap bound does not decide.
    (text) => text.length <= PARTITION_KEY_CHARACTERS_MAX || [...text].length <= PARTITION_KEY_CHARACTERS_MAX,
    `must be at most ${PARTITION_KEY_CHARACTERS_MAX} characters`,
  )
  .refine((text) => text.isWellFormed(), 'must not hold half a surrogate pair')
  .meta({
    minLength: 1,
    maxLength: PARTITION_KEY_CHARACTERS_MAX,
    description: 'Its MD5 chooses the shard; records of one key keep their order. Left out: any shard.',
  });

export const explicitHashKey = z
  .string()
  .refine((text) => parseHashKey(text) !== undefined, 'must be a whole number from 0 to 2^128 - 1 as decimal text')
  .meta({ pattern: '^(0|[1-9]\\d{0,38})$', description: 'Chooses the shard instead of the partition key.' });

const headerValue = z
  .string()
  .refine((text) => Buffer.byteLength(text) <= HEADER_BYTES_MAX, `must be at most ${HEADER_BYTES_MAX} bytes`)
  .refine((text) => text.isWellFormed(), 'must not hold half a surrogate pair');
const headerName = headerValue.min(1, 'must not be empty');

const headerList = z
  .array(
    z
      .strictObject({
        name: headerName,
        value: headerValue.nullable().optional(),
        valueBase64: base64(HEADER_BYTES_MAX).optional(),
      })
      .refine(({ value, valueBase64 }) => (value === undefined) !== (valueBase64 === undefined), {
        message: 'must have either value or valueBase64',
      }),
  )
  .max(HEADERS_MAX, `must be at most ${HEADERS_MAX} headers`);
const headerMap = z
  .record(headerName, headerValue.nullable())
  .refine((map) => Object.keys(map).length <= HEADERS_MAX, `must be at most ${HEADERS_MAX} headers`);

export const recordBody = z
  .strictObject({
    partitionKey: partitionKey.optional(),
    keyBase64: base64(KEY_BYTES_MAX).optional().meta({ description: 'A key of any bytes, instead of partitionKey.' }),
    explicitHashKey: explicitHashKey.optional(),
    data: z
      .string()
      .nullable()
      .refine((text) => text === null || text.isWellFormed(), 'must not hold half a surrogate pair')
      .optional()
      .meta({ description: 'The value as text, stored as UTF-8; null: a tombstone.' }),
    dataBase64: base64(DATA_BYTES_MAX).optional().meta({ description: 'The value as bytes.' }),
    json: z.unknown().optional().meta({ description: 'The value as any JSON, stored as its shortest text.' }),
    headers: z
      .union([headerList, headerMap])
      .optional()
      .meta({ description: 'A list keeps order and repeated names; an object is short for a list.' }),
  })
  .transform((body, context): IngestRecord => {
    const given = ['data', 'dataBase64', 'json'].filter(
      (member) => member in body && body[member as 'json'] !== undefined,
    );
    if (given.length !== 1) {
      context.addIssue({ code: 'custom', message: 'must have exactly one of data, dataBase64 and json' });
      return z.NEVER;
    }
    if (body.partitionKey !== undefined && body.keyBase64 !== undefined) {
      context.addIssue({ code: 'custom', message: 'must not have both partitionKey and keyBase64' });
      return z.NEVER;
    }
    const data = body.dataBase64 ?? bytesOf(given[0] === 'json' ? JSON.stringify(body.json) : body.data);
    if (data !== null && data.length > DATA_BYTES_MAX) {
      context.addIssue({
        code: 'custom',
        path: [given[0] as string],
        message: `must be at most ${DATA_BYTES_MAX} bytes`,
      });
      return z.NEVER;
    }
    return {
      data,
      ...(body.partitionKey === undefined ? { key: body.keyBase64 ?? null } : { partitionKey: body.partitionKey }),
      ...(body.explicitHashKey === undefined ? {} : { explicitHashKey: body.explicitHashKey }),
      ...(body.headers === undefined ? {} : { headers: headersOf(body.headers) }),
    };
  })
  .meta({ id: 'NewRecord' });

function bytesOf(text: string | null | undefined): Buffer | null {
  return text === null || text === undefined ? null : Buffer.from(text, 'utf8');
}

function headersOf(headers: z.output<typeof headerList> | z.output<typeof headerMap>): RecordHeader[] {
  if (!Array.isArray(headers)) {
    return Object.entries(headers).map(([key, value]) => ({ key, value: bytesOf(value) }));
  }
  return headers.map(({ name, value, valueBase64 }) => ({ key: name, value: valueBase64 ?? bytesOf(value) }));
}
