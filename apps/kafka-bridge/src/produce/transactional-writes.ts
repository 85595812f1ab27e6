import {
  BATCH_HEADER_BYTES,
  type ErrorCode,
  errorCodes,
  type ProduceRequest,
  readBatchHeader,
} from '@tailrace/kafka-protocol';
import type { Stream } from '@tailrace/shard-core';
import type { ProducerIdentity } from '../transactions/transaction-transitions.ts';
import type { TransactionAdmission, TransactionalWrite } from './transaction-admission.ts';

type PartitionRequest = ProduceRequest['topicData'][number]['partitionData'][number];

/** First version of Produce whose clients let partitions become part of a transaction by writing to them (KIP-890). */
const IMPLICIT_SINCE = 12;
/** First version whose clients know TRANSACTION_ABORTABLE; before, INVALID_TXN_STATE says it. */
const ABORTABLE_SINCE = 11;

/** Why partitions of a request may not be written to. */
export type RefusedWrites = ReadonlyMap<PartitionRequest, ErrorCode>;
export const NO_REFUSED_WRITES: RefusedWrites = new Map();

/** Where a topic of the request is; `undefined` for what is not known. */
export type StreamOf = (topic: ProduceRequest['topicData'][number]) => Stream | undefined;

/** Whether all transactional batches of the request are known to belong to an open transaction: then nothing has to be asked. */
export function allAdmitted(request: ProduceRequest, streamOf: StreamOf, admission: TransactionAdmission): boolean {
  const { transactionalId } = request;
  if (transactionalId === null) return true;
  for (const topic of request.topicData) {
    const stream = streamOf(topic);
    for (const { index, records } of topic.partitionData) {
      const producer = transactionalProducer(records);
      if (producer === undefined) continue;
      if (stream === undefined || !admission.isAdmitted(transactionalId, producer, stream.id, index)) return false;
    }
  }
  return true;
}

/**
 * Asks for the transactional batches of the request, and answers which of them are refused: UNKNOWN_TOPIC_OR_PARTITION (not
 * found when it was asked for; it may be there when the batch is to be appended), INVALID_TXN_STATE or TRANSACTION_ABORTABLE
 * (not part of the transaction), INVALID_PRODUCER_EPOCH (fenced), INVALID_PRODUCER_ID_MAPPING, CONCURRENT_TRANSACTIONS (the one
 * before is not over), KAFKA_STORAGE_ERROR (the store is away).
 */
export async function admitWrites(
  request: ProduceRequest,
  version: number,
  streamOf: StreamOf,
  admission: TransactionAdmission,
): Promise<RefusedWrites> {
  const { transactionalId } = request;
  if (transactionalId === null) return NO_REFUSED_WRITES;
  const refused = new Map<PartitionRequest, ErrorCode>();
  for (const { producer, writes } of writesByProducer(request, streamOf, refused)) {
    const codes = await admission.admit(
      transactionalId,
      producer,
      writes.map(({ write }) => write),
      version >= IMPLICIT_SINCE,
    );
    writes.forEach(({ partition }, i) => {
      const errorCode = codes[i] as ErrorCode;
      if (errorCode !== errorCodes.NONE) refused.set(partition, forProducer(errorCode, version));
    });
  }
  return refused;
}

interface ProducerWrites {
  readonly producer: ProducerIdentity;
  readonly writes: { readonly partition: PartitionRequest; readonly write: TransactionalWrite }[];
}

/** The sentence that goes with a refused write, for answers that have room for one. */
export function explainRefusedWrite(errorCode: ErrorCode): string | null {
  const isOutside = errorCode === errorCodes.INVALID_TXN_STATE || errorCode === errorCodes.TRANSACTION_ABORTABLE;
  return isOutside ? 'The partition is not part of the transaction' : null;
}

/** Clients write in the name of one producer; that is not for us to take for granted. */
function writesByProducer(
  request: ProduceRequest,
  streamOf: StreamOf,
  refused: Map<PartitionRequest, ErrorCode>,
): Iterable<ProducerWrites> {
  const byProducer = new Map<string, ProducerWrites>();
  for (const topic of request.topicData) {
    const stream = streamOf(topic);
    for (const partition of topic.partitionData) {
      const producer = transactionalProducer(partition.records);
      if (producer === undefined) continue;
      if (stream?.partitions[partition.index] === undefined) {
        refused.set(partition, errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
        continue;
      }
      const key = `${producer.producerId}/${producer.producerEpoch}`;
      const { writes } = byProducer.get(key) ?? setAndGet(byProducer, key, { producer, writes: [] });
      writes.push({ partition, write: { topic: stream.name, topicId: stream.id, partition: partition.index } });
    }
  }
  return byProducer.values();
}

function setAndGet<V>(map: Map<string, V>, key: string, value: V): V {
  map.set(key, value);
  return value;
}

/** Who wrote a batch, if it says that it is part of a transaction. What is no batch at all is refused later. */
function transactionalProducer(records: Buffer | null): ProducerIdentity | undefined {
  if (records === null || records.length < BATCH_HEADER_BYTES) return undefined;
  const header = readBatchHeader(records, 0);
  return header.magic === 2 && header.isTransactional ? header : undefined;
}

function forProducer(errorCode: ErrorCode, version: number): ErrorCode {
  switch (errorCode) {
    case errorCodes.TRANSACTION_ABORTABLE:
      return version >= ABORTABLE_SINCE ? errorCode : errorCodes.INVALID_TXN_STATE;
    case errorCodes.PRODUCER_FENCED:
      return errorCodes.INVALID_PRODUCER_EPOCH;
    case errorCodes.COORDINATOR_NOT_AVAILABLE:
      return errorCodes.KAFKA_STORAGE_ERROR;
    default:
      return errorCode;
  }
}
