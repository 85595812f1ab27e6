import {
  addOffsetsToTxnApi,
  addPartitionsToTxnApi,
  decodeBatch,
  endTxnApi,
  errorName,
  fetchApi,
  initProducerIdApi,
  listOffsetsApi,
  produceApi,
  readBatchHeader,
  txnOffsetCommitApi,
} from '@tailrace/kafka-protocol';
import type { Stream } from '@tailrace/shard-core';
import { batchOf } from './records.ts';
import type { WireClient } from './wire-client.ts';

/** By which rules a producer works: it keeps its epoch (1), or goes on with a higher one after each transaction (2). */
export type TransactionVersion = 1 | 2;

const UNCOMPRESSED_BYTES_MAX = 1_000_000;
const TIMEOUT_MS = 60_000;

/** A transactional producer, step by step, which answers the name of each error. For specs. */
export class TransactionalClient {
  readonly #client: WireClient;
  readonly #version: TransactionVersion;
  readonly transactionalId: string;
  producerId = -1n;
  producerEpoch = -1;
  readonly #sequences = new Map<string, number>();

  constructor(client: WireClient, transactionalId: string, version: TransactionVersion) {
    this.#client = client;
    this.transactionalId = transactionalId;
    this.#version = version;
  }

  async init(more: { timeoutMs?: number; producerId?: bigint; producerEpoch?: number; version?: number } = {}) {
    const { timeoutMs = TIMEOUT_MS, version = this.#version === 2 ? 5 : 4, ...expected } = more;
    const { transactionalId } = this;
    const request = { transactionalId, transactionTimeoutMs: timeoutMs, ...expected };
    const { errorCode, producerId, producerEpoch } = await this.#client.request(initProducerIdApi, version, request);
    if (errorCode === 0) this.become(producerId, producerEpoch);
    return errorName(errorCode);
  }

  become(producerId: bigint, producerEpoch: number): void {
    this.producerId = producerId;
    this.producerEpoch = producerEpoch;
    this.#sequences.clear();
  }

  async addPartitions(stream: Stream, partitions: readonly number[], version = 3) {
    const answer = await this.#client.request(addPartitionsToTxnApi, version, {
      v3AndBelowTransactionalId: this.transactionalId,
      v3AndBelowProducerId: this.producerId,
      v3AndBelowProducerEpoch: this.producerEpoch,
      v3AndBelowTopics: [{ name: stream.name, partitions: [...partitions] }],
    });
    return answer.resultsByTopicV3AndBelow.flatMap(({ resultsByPartition }) =>
      resultsByPartition.map(({ partitionErrorCode }) => errorName(partitionErrorCode)),
    );
  }

  /** Writes one batch; `version` 12 and later names no partition before. */
  async write(
    stream: Stream,
    values: readonly string[],
    more: { partition?: number; version?: number; transactionalId?: string | null; isTransactional?: boolean } = {},
  ) {
    const { partition = 0, version = this.#version === 2 ? 12 : 11, isTransactional = true } = more;
    const { transactionalId = this.transactionalId } = more;
    const place = `${stream.id}/${partition}`;
    const baseSequence = this.#sequences.get(place) ?? 0;
    const producer = { id: this.producerId, epoch: this.producerEpoch, baseSequence };
    const records = batchOf(values, { producer, isTransactional });
    const topic = version >= 13 ? { topicId: stream.id, name: '' } : { name: stream.name };
    const { responses } = await this.#client.request(produceApi, version, {
      transactionalId,
      acks: -1,
      timeoutMs: 5_000,
      topicData: [{ ...topic, partitionData: [{ index: partition, records }] }],
    });
    const errorCode = responses[0]?.partitionResponses[0]?.errorCode ?? NaN;
    if (errorCode === 0) this.#sequences.set(place, baseSequence + values.length);
    return errorName(errorCode);
  }

  async end(commit: boolean, version = this.#version === 2 ? 5 : 3) {
    const answer = await this.#client.request(endTxnApi, version, {
      transactionalId: this.transactionalId,
      producerId: this.producerId,
      producerEpoch: this.producerEpoch,
      committed: commit,
    });
    if (answer.errorCode === 0 && version >= 5) this.become(answer.producerId, answer.producerEpoch);
    return errorName(answer.errorCode);
  }

  async addOffsets(groupId: string, version = 3) {
    const { transactionalId, producerId, producerEpoch } = this;
    const request = { transactionalId, producerId, producerEpoch, groupId };
    return errorName((await this.#client.request(addOffsetsToTxnApi, version, request)).errorCode);
  }

  async commitOffset(
    groupId: string,
    stream: Stream,
    partition: number,
    offset: bigint,
    version = this.#version === 2 ? 5 : 3,
  ) {
    const { transactionalId, producerId, producerEpoch } = this;
    const partitions = [
      { partitionIndex: partition, committedOffset: offset, committedMetadata: 'from a transaction' },
    ];
    const answer = await this.#client.request(txnOffsetCommitApi, version, {
      transactionalId,
      groupId,
      producerId,
      producerEpoch,
      topics: [{ name: stream.name, partitions }],
    });
    return errorName(answer.topics[0]?.partitions[0]?.errorCode ?? NaN);
  }
}

/** What a consumer makes of one partition from its beginning on: the values that it would hand to its user. */
export async function readAll(
  client: WireClient,
  stream: Stream,
  options: { readonly committed: boolean; readonly partition?: number; readonly version?: number },
) {
  const { committed, partition = 0, version = 12 } = options;
  const isolationLevel = committed ? 1 : 0;
  const values: string[] = [];
  const aborted = new Set<bigint>();
  for (let fetchOffset = 0n; ;) {
    const topic = version >= 13 ? { topicId: stream.id, topic: '' } : { topic: stream.name };
    const { responses } = await client.request(fetchApi, version, {
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 1_000_000,
      isolationLevel,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [{ ...topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: 1_000_000 }] }],
      forgottenTopicsData: [],
    });
    const answer = responses[0]?.partitions[0];
    const records = answer?.records;
    if (answer === undefined || answer.errorCode !== 0) throw new Error(`Fetch answered ${answer?.errorCode}`);
    const { highWatermark, lastStableOffset, abortedTransactions } = answer;
    if (records === null || records === undefined || records.length === 0) {
      return { values, highWatermark, lastStableOffset };
    }
    const pending = new Set(abortedTransactions ?? []);
    for (let position = 0; position < records.length;) {
      const header = readBatchHeader(records, position);
      const { producerId, baseOffset, lastOffsetDelta } = header;
      const lastOffset = baseOffset + BigInt(lastOffsetDelta);
      for (const one of pending) {
        if (one.firstOffset > lastOffset) continue;
        aborted.add(one.producerId);
        pending.delete(one);
      }
      if (header.isControl) aborted.delete(producerId);
      else if (!(committed && header.isTransactional && aborted.has(producerId))) {
        const decoded = decodeBatch(records, position, header, { uncompressedBytesMax: UNCOMPRESSED_BYTES_MAX });
        values.push(...decoded.map(({ value }) => value?.toString() ?? ''));
      }
      position += header.sizeBytes;
      fetchOffset = lastOffset + 1n;
    }
  }
}

/** The end of a partition as ListOffsets tells it. */
export async function endOffset(client: WireClient, stream: Stream, committed: boolean): Promise<bigint | undefined> {
  const { topics } = await client.request(listOffsetsApi, 7, {
    replicaId: -1,
    isolationLevel: committed ? 1 : 0,
    topics: [{ name: stream.name, partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
  });
  return topics[0]?.partitions[0]?.offset;
}
