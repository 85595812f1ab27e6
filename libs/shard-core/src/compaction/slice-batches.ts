import { type BatchHeader, readBatchHeader } from '@tailrace/kafka-protocol';
import type { LogSlice } from '../contract/log.ts';

/** A batch where it lies in a slice. */
export interface SliceBatch {
  readonly header: BatchHeader;
  readonly chunk: Buffer;
  readonly position: number;
}

/** The batches of a slice, in their order. */
export function* batchesOf({ chunks }: Pick<LogSlice, 'chunks'>): Iterable<SliceBatch> {
  for (const chunk of chunks) {
    for (let position = 0; position < chunk.length;) {
      const header = readBatchHeader(chunk, position);
      yield { header, chunk, position };
      position += header.sizeBytes;
    }
  }
}
