/**
 * Nanoseconds per operation of the hot paths: `node libs/kafka-protocol/bench/codec.bench.ts`.
 * Takes some five seconds. Differences under 1.3 times mean nothing on a shared machine.
 */
import {
  decodeBatch,
  decodeRequest,
  encodeBatch,
  encodeRequest,
  encodeResponse,
  errorCodes,
  fetchResponse,
  apisByKey,
  produceRequest,
  readBatchHeader,
  checkBatch,
} from '../src/index.ts';

const WARM_UP_MS = 150;
const MEASURED_MS = 500;

let sink: unknown;

function measure(name: string, work: () => unknown, perOperation?: { readonly records: number }): void {
  const run = (milliseconds: number): number => {
    const until = performance.now() + milliseconds;
    let count = 0;
    const start = performance.now();
    do {
      for (let i = 0; i < 16; i++) sink = work();
      count += 16;
    } while (performance.now() < until);
    return ((performance.now() - start) * 1e6) / count;
  };
  run(WARM_UP_MS);
  const nanoseconds = Math.min(run(MEASURED_MS), run(MEASURED_MS));
  const records =
    perOperation === undefined
      ? ''
      : `   ${Math.round((perOperation.records * 1e9) / nanoseconds).toLocaleString('en')} records/s`;
  console.log(`${name.padEnd(58)}${Math.round(nanoseconds).toLocaleString('en').padStart(12)} ns${records}`);
}

const stored = Buffer.alloc(64 * 1024, 7);
const small = Buffer.alloc(200, 7);

const fetchDraft = (records: Buffer) => ({
  throttleTimeMs: 0,
  responses: [
    {
      topic: 'orders',
      topicId: 'BBBBBBBBBBBBBBBBBBBBBA',
      partitions: Array.from({ length: 16 }, (_, partitionIndex) => ({
        partitionIndex,
        errorCode: errorCodes.NONE,
        highWatermark: 123_456_789n,
        lastStableOffset: 123_456_789n,
        logStartOffset: 0n,
        abortedTransactions: null,
        records,
      })),
    },
  ],
});

for (const version of [11, 16]) {
  const large = fetchDraft(stored);
  const little = fetchDraft(small);
  measure(`Fetch response v${version}, 16 partitions of 64 KiB, encode`, () =>
    encodeResponse(fetchResponse, version, 1, large),
  );
  measure(`Fetch response v${version}, 16 partitions of 200 B, encode`, () =>
    encodeResponse(fetchResponse, version, 1, little),
  );
}

for (const version of [7, 9]) {
  const frame = Buffer.concat(
    encodeRequest(
      produceRequest,
      version,
      { correlationId: 1, clientId: 'rdkafka' },
      {
        acks: -1,
        timeoutMs: 30_000,
        topicData: [{ name: 'orders', partitionData: [{ index: 3, records: small }] }],
      },
    ),
  ).subarray(4);
  measure(`Produce request v${version}, one partition, decode`, () => decodeRequest(frame, apisByKey));
}

const value = Buffer.alloc(1024, 'x');
const records = Array.from({ length: 500 }, (_, i) => ({ key: `key-${i}`, value, timestampMs: 1_700_000_000_000 + i }));
const slab = Buffer.alloc(1024 * 1024);
const batch = encodeBatch(records);
const header = readBatchHeader(batch, 0);
const limits = { uncompressedBytesMax: 16 * 1024 * 1024 };

measure('batch of 500 × 1 KiB, encode', () => encodeBatch(records), { records: 500 });
measure(
  'batch of 500 × 1 KiB, encode into a reused slab',
  () => encodeBatch(records, { allocate: (size) => slab.subarray(0, size) }),
  { records: 500 },
);
measure('batch of 1 × 1 KiB, encode', () => encodeBatch(records.slice(0, 1)), { records: 1 });
measure('batch of 500 × 1 KiB, check', () => checkBatch(batch, 0, batch.length), { records: 500 });
measure('batch of 500 × 1 KiB, decode', () => decodeBatch(batch, 0, header, limits), { records: 500 });

if (sink === undefined) throw new Error('nothing was measured');
