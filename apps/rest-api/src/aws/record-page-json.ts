import type { BatchRecord } from '@tailrace/kafka-protocol';
import { formatSequenceNumbers, partitionKeyFromKey, type Shard } from '@tailrace/shard-core';
import { ENCRYPTED } from './encryption.ts';
import type { WireStructure } from './wire/wire-codec.ts';
import type { RecordPage, RecordRun } from './record-page.ts';
import { sequenceNumberOf } from './shard-description.ts';
import { jsonCodec } from './wire/json-codec.ts';

/**
 * The answer of GetRecords, written straight into one buffer. Per record it costs a base64 string and two writes; an
 * object per record and JSON.stringify cost three times as much.
 */
const RECORDS_START = '{"Records":[';
const SEQUENCE_NUMBER = '{"SequenceNumber":"';
const ARRIVAL = '","ApproximateArrivalTimestamp":';
const DATA = ',"Data":"';
const PARTITION_KEY = '","PartitionKey":';
const WITHOUT_KEY = '"';
const ENCRYPTION_TYPE = `,"EncryptionType":"${ENCRYPTED}"`;
/** What a record takes beside data and key, at most: names, a number of 57 digits, a time, quotes, a comma. */
const RECORD_FRAME_BYTES = 200;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const CLOSE_BRACE = 0x7d;

export function writeRecordPage(page: RecordPage, shard: Shard, others: WireStructure): Buffer {
  // `{"MillisBehindLatest":…}` without its opening brace.
  const rest = jsonCodec.encode(others).toString('latin1').slice(1);
  const target = Buffer.allocUnsafe(RECORDS_START.length + sizeOf(page) + rest.length + 2);
  let position = target.write(RECORDS_START, 0, 'latin1');
  for (const run of page.runs) position = writeRun(target, position, run, shard);
  if (page.recordCount > 0) position--;
  position += target.write(`],${rest}`, position, 'latin1');
  return target.subarray(0, position);
}

/** An upper bound of the bytes of all records. */
function sizeOf({ runs }: RecordPage): number {
  let size = 0;
  for (const { records } of runs) {
    for (const { key, value } of records) {
      // Of a key, every byte may become an escape of six characters; binary ones grow by less.
      size += RECORD_FRAME_BYTES + base64Length(value?.length ?? 0) + (key?.length ?? 0) * 6;
    }
  }
  return size;
}

function base64Length(bytes: number): number {
  return Math.ceil(bytes / 3) * 4;
}

function writeRun(
  target: Buffer,
  start: number,
  { records, baseOffset, appendTimeMs, encrypted }: RecordRun,
  shard: Shard,
): number {
  let position = start;
  const numbers = sequenceNumbersOf(records, baseOffset, appendTimeMs, shard);
  const arrival = `${ARRIVAL}${appendTimeMs / 1000}${DATA}`;
  for (let i = 0; i < records.length; i++) {
    const { key, value } = records[i] as BatchRecord;
    const number = numbers[i] as string;
    position += target.write(SEQUENCE_NUMBER + number + arrival, position, 'latin1');
    if (value !== null) position += target.write(value.toString('base64'), position, 'latin1');
    position =
      key === null ? position + target.write(WITHOUT_KEY, position, 'latin1') : writeKey(target, position, key);
    if (encrypted) position += target.write(ENCRYPTION_TYPE, position, 'latin1');
    target[position++] = CLOSE_BRACE;
    target[position++] = COMMA;
  }
  return position;
}

/** The sequence numbers of records of one run, in their order. */
export function sequenceNumbersOf(
  records: readonly BatchRecord[],
  baseOffset: bigint,
  appendTimeMs: number,
  shard: Shard,
): readonly string[] {
  const first = records[0] as BatchRecord;
  // In a compacted batch there are gaps, and a client may have sent any order: then each number is composed alone.
  const consecutive = records.every(({ offsetDelta }, i) => offsetDelta === first.offsetDelta + i);
  if (!consecutive) {
    return records.map(({ offsetDelta }) => sequenceNumberOf(shard, baseOffset + BigInt(offsetDelta), appendTimeMs));
  }
  return formatSequenceNumbers(
    {
      offset: baseOffset + BigInt(first.offsetDelta),
      shardNumber: shard.number,
      appendTimeSeconds: Math.floor(appendTimeMs / 1000),
      shardCreatedSeconds: Math.floor(shard.openedAtMs / 1000),
    },
    records.length,
  );
}

function writeKey(target: Buffer, start: number, key: Buffer): number {
  let position = start + target.write(PARTITION_KEY, start, 'latin1');
  for (let i = 0; i < key.length; i++) {
    const byte = key[i] as number;
    if (byte < 0x20 || byte > 0x7e || byte === QUOTE || byte === BACKSLASH) {
      return position + target.write(JSON.stringify(partitionKeyFromKey(key)), position, 'utf8');
    }
  }
  target[position++] = QUOTE;
  position += key.copy(target, position);
  target[position++] = QUOTE;
  return position;
}
