import { formatSequenceNumbers } from '@tailrace/shard-core';
import { setHttpTransfer } from '@tailrace/telemetry';
import type { PutOutcome } from '../../ingest/index.ts';
import { invalidArgument } from '../aws-error.ts';
import { endDryRun } from '../dry-run.ts';
import { checkEncryptionKey, ENCRYPTED } from '../encryption.ts';
import { dryRun, hashKey, partitionKey, streamArn, streamName } from '../members.ts';
import { operation } from '../operation.ts';
import type { WireStructure } from '../wire/wire-codec.ts';
import { checkExplicitHashKey, checkRecords, ingestRecordOf, recordData } from '../put-members.ts';
import { recordFault, type RefusalPlace } from '../refusal-errors.ts';
import { list, required, structure } from '../wire/shapes.ts';

/** Data and partition keys of all records together. */
export const REQUEST_RECORD_BYTES_MAX = 10 * 1024 * 1024;

/**
 * PutRecords: writes up to 500 records; each one succeeds or fails alone.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
 * Whole request: 1 ValidationException  2 InvalidArgumentException (size, no stream named)
 *                3 ResourceNotFoundException  4 ResourceInUseException
 *                5 ValidationException (no partition key, data too large for the stream)
 *                6 InvalidArgumentException (hash key)  7 KMSNotFoundException  8 DryRunOperationException
 * Per record:    9 ProvisionedThroughputExceededException  10 InternalFailure
 */
export const putRecords = operation({
  name: 'PutRecords',
  input: {
    Records: required(
      list({
        min: 1,
        max: 500,
        memberText: 'com.amazonaws.kinesis.v20131202.PutRecordsRequestEntry@c965e310',
        of: structure({ PartitionKey: partitionKey, ExplicitHashKey: hashKey, Data: required(recordData) }),
      }),
    ),
    StreamName: streamName,
    StreamARN: streamArn,
    DryRun: dryRun,
  },
  async run(input, { store, streams, ingest, span }): Promise<PutRecordsOutput> {
    const { Records } = input;
    let bytes = 0;
    for (const { Data, PartitionKey = '' } of Records) bytes += Data.length + Buffer.byteLength(PartitionKey);
    if (bytes > REQUEST_RECORD_BYTES_MAX) throw invalidArgument('Records size exceeds 10 MB limit'); // 2
    const stream = await streams.usable(input); // 2, 3, 4
    checkRecords(stream, Records, (index) => `records.${index + 1}.member.`); // 5
    for (const { ExplicitHashKey } of Records) checkExplicitHashKey(ExplicitHashKey); // 6
    checkEncryptionKey(stream, store); // 7
    endDryRun(input.DryRun); // 8
    const outcomes = await ingest.putMany(
      stream,
      Records.map((record) => ingestRecordOf(stream, record)),
      span,
    ); // 9, 10
    setHttpTransfer(span, 'PutRecords', { type: 'send', stream: stream.name, recordCount: Records.length });
    return {
      outcomes,
      place: streams.nameOf(input),
      encrypted: stream.document.encryption !== undefined,
    };
  },
  toWire({ outcomes, place, encrypted }: PutRecordsOutput): WireStructure {
    const numbers = sequenceNumbersOf(outcomes);
    return {
      FailedRecordCount: outcomes.reduce((count, { ok }) => count + (ok ? 0 : 1), 0),
      Records: outcomes.map((outcome, i) =>
        outcome.ok
          ? { SequenceNumber: numbers[i], ShardId: outcome.value.shard.shardId }
          : recordFault(outcome.refusal, place),
      ),
      EncryptionType: encrypted ? ENCRYPTED : undefined,
    };
  },
  toJson({ outcomes, place, encrypted }: PutRecordsOutput): string {
    const numbers = sequenceNumbersOf(outcomes);
    let failed = 0;
    let records = '';
    for (let i = 0; i < outcomes.length; i++) {
      const outcome = outcomes[i] as PutOutcome;
      if (i > 0) records += ',';
      if (outcome.ok) {
        records += `{"SequenceNumber":"${numbers[i] as string}","ShardId":"${outcome.value.shard.shardId}"}`;
      } else {
        failed++;
        // Stream names and codes are ASCII.
        records += JSON.stringify(recordFault(outcome.refusal, place));
      }
    }
    return `{"FailedRecordCount":${failed},"Records":[${records}]${encrypted ? `,"EncryptionType":"${ENCRYPTED}"` : ''}}`;
  },
});

interface PutRecordsOutput {
  readonly outcomes: readonly PutOutcome[];
  readonly place: RefusalPlace;
  readonly encrypted: boolean;
}

/** The sequence numbers in request order. Runs that were appended together are counted up, not composed each. */
function sequenceNumbersOf(outcomes: readonly PutOutcome[]): (string | undefined)[] {
  const numbers = new Array<string | undefined>(outcomes.length);
  let start = 0;
  while (start < outcomes.length) {
    const first = outcomes[start] as PutOutcome;
    if (!first.ok) {
      start++;
      continue;
    }
    const { shard, offset, appendTimeMs } = first.value;
    let end = start + 1;
    let next = offset + 1n;
    for (; end < outcomes.length; end++, next++) {
      const outcome = outcomes[end] as PutOutcome;
      if (!outcome.ok || outcome.value.shard !== shard) break;
      if (outcome.value.offset !== next || outcome.value.appendTimeMs !== appendTimeMs) break;
    }
    const run = formatSequenceNumbers(
      {
        offset,
        shardNumber: shard.number,
        appendTimeSeconds: Math.floor(appendTimeMs / 1000),
        shardCreatedSeconds: Math.floor(shard.openedAtMs / 1000),
      },
      end - start,
    );
    for (let i = 0; i < run.length; i++) numbers[start + i] = run[i];
    start = end;
  }
  return numbers;
}
