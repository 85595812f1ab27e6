import type { BatchRecord } from '@tailrace/kafka-protocol';
import { partitionKeyFromKey, type Shard } from '@tailrace/shard-core';
import { ENCRYPTED } from './encryption.ts';
import type { WireStructure } from './wire/wire-codec.ts';
import type { RecordPage, RecordRun } from './record-page.ts';
import { sequenceNumbersOf } from './record-page-json.ts';
import { cborCodec } from './wire/cbor-codec.ts';
import { asciiItem, CBOR, HEAD_BYTES_MAX, headText, TIME_TAG, writeHead } from './wire/cbor-writer.ts';

/**
 * The answer of GetRecords in CBOR, written straight into one buffer: data is copied once, and what is the same for
 * every record is one piece of text, of one character a byte.
 */
const SEQUENCE_NUMBER = asciiItem('SequenceNumber');
const ARRIVAL = asciiItem('ApproximateArrivalTimestamp') + headText(CBOR.tag, TIME_TAG);
const DATA = asciiItem('Data');
const PARTITION_KEY = Buffer.from(asciiItem('PartitionKey'), 'latin1');
const RECORDS = asciiItem('Records');
const ENCRYPTION_TYPE = asciiItem('EncryptionType') + asciiItem(ENCRYPTED);
/** What a record takes beside data and key, at most: names, a number of 57 digits, a time, heads. */
const RECORD_FRAME_BYTES = 200;
/** A key of bytes that are not text is shown in base64 behind a prefix. */
const KEY_GROWTH = 2;
const KEY_FRAME_BYTES = 16;

export function writeRecordPageCbor(page: RecordPage, shard: Shard, others: WireStructure): Buffer {
  // A map of less than 24 members: its head is one byte, which counts one more here.
  const rest = cborCodec.encode(others) as Buffer;
  const target = Buffer.allocUnsafe(rest.length + RECORDS.length + HEAD_BYTES_MAX + sizeOf(page));
  rest.copy(target);
  target[0] = (rest[0] as number) + 1;
  let position = rest.length + target.write(RECORDS, rest.length, 'latin1');
  position = writeHead(target, position, CBOR.array, page.recordCount);
  for (const run of page.runs) position = writeRun(target, position, run, shard);
  return target.subarray(0, position);
}

/** An upper bound of the bytes of all records. */
function sizeOf({ runs }: RecordPage): number {
  let size = 0;
  for (const { records } of runs) {
    for (const { key, value } of records) {
      size += RECORD_FRAME_BYTES + (value?.length ?? 0) + KEY_FRAME_BYTES + (key?.length ?? 0) * KEY_GROWTH;
    }
  }
  return size;
}

function writeRun(target: Buffer, start: number, run: RecordRun, shard: Shard): number {
  const { records, baseOffset, appendTimeMs, encrypted } = run;
  let position = start;
  const numbers = sequenceNumbersOf(records, baseOffset, appendTimeMs, shard);
  const arrival = ARRIVAL + headText(CBOR.unsigned, appendTimeMs) + DATA;
  // Everything before the data; of the records of a run, only the number in it differs.
  const first = SEQUENCE_NUMBER + asciiItem(numbers[0] as string);
  const head = Buffer.from(first + arrival, 'latin1');
  const digits = (numbers[0] as string).length;
  const digitsStart = first.length - digits;
  for (let i = 0; i < records.length; i++) {
    const { key, value } = records[i] as BatchRecord;
    const number = numbers[i] as string;
    target[position++] = CBOR.map | ((key === null ? 3 : 4) + (encrypted ? 1 : 0));
    if (number.length === digits) {
      target.set(head, position);
      if (i > 0) target.write(number, position + digitsStart, digits, 'latin1');
      position += head.length;
    } else {
      position += target.write(SEQUENCE_NUMBER + asciiItem(number) + arrival, position, 'latin1');
    }
    position = writeHead(target, position, CBOR.bytes, value?.length ?? 0);
    if (value !== null) {
      target.set(value, position);
      position += value.length;
    }
    if (key !== null) position = writeKey(target, position, key);
    if (encrypted) position += target.write(ENCRYPTION_TYPE, position, 'latin1');
  }
  return position;
}

function writeKey(target: Buffer, start: number, key: Buffer): number {
  target.set(PARTITION_KEY, start);
  const position = start + PARTITION_KEY.length;
  for (let i = 0; i < key.length; i++) {
    if ((key[i] as number) > 0x7f) {
      return writeText(target, position, Buffer.from(partitionKeyFromKey(key) as string, 'utf8'));
    }
  }
  return writeText(target, position, key);
}

function writeText(target: Buffer, start: number, bytes: Buffer): number {
  const position = writeHead(target, start, CBOR.text, bytes.length);
  target.set(bytes, position);
  return position + bytes.length;
}
