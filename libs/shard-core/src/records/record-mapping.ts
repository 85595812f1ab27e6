/**
 * How one record looks through both doors. The only place that knows.
 *
 * | Kinesis / REST                | Kafka                                                   |
 * |-------------------------------|---------------------------------------------------------|
 * | partition key                 | record key: its UTF-8 bytes                             |
 * | data                          | record value                                            |
 * | explicit hash key             | header `tailrace.explicit-hash-key`, decimal text       |
 * | W3C trace context             | headers `traceparent`, `tracestate`                     |
 * | arrival time of a put         | record timestamp (create time)                          |
 * | ApproximateArrivalTimestamp   | when the batch was appended                             |
 *
 * What Kafka has and Kinesis has not:
 *
 * | Kafka record                                  | through the AWS protocol                                     |
 * |-----------------------------------------------|--------------------------------------------------------------|
 * | key null                                      | no PartitionKey member                                       |
 * | key empty                                     | PartitionKey `""`                                            |
 * | key that is not UTF-8                         | PartitionKey `base64:` and the key in base64                 |
 * | key above 256 characters                      | PartitionKey as it is, whole                                 |
 * | value null (a tombstone)                      | Data empty                                                   |
 * | headers                                       | not shown; plain REST shows them                             |
 * | control records (transaction markers)         | not shown; their offsets stay unused                         |
 */

export const EXPLICIT_HASH_KEY_HEADER = 'tailrace.explicit-hash-key';
/** Marks a partition key that stands for bytes that are not UTF-8. */
export const BINARY_KEY_PREFIX = 'base64:';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The partition key for a record's key bytes; `undefined` for a null key. */
export function partitionKeyFromKey(key: Buffer | null): string | undefined {
  if (key === null) return undefined;
  if (isAscii(key)) return key.toString('latin1');
  try {
    return decoder.decode(key);
  } catch {
    return BINARY_KEY_PREFIX + key.toString('base64');
  }
}

/** The record key for a partition key. */
export function keyFromPartitionKey(partitionKey: string): Buffer {
  return Buffer.from(partitionKey, 'utf8');
}

function isAscii(bytes: Buffer): boolean {
  for (let i = 0; i < bytes.length; i++) if ((bytes[i] as number) > 0x7f) return false;
  return true;
}
