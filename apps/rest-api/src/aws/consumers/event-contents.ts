import { partitionKeyFromKey, type Shard } from '@tailrace/shard-core';
import type { WireStructure } from '../operation.ts';
import type { RecordPage } from '../record-page.ts';
import { writeRecordPage } from '../record-page-json.ts';
import { sequenceNumberOf } from '../shard-description.ts';
import type { WireCodec } from '../wire/wire-codec.ts';

const NO_DATA = Buffer.alloc(0);

/** A SubscribeToShardEvent with the records of a page (or none) and its other members. */
export function encodeEvent(
  codec: WireCodec,
  page: RecordPage | undefined,
  shard: Shard,
  others: WireStructure,
): Buffer | string {
  if (page === undefined || page.recordCount === 0) return codec.encode({ Records: [], ...others });
  if (codec.writer === 'toJson') return writeRecordPage(page, shard, others);
  return codec.encode({
    ...others,
    Records: page.runs.flatMap(({ records, baseOffset, appendTimeMs }) =>
      records.map(({ key, value, offsetDelta }) => ({
        SequenceNumber: sequenceNumberOf(shard, baseOffset + BigInt(offsetDelta), appendTimeMs),
        ApproximateArrivalTimestamp: new Date(appendTimeMs),
        Data: value ?? NO_DATA,
        PartitionKey: partitionKeyFromKey(key),
      })),
    ),
  });
}
