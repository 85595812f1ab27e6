import { parseHashKey } from '@tailrace/hashing';
import type { Stream } from '@tailrace/shard-core';
import type { IngestRecord } from '../ingest/index.ts';
import { invalidArgument, validationException } from './aws-error.ts';
import { blob } from './wire/shapes.ts';

const KIB = 1024;
/** The data of one record, where the stream sets nothing else. */
export const RECORD_KIB_MAX_DEFAULT = 1024;
/** The most that a stream can set. */
export const RECORD_DATA_BYTES_MAX = 10_240 * KIB;

export const recordData = blob({ max: RECORD_DATA_BYTES_MAX });

/** What PutRecord and PutRecords have of a record, once it is read. */
export interface PutMembers {
  readonly PartitionKey?: string;
  readonly ExplicitHashKey?: string;
  readonly Data: Buffer;
}

/** The service names so many faults of a request and then stops looking. */
const FAULTS_MAX = 10;

/**
 * What depends on the stream: how large a record may be, and whether it needs a partition key. In the words of the
 * service for limits of the request. Throws ValidationException.
 */
export function checkRecords(
  { document }: Stream,
  records: readonly PutMembers[],
  pathOf: (index: number) => string,
): void {
  const bytesMax = (document.recordKiBMax ?? RECORD_KIB_MAX_DEFAULT) * KIB;
  const needsKey = document.recordDistribution !== 'AUTO';
  let faults: string[] | undefined;
  for (let i = 0; i < records.length; i++) {
    const { PartitionKey, Data } = records[i] as PutMembers;
    if (needsKey && PartitionKey === undefined) {
      faults = [...(faults ?? []), faultText('null', `${pathOf(i)}partitionKey`, 'Member must not be null')];
    }
    if (Data.length > bytesMax) {
      const shown = `'java.nio.HeapByteBuffer[pos=0 lim=${Data.length} cap=${Data.length}]'`;
      const constraint = `Member must have length less than or equal to ${bytesMax}`;
      faults = [...(faults ?? []), faultText(shown, `${pathOf(i)}data`, constraint)];
    }
    if (faults !== undefined && faults.length >= FAULTS_MAX) break;
  }
  if (faults === undefined) return;
  const named = faults.slice(0, FAULTS_MAX);
  throw validationException(
    `${named.length} validation error${named.length > 1 ? 's' : ''} detected: ${named.join('; ')}`,
  );
}

function faultText(shown: string, path: string, constraint: string): string {
  return `Value ${shown} at '${path}' failed to satisfy constraint: ${constraint}`;
}

/** A record as it is ingested. In an AUTO stream the hash key that a producer sets counts for nothing. */
export function ingestRecordOf(
  { document }: Stream,
  { PartitionKey, ExplicitHashKey, Data }: PutMembers,
): IngestRecord {
  return {
    partitionKey: PartitionKey,
    explicitHashKey: document.recordDistribution === 'AUTO' ? undefined : ExplicitHashKey,
    data: Data,
  };
}

/** The pattern lets through 39 digits, of which not all are below 2^128. Throws InvalidArgumentException. */
export function checkExplicitHashKey(explicitHashKey: string | undefined): void {
  if (explicitHashKey === undefined || parseHashKey(explicitHashKey) !== undefined) return;
  throw invalidArgument(
    'Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. ' +
      `Specified value was ${explicitHashKey}`,
  );
}
