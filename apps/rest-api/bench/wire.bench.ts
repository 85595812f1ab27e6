/**
 * What the two forms of the AWS protocol cost, on one core and without sockets: a request of PutRecords taken apart and
 * checked, its answer, and the answer of GetRecords. `node apps/rest-api/bench/wire.bench.ts`
 */
import { decodeBatch, encodeBatch, readBatchHeader } from '@tailrace/kafka-protocol';
import { writeRecordPageCbor } from '../src/aws/record-page-cbor.ts';
import { writeRecordPage } from '../src/aws/record-page-json.ts';
import { putRecords } from '../src/aws/operations/put-records.ts';
import { cborCodec } from '../src/aws/wire/cbor-codec.ts';
import { jsonCodec } from '../src/aws/wire/json-codec.ts';
import { readInput } from '../src/aws/wire/read-input.ts';

const RECORDS = 500;
const DURATION_MS = 1_000;

function measure(name: string, records: number, run: () => void): void {
  for (let i = 0; i < 200; i++) run();
  let rounds = 0;
  const start = performance.now();
  let elapsed = 0;
  while ((elapsed = performance.now() - start) < DURATION_MS) {
    run();
    rounds++;
  }
  const nanoseconds = (elapsed * 1e6) / rounds / records;
  console.log(`${name.padEnd(48)} ${nanoseconds.toFixed(0).padStart(6)} ns a record`);
}

for (const size of [100, 1024]) {
  const Records = Array.from({ length: RECORDS }, (_, i) => ({
    Data: Buffer.alloc(size, i),
    PartitionKey: `key-${i}`,
  }));
  const request = { StreamName: 'orders', Records };
  for (const codec of [jsonCodec, cborCodec]) {
    const body = Buffer.from(codec.encode(request) as string);
    measure(`PutRecords request, ${size} B, ${codec.mediaType.slice(18)}`, RECORDS, () => {
      readInput(putRecords.input, codec.decode(body) as object, codec);
    });
  }
  const batch = encodeBatch(
    Records.map(({ Data, PartitionKey }) => ({ key: Buffer.from(PartitionKey), value: Data, timestampMs: Date.now() })),
  );
  const records = decodeBatch(batch, 0, readBatchHeader(batch, 0), { uncompressedBytesMax: 1 << 24 });
  const page = { runs: [{ records, baseOffset: 0n, appendTimeMs: Date.now() }], recordCount: RECORDS } as never;
  const shard = { number: 0, openedAtMs: Date.now() } as never;
  const others = { MillisBehindLatest: 0, NextShardIterator: 'A'.repeat(200) };
  measure(`GetRecords answer, ${size} B, json`, RECORDS, () => writeRecordPage(page, shard, others));
  measure(`GetRecords answer, ${size} B, cbor`, RECORDS, () => writeRecordPageCbor(page, shard, others));
}

const answer = {
  FailedRecordCount: 0,
  Records: Array.from({ length: RECORDS }, () => ({ SequenceNumber: '4'.repeat(56), ShardId: 'shardId-000000000000' })),
};
measure('PutRecords answer, generic, json', RECORDS, () => jsonCodec.encode(answer));
measure('PutRecords answer, generic, cbor', RECORDS, () => cborCodec.encode(answer));
