import { errorCodes, MalformedFrame } from '@tailrace/kafka-protocol';

/**
 * Produce 0 to 2: advertised, because librdkafka reads its features from the range, and refused, because they carry message
 * sets of before RecordBatch v2. Kafka closes the connection; we name UNSUPPORTED_VERSION for every partition.
 *
 * Request: acks int16, timeout int32, topics [name, partitions [index int32, message set bytes]].
 * Answer: topics [name, partitions [index int32, error int16, base offset int64, since 2 append time int64]], since 1
 * throttle time int32.
 */
export const OLD_PRODUCE_VERSION_MAX = 2;

const MESSAGE_NAME = 'ProduceRequest before 3';
const APPEND_TIME_SINCE = 2;
const THROTTLE_TIME_SINCE = 1;

/** A whole response frame; `undefined` where the request had asked for none. Throws MalformedFrame. */
export function refuseOldProduce(
  frame: Buffer,
  bodyPosition: number,
  version: number,
  correlationId: number,
): Buffer | undefined {
  const cursor = new Cursor(frame, bodyPosition);
  const acks = cursor.int16('acks');
  cursor.int32('timeoutMs');
  const parts: Buffer[] = [int32(correlationId)];
  const topicCount = cursor.count('topics');
  parts.push(int32(topicCount));
  for (let topic = 0; topic < topicCount; topic++) {
    parts.push(cursor.string('topics.name'));
    const partitionCount = cursor.count('topics.partitions');
    parts.push(int32(partitionCount));
    for (let partition = 0; partition < partitionCount; partition++) {
      parts.push(int32(cursor.int32('topics.partitions.index')), refusal(version));
      cursor.skipBytes('topics.partitions.records');
    }
  }
  if (version >= THROTTLE_TIME_SINCE) parts.push(int32(0));
  if (acks === 0) return undefined;
  const body = Buffer.concat(parts);
  return Buffer.concat([int32(body.length), body]);
}

function refusal(version: number): Buffer {
  const bytes = Buffer.alloc(version >= APPEND_TIME_SINCE ? 18 : 10, 0xff);
  bytes.writeInt16BE(errorCodes.UNSUPPORTED_VERSION, 0);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value);
  return bytes;
}

class Cursor {
  readonly #frame: Buffer;
  #position: number;

  constructor(frame: Buffer, position: number) {
    this.#frame = frame;
    this.#position = position;
  }

  int16(field: string): number {
    return this.#take(2, field).readInt16BE();
  }

  int32(field: string): number {
    return this.#take(4, field).readInt32BE();
  }

  /** Of elements that take four bytes each at least. */
  count(field: string): number {
    const count = this.int32(field);
    if (count < 0 || count * 4 > this.#frame.length - this.#position) throw this.#malformed(field, `${count} elements`);
    return count;
  }

  /** With its length, as it came. */
  string(field: string): Buffer {
    const start = this.#position;
    const length = this.int16(field);
    this.#take(length, field);
    return this.#frame.subarray(start, this.#position);
  }

  skipBytes(field: string): void {
    const length = this.int32(field);
    if (length >= 0) this.#take(length, field);
  }

  #take(bytes: number, field: string): Buffer {
    const end = this.#position + bytes;
    if (bytes < 0 || end > this.#frame.length) throw this.#malformed(field, `needs ${bytes} bytes`);
    const taken = this.#frame.subarray(this.#position, end);
    this.#position = end;
    return taken;
  }

  #malformed(field: string, reason: string): MalformedFrame {
    return new MalformedFrame(MESSAGE_NAME, field, this.#position, reason);
  }
}
