import {
  errorCodes,
  listOffsetsApi,
  type ListOffsetsRequest,
  type ListOffsetsResponse,
} from '@tailrace/kafka-protocol';
import type { Partition } from '@tailrace/shard-core';
import type { Bridge } from '../bridge.ts';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import { leaderEpochAt } from '../fetch/leader-epochs.ts';
import { type PartitionBounds, partitionBounds } from '../fetch/partition-read.ts';
import { firstAtOrAfter, type FoundOffset, largestTimestamp, NOT_FOUND } from '../topics/offset-lookup.ts';
import { handler } from './handler.ts';

type PartitionRequest = ListOffsetsRequest['topics'][number]['partitions'][number];
type PartitionAnswer = ListOffsetsResponse['topics'][number]['partitions'][number];

const READ_COMMITTED = 1;
const NO_CHECK = -1;
const LEADER_EPOCH_SINCE = 4;

/** The times that stand for places, and since which version. */
const LATEST = -1;
const EARLIEST = -2;
const MAX_TIMESTAMP = -3;
/** Of what is on the broker's own disk: without tiered storage, all of it. */
const EARLIEST_LOCAL = -4;
/** Of what is in tiered storage, or on the way there: without it, nothing. */
const LATEST_TIERED = -5;
const EARLIEST_PENDING_UPLOAD = -6;
const sinceVersion: Readonly<Record<number, number>> = {
  [MAX_TIMESTAMP]: 7, [EARLIEST_LOCAL]: 8, [LATEST_TIERED]: 9, [EARLIEST_PENDING_UPLOAD]: 11,
}; // prettier-ignore

/**
 * ListOffsets: the offset at a place (beginning, end, newest record) or a time, by partition.
 * Per partition: INVALID_REQUEST (named twice), UNKNOWN_TOPIC_OR_PARTITION, UNSUPPORTED_VERSION (a place that the version does
 * not know), FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH; KAFKA_STORAGE_ERROR, retryable, when the store is away.
 */
export const listOffsets = handler({
  api: listOffsetsApi,
  versions: listOffsetsApi.advertised,
  async run({ topics, isolationLevel }, exchange, bridge) {
    const { apiVersion } = exchange.header;
    const seen = new Map<string, number>();
    for (const { name, partitions } of topics) {
      for (const { partitionIndex } of partitions) {
        const key = `${name}/${partitionIndex}`;
        seen.set(key, (seen.get(key) ?? 0) + 1);
      }
    }
    const answers = await Promise.all(
      topics.map(async ({ name, partitions }) => ({
        name,
        partitions: await Promise.all(
          partitions.map(async (partition) => {
            if ((seen.get(`${name}/${partition.partitionIndex}`) as number) > 1) {
              return failed(partition, errorCodes.INVALID_REQUEST);
            }
            const answering = answerPartition(name, partition, isolationLevel, apiVersion, bridge);
            return unlessUnavailable(answering, () => failed(partition, errorCodes.KAFKA_STORAGE_ERROR));
          }),
        ),
      })),
    );
    for (const { partitions } of answers) for (const { errorCode } of partitions) exchange.noteError(errorCode);
    return { throttleTimeMs: 0, topics: answers };
  },
});

async function answerPartition(
  name: string,
  request: PartitionRequest,
  isolationLevel: number,
  apiVersion: number,
  bridge: Bridge,
): Promise<PartitionAnswer> {
  const partition = (await bridge.catalog.find(name))?.partitions[request.partitionIndex];
  if (partition === undefined) return failed(request, errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  const timestamp = Number(request.timestamp);
  if (timestamp < EARLIEST_PENDING_UPLOAD || apiVersion < (sinceVersion[timestamp] ?? 0)) {
    return failed(request, errorCodes.UNSUPPORTED_VERSION);
  }
  const isolation = isolationLevel === READ_COMMITTED ? 'readCommitted' : 'readUncommitted';
  const bounds = await partitionBounds(partition, bridge);
  if (bounds === undefined) return failed(request, errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  const { currentLeaderEpoch } = request;
  bridge.leaderEpochs.observe(partition.appendTo.key, bounds.leaderEpoch);
  if (currentLeaderEpoch !== NO_CHECK && currentLeaderEpoch !== bounds.leaderEpoch) {
    return failed(
      request,
      currentLeaderEpoch < bounds.leaderEpoch ? errorCodes.FENCED_LEADER_EPOCH : errorCodes.UNKNOWN_LEADER_EPOCH,
    );
  }
  const at = (offset: bigint): FoundOffset => ({ errorCode: errorCodes.NONE, offset, timestampMs: -1 });
  const end = isolation === 'readCommitted' ? bounds.lastStableOffset : bounds.highWatermark;
  const anywhere = await find(partition, timestamp, at(end), at(bounds.logStartOffset), bridge);
  // A record behind an open transaction is not there yet for committed readers.
  const isRecord = timestamp >= 0 || timestamp === MAX_TIMESTAMP;
  const found = isRecord && anywhere.offset >= end ? NOT_FOUND : anywhere;
  const tellsEpoch = found.offset >= 0n && apiVersion >= LEADER_EPOCH_SINCE;
  return {
    partitionIndex: request.partitionIndex,
    errorCode: found.errorCode,
    timestamp: BigInt(found.timestampMs),
    offset: found.offset,
    leaderEpoch: tellsEpoch ? await epochOf(found.offset, timestamp, partition, bounds, bridge) : -1,
  };
}

/** Of the record found; for the end of the log, that of the next record. */
async function epochOf(
  offset: bigint,
  timestamp: number,
  partition: Partition,
  bounds: PartitionBounds,
  bridge: Bridge,
): Promise<number> {
  return timestamp === LATEST ? bounds.leaderEpoch : leaderEpochAt(offset, partition, bounds, bridge);
}

async function find(
  partition: Partition,
  timestamp: number,
  latest: FoundOffset,
  earliest: FoundOffset,
  bridge: Bridge,
): Promise<FoundOffset> {
  switch (timestamp) {
    case LATEST:
      return latest;
    case EARLIEST:
    case EARLIEST_LOCAL:
      return earliest;
    case LATEST_TIERED:
    case EARLIEST_PENDING_UPLOAD:
      return NOT_FOUND;
    case MAX_TIMESTAMP:
      return largestTimestamp(partition, bridge);
    default:
      return firstAtOrAfter(partition, timestamp, bridge);
  }
}

function failed({ partitionIndex }: PartitionRequest, errorCode: number): PartitionAnswer {
  return { partitionIndex, errorCode, timestamp: -1n, offset: -1n, leaderEpoch: -1 };
}
