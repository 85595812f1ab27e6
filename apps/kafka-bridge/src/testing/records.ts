import { type BatchOptions, encodeBatch } from '@tailrace/kafka-protocol';

/** One batch of records without keys, whose values are these texts. For specs. */
export function batchOf(
  values: readonly string[],
  options: BatchOptions & { readonly timestampMs?: number } = {},
): Buffer {
  const { timestampMs = 1_000, ...batch } = options;
  return encodeBatch(
    values.map((value) => ({ key: null, value: Buffer.from(value), timestampMs })),
    batch,
  );
}
