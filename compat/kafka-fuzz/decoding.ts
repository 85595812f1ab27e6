import { isDeepStrictEqual } from 'node:util';
import {
  checkBatch,
  CorruptBatch,
  decode,
  decodeBatch,
  encode,
  type RequestHeader,
  scanRecords,
  UncompressedTooLarge,
} from '@tailrace/kafka-protocol';

/** What a batch may come apart into. */
const UNCOMPRESSED_BYTES_MAX = 1024 * 1024;
/** Comparing takes longer than decoding: one in so many. */
const COMPARED_IN = 8;
const PRODUCE_KEY = 0;
/** Topics, and partitions of each: mutations repeat them hundreds of times. */
const LOOKED_AT = 2;

export interface Decoding {
  /** Looks at a request that could be read. Throws where the library does not keep its word. */
  readonly look: (header: RequestHeader, body: Record<string, unknown>) => void;
  readonly counts: { compared: number; batchesRead: number; batchesRefused: number };
}

/**
 * What the library promises of a request that can be read: written and read again it is the same; and its record sets, whatever
 * they are, are taken apart or refused by name, without memory for more than is allowed.
 */
export function decoding(): Decoding {
  const counts = { compared: 0, batchesRead: 0, batchesRefused: 0 };
  let seen = 0;
  return {
    counts,
    look({ api, apiVersion }, body) {
      if (api === undefined) return;
      if (++seen % COMPARED_IN === 0) {
        counts.compared++;
        const again = decode(api.request, apiVersion, Buffer.concat(encode(api.request, apiVersion, body as never)));
        if (!isDeepStrictEqual(again, body))
          throw new Error(`${api.name} ${apiVersion} is another one when it is read again`);
      }
      if (api.key !== PRODUCE_KEY) return;
      const { topicData } = body as { topicData: { partitionData: { records: Buffer | null }[] }[] };
      for (const { partitionData } of topicData.slice(0, LOOKED_AT)) {
        for (const { records } of partitionData.slice(0, LOOKED_AT)) {
          if (records !== null && isRead(records)) counts.batchesRead++;
          else counts.batchesRefused++;
        }
      }
    },
  };
}

/** As the doors do it: the header is checked first, then records are looked over, or made. */
function isRead(records: Buffer): boolean {
  const check = checkBatch(records, 0, records.length);
  if (!check.ok) return false;
  try {
    const limits = { uncompressedBytesMax: UNCOMPRESSED_BYTES_MAX };
    let visited = 0;
    scanRecords(records, 0, check.header, limits, () => visited++);
    const { length } = decodeBatch(records, 0, check.header, limits);
    if (length !== visited) throw new Error(`${length} records are made of ${visited}`);
    return true;
  } catch (error) {
    if (error instanceof CorruptBatch || error instanceof UncompressedTooLarge) return false;
    throw error;
  }
}
