import type { Shard } from '@tailrace/shard-core';
import type { RecordPage } from '../record-page.ts';
import { writeRecordPageCbor } from '../record-page-cbor.ts';
import { writeRecordPage } from '../record-page-json.ts';
import type { WireCodec, WireStructure } from '../wire/wire-codec.ts';

/** A SubscribeToShardEvent with the records of a page (or none) and its other members. */
export function encodeEvent(
  codec: WireCodec,
  page: RecordPage | undefined,
  shard: Shard,
  others: WireStructure,
): Buffer | string {
  if (page === undefined || page.recordCount === 0) return codec.encode({ Records: [], ...others });
  return codec.writer === 'toJson' ? writeRecordPage(page, shard, others) : writeRecordPageCbor(page, shard, others);
}
