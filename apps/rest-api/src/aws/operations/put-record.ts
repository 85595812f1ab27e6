import { parseSequenceNumber } from '@tailrace/shard-core';
import { setHttpTransfer } from '@tailrace/telemetry';
import type { Placed } from '../../ingest/index.ts';
import { invalidArgument } from '../aws-error.ts';
import { endDryRun } from '../dry-run.ts';
import { checkEncryptionKey, ENCRYPTED } from '../encryption.ts';
import { dryRun, hashKey, partitionKey, sequenceNumber, streamArn, streamName } from '../members.ts';
import { operation } from '../operation.ts';
import { checkExplicitHashKey, checkRecords, ingestRecordOf, recordData } from '../put-members.ts';
import { refusalError } from '../refusal-errors.ts';
import { sequenceNumberOf } from '../shard-description.ts';
import { required } from '../wire/shapes.ts';

/**
 * PutRecord: writes one record, and answers when it is as safe as the stream asks.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html
 * 1 ValidationException  2 InvalidArgumentException (no stream named)  3 ResourceNotFoundException
 * 4 ResourceInUseException  5 ValidationException (no partition key, data too large for the stream)
 * 6 InvalidArgumentException (hash key, ordering)  7 KMSNotFoundException  8 DryRunOperationException
 * 9 ProvisionedThroughputExceededException  10 InternalFailure
 */
export const putRecord = operation({
  name: 'PutRecord',
  input: {
    /**
     * Numbers here always grow within a shard, also without it: a caller who waits for the answer gets larger ones.
     * It is checked, and no more is to do.
     */
    SequenceNumberForOrdering: sequenceNumber,
    PartitionKey: partitionKey,
    ExplicitHashKey: hashKey,
    Data: required(recordData),
    StreamName: streamName,
    StreamARN: streamArn,
    DryRun: dryRun,
  },
  async run(input, { store, streams, ingest, span, clock }): Promise<PutRecordOutput> {
    const stream = await streams.usable(input); // 2, 3, 4
    checkRecords(stream, [input], () => ''); // 5
    checkExplicitHashKey(input.ExplicitHashKey); // 6
    const place = streams.nameOf(input);
    checkOrdering(input.SequenceNumberForOrdering, place, clock()); // 6
    checkEncryptionKey(stream, store); // 7
    endDryRun(input.DryRun); // 8
    const outcome = await ingest.put(stream, ingestRecordOf(stream, input), span);
    if (!outcome.ok) throw refusalError(outcome.refusal, place); // 9, 10
    setHttpTransfer(span, 'PutRecord', {
      type: 'send',
      stream: stream.name,
      shardId: outcome.value.shard.shardId,
    });
    return stream.document.encryption === undefined ? outcome.value : { ...outcome.value, encrypted: true };
  },
  toWire: (placed: PutRecordOutput) => ({
    ShardId: placed.shard.shardId,
    SequenceNumber: numberOf(placed),
    EncryptionType: placed.encrypted ? ENCRYPTED : undefined,
  }),
  toJson: (placed: PutRecordOutput) =>
    `{"ShardId":"${placed.shard.shardId}","SequenceNumber":"${numberOf(placed)}"` +
    (placed.encrypted ? `,"EncryptionType":"${ENCRYPTED}"}` : '}'),
});

interface PutRecordOutput extends Placed {
  readonly encrypted?: true;
}

function numberOf({ shard, offset, appendTimeMs }: Placed): string {
  return sequenceNumberOf(shard, offset, appendTimeMs);
}

function checkOrdering(
  text: string | undefined,
  { streamName, account }: { readonly streamName: string; readonly account: string },
  nowMs: number,
): void {
  if (text === undefined) return;
  const parts = parseSequenceNumber(text);
  if (parts !== undefined && parts.appendTimeSeconds * 1000 <= nowMs) return;
  throw invalidArgument(
    `ExclusiveMinimumSequenceNumber ${text} used in PutRecord on stream ${streamName} under account ${account} is invalid.`,
  );
}
