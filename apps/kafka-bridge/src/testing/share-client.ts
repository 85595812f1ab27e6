import {
  decodeBatch,
  readBatchHeader,
  shareAcknowledgeApi,
  shareFetchApi,
  shareGroupHeartbeatApi,
} from '@tailrace/kafka-protocol';
import type { WireClient } from './wire-client.ts';

const UNCOMPRESSED_BYTES_MAX = 1024 * 1024;

/** A record that a member was given. */
export interface SharedRecord {
  readonly offset: number;
  readonly value: string;
  readonly deliveryCount: number;
}

export interface ShareFetched {
  readonly errorCode: number;
  readonly partitionErrors: readonly number[];
  readonly acknowledgeErrors: readonly number[];
  readonly records: readonly SharedRecord[];
  /** `0-9 x1`, as the answer names them. */
  readonly acquired: readonly string[];
  readonly lockMs: number;
}

export interface AcknowledgedOffsets {
  readonly partition?: number;
  readonly first: number;
  readonly last: number;
  readonly types: readonly number[];
}

export interface ShareFetchOptions {
  readonly maxWaitMs?: number;
  readonly minBytes?: number;
  readonly maxBytes?: number;
  readonly maxRecords?: number;
  readonly strict?: boolean;
  readonly acknowledge?: readonly AcknowledgedOffsets[];
  readonly epoch?: number;
  readonly renew?: boolean;
  readonly forget?: readonly number[];
}

/** A member of a share group, that says what a test wants it to say. For specs. */
export class ShareClient {
  readonly #client: WireClient;
  readonly groupId: string;
  readonly memberId: string;
  readonly topicId: string;
  sessionEpoch = 0;
  memberEpoch = 0;

  constructor(client: WireClient, groupId: string, memberId: string, topicId: string) {
    this.#client = client;
    this.groupId = groupId;
    this.memberId = memberId;
    this.topicId = topicId;
  }

  /** Answers the error, or which partitions the member was told to read, if it was told. */
  async heartbeat(topics: readonly string[] | null, memberEpoch = this.memberEpoch): Promise<number | string> {
    const answer = await this.#client.request(shareGroupHeartbeatApi, 1, {
      groupId: this.groupId,
      memberId: this.memberId,
      memberEpoch,
      subscribedTopicNames: topics,
    });
    if (answer.errorCode !== 0) return answer.errorCode;
    this.memberEpoch = answer.memberEpoch;
    const { assignment } = answer;
    if (assignment === null) return '-';
    return assignment.topicPartitions.map(({ partitions }) => partitions.join()).join(' ');
  }

  /** Of these partitions at first, of the session's then. */
  async fetch(partitions: readonly number[] = [], options: ShareFetchOptions = {}): Promise<ShareFetched> {
    const {
      maxWaitMs = 0,
      minBytes = 1,
      maxBytes = 0x7fff_ffff,
      maxRecords = 500,
      strict = false,
      epoch = this.sessionEpoch,
      renew = false,
    } = options;
    const named = new Map<number, AcknowledgedOffsets[]>(partitions.map((partition) => [partition, []]));
    for (const one of options.acknowledge ?? []) {
      const ofPartition = named.get(one.partition ?? 0) ?? [];
      named.set(one.partition ?? 0, [...ofPartition, one]);
    }
    const { topicId } = this;
    const answer = await this.#client.request(shareFetchApi, 2, {
      groupId: this.groupId,
      memberId: this.memberId,
      shareSessionEpoch: epoch,
      ...(renew
        ? { maxWaitMs: 0, minBytes: 0, maxBytes: 0, maxRecords: 0, batchSize: 0 }
        : { maxWaitMs, minBytes, maxBytes, maxRecords, batchSize: maxRecords }),
      shareAcquireMode: strict ? 1 : 0,
      isRenewAck: renew,
      topics: [{ topicId, partitions: [...named].map(([partitionIndex, ranges]) => asOnWire(partitionIndex, ranges)) }],
      forgottenTopicsData: options.forget === undefined ? [] : [{ topicId, partitions: [...options.forget] }],
    });
    if (answer.errorCode === 0) this.sessionEpoch = epoch === -1 ? 0 : epoch + 1;
    const all = answer.responses.flatMap((topic) => topic.partitions);
    return {
      errorCode: answer.errorCode,
      partitionErrors: all.map(({ errorCode }) => errorCode),
      acknowledgeErrors: all.map(({ acknowledgeErrorCode }) => acknowledgeErrorCode),
      records: all.flatMap(recordsOf),
      acquired: all.flatMap(({ acquiredRecords }) =>
        acquiredRecords.map((one) => `${one.firstOffset}-${one.lastOffset} x${one.deliveryCount}`),
      ),
      lockMs: answer.acquisitionLockTimeoutMs,
    };
  }

  /** Answers the error of the whole request, or those of the partitions. */
  async acknowledge(
    ranges: readonly AcknowledgedOffsets[],
    epoch = this.sessionEpoch,
    renew = false,
  ): Promise<number | readonly number[]> {
    const named = new Map<number, AcknowledgedOffsets[]>();
    for (const one of ranges) named.set(one.partition ?? 0, [...(named.get(one.partition ?? 0) ?? []), one]);
    const answer = await this.#client.request(shareAcknowledgeApi, 2, {
      groupId: this.groupId,
      memberId: this.memberId,
      shareSessionEpoch: epoch,
      isRenewAck: renew,
      topics: [{ topicId: this.topicId, partitions: [...named].map(([index, its]) => asOnWire(index, its)) }],
    }); // prettier-ignore
    if (answer.errorCode !== 0) return answer.errorCode;
    this.sessionEpoch = epoch === -1 ? 0 : epoch + 1;
    return answer.responses.flatMap((topic) => topic.partitions.map(({ errorCode }) => errorCode));
  }
}

function asOnWire(partitionIndex: number, ranges: readonly AcknowledgedOffsets[]) {
  return {
    partitionIndex,
    acknowledgementBatches: ranges.map(({ first, last, types }) => ({
      firstOffset: BigInt(first),
      lastOffset: BigInt(last),
      acknowledgeTypes: [...types],
    })),
  };
}

/** Those that were acquired, of the batches that came. */
function recordsOf(partition: {
  readonly records: Buffer;
  readonly acquiredRecords: readonly {
    readonly firstOffset: bigint;
    readonly lastOffset: bigint;
    readonly deliveryCount: number;
  }[];
}): SharedRecord[] {
  const all: SharedRecord[] = [];
  const { records } = partition;
  for (let position = 0; position < records.length;) {
    const header = readBatchHeader(records, position);
    if (!header.isControl) {
      for (const record of decodeBatch(records, position, header, { uncompressedBytesMax: UNCOMPRESSED_BYTES_MAX })) {
        const offset = header.baseOffset + BigInt(record.offsetDelta);
        const range = partition.acquiredRecords.find((one) => one.firstOffset <= offset && offset <= one.lastOffset);
        if (range === undefined) continue;
        all.push({ offset: Number(offset), value: String(record.value), deliveryCount: range.deliveryCount });
      }
    }
    position += header.sizeBytes;
  }
  return all;
}
