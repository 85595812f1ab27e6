import { partitionKeyFromKey, type Shard, shardIdOf } from '@tailrace/shard-core';
import { linksFrom, logMetrics, setHttpTransfer, tracing, trafficMetrics, withLogSpan } from '@tailrace/telemetry';
import { streamWithChildren } from '../../end-of-shard.ts';
import { invalidArgument, resourceNotFound } from '../aws-error.ts';
import { endDryRun } from '../dry-run.ts';
import { ENCRYPTED } from '../encryption.ts';
import { dryRun, streamArn } from '../members.ts';
import { operation } from '../operation.ts';
import type { WireStructure } from '../wire/wire-codec.ts';
import { PageSlots } from '../page-slots.ts';
import { isAtEnd, millisBehind, readPage, type RecordPage, traceparentsOf } from '../record-page.ts';
import { writeRecordPageCbor } from '../record-page-cbor.ts';
import { writeRecordPage } from '../record-page-json.ts';
import { rateExceeded, refusalError } from '../refusal-errors.ts';
import { describeChildShards, sequenceNumberOf } from '../shard-description.ts';
import { openIterator, sealIterator } from '../shard-iterator.ts';
import { integer, required, string } from '../wire/shapes.ts';

/** What one answer holds at most. */
export const RECORDS_PER_PAGE_MAX = 10_000;
export const PAGE_BYTES_MAX = 10 * 1024 * 1024;
/** Pages in memory at once, of all callers. */
export const PAGES_AT_ONCE_MAX = 32;

const slots = new PageSlots(PAGES_AT_ONCE_MAX);

/**
 * GetRecords: the records from an iterator on, and the iterator behind them.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
 * 1 ValidationException  2 InvalidArgumentException  3 ExpiredIteratorException  4 ResourceNotFoundException
 * 5 DryRunOperationException  6 ProvisionedThroughputExceededException  7 KMSNotFoundException  8 InternalFailure
 */
export const getRecords = operation({
  name: 'GetRecords',
  input: {
    Limit: integer({ min: 1, max: RECORDS_PER_PAGE_MAX }),
    ShardIterator: required(string({ min: 1, max: 512 })),
    StreamARN: streamArn,
    DryRun: dryRun,
  },
  async run(input, { catalog, store, streams, limits, tokens, clock, span }): Promise<GetRecordsOutput> {
    const iterator = openIterator(tokens, input.ShardIterator, clock()); // 2, 3
    const { streamId, streamName, shardNumber } = iterator;
    const { StreamARN } = input;
    const place = streams.nameOf(StreamARN === undefined ? { StreamName: streamName } : { StreamARN });
    let stream = catalog.peekById(streamId);
    if (place.streamName !== streamName || (stream !== undefined && !streams.reaches(place, stream))) {
      throw invalidArgument(
        StreamARN === undefined ? 'Invalid ShardIterator.' : `The ShardIterator is not one of the stream ${StreamARN}.`,
      ); // 2
    }
    if (stream === undefined) {
      const found = await streams.find(place);
      if (found?.id === streamId) stream = found;
    }
    const shard = stream?.shard(shardNumber);
    if (stream === undefined || shard === undefined) {
      throw resourceNotFound(
        `Shard ${shardIdOf(shardNumber)} in stream ${streamName} under account ${place.account} does not exist`, // 4
      );
    }
    endDryRun(input.DryRun); // 5
    if (limits.enabled) {
      const decision = await limits.takeReadCall(shard.key);
      if (!decision.ok) {
        trafficMetrics('http').throttled++;
        throw rateExceeded(shard.shardId, place); // 6
      }
    }
    const pageLimits = { records: input.Limit ?? RECORDS_PER_PAGE_MAX, bytes: PAGE_BYTES_MAX };
    const readFrom = () => readPage(store.log, shard.key, iterator.offset, pageLimits);
    const started = performance.now();
    const slot = slots.take(); // 8
    if (slot !== undefined) await slot;
    let page: RecordPage | undefined;
    try {
      const read = await (tracing.enabled
        ? withLogSpan('read', store.engine, streamName, shard.shardId, span, readFrom)
        : readFrom());
      logMetrics(store.engine).read.observe((performance.now() - started) / 1000);
      if (!read.ok) throw refusalError(read.refusal, place); // 4
      page = read.value;
      if (limits.enabled) await limits.chargeRead(shard.key, page.byteCount);
      trafficMetrics('http').sent(page.recordCount, page.byteCount);
      if (span.isRecording()) {
        setHttpTransfer(span, 'GetRecords', {
          type: 'receive',
          stream: streamName,
          shardId: shard.shardId,
          recordCount: page.recordCount,
          links: linksFrom(traceparentsOf(page)),
        });
      }
      const { nextOffset } = page;
      const ended = isAtEnd(page) ? await streamWithChildren(catalog, stream, shard) : undefined;
      return {
        page,
        shard,
        millisBehindLatest: millisBehind(page, clock()),
        nextShardIterator:
          ended === undefined
            ? sealIterator(tokens, { streamId, streamName, shardNumber, offset: nextOffset, issuedAtMs: clock() })
            : undefined,
        childShards: ended && describeChildShards(ended.shards, shard),
      };
    } catch (error) {
      page?.release();
      slots.giveBack();
      throw error;
    }
  },
  toWire(output: GetRecordsOutput): WireStructure {
    const { page, shard } = output;
    return {
      ...withoutRecords(output),
      Records: page.runs.flatMap(({ records, baseOffset, appendTimeMs, encrypted }) =>
        records.map(({ key, value, offsetDelta }) => ({
          SequenceNumber: sequenceNumberOf(shard, baseOffset + BigInt(offsetDelta), appendTimeMs),
          ApproximateArrivalTimestamp: new Date(appendTimeMs),
          Data: value ?? Buffer.alloc(0),
          PartitionKey: partitionKeyFromKey(key),
          EncryptionType: encrypted ? ENCRYPTED : undefined,
        })),
      ),
    };
  },
  toJson: (output: GetRecordsOutput) => writeRecordPage(output.page, output.shard, withoutRecords(output)),
  toCbor: (output: GetRecordsOutput) => writeRecordPageCbor(output.page, output.shard, withoutRecords(output)),
  release({ page }: GetRecordsOutput) {
    page.release();
    slots.giveBack();
  },
});

interface GetRecordsOutput {
  readonly page: RecordPage;
  readonly shard: Shard;
  readonly millisBehindLatest: number;
  readonly nextShardIterator: string | undefined;
  readonly childShards: readonly WireStructure[] | undefined;
}

function withoutRecords({ millisBehindLatest, nextShardIterator, childShards }: GetRecordsOutput): WireStructure {
  return { MillisBehindLatest: millisBehindLatest, NextShardIterator: nextShardIterator, ChildShards: childShards };
}
