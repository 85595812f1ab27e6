import { array, bool, int16, int32, int64, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

const addPartitionsToTxnTopic = {
  name: string(),
  partitions: array(int32()),
} as const;

/** A transactional producer is about to write to these partitions. From version 4 brokers ask for several transactions at once. */
export const addPartitionsToTxnRequest = message({
  name: 'AddPartitionsToTxnRequest',
  key: 24,
  versions: [0, 5],
  flexibleFrom: 3,
  fields: {
    /** From version 4 on. */
    transactions: array(
      struct({
        transactionalId: string(),
        /** Under which sequences are checked. */
        producerId: int64(),
        /** Fences older holders of the producer id. */
        producerEpoch: int16(),
        /** Only ask whether the partitions are part of the transaction (KIP-890). */
        verifyOnly: bool({ default: false }),
        topics: array(struct(addPartitionsToTxnTopic)),
      }),
      { since: 4, default: [] },
    ),
    /** Up to version 3, where there is one transaction in a request. */
    v3AndBelowTransactionalId: string({ until: 3, default: '' }),
    v3AndBelowProducerId: int64({ until: 3, default: 0n }),
    v3AndBelowProducerEpoch: int16({ until: 3, default: 0 }),
    v3AndBelowTopics: array(struct(addPartitionsToTxnTopic), { until: 3, default: [] }),
  },
});

const addPartitionsToTxnPartitionResult = {
  partitionIndex: int32(),
  partitionErrorCode: int16(),
} as const;

const addPartitionsToTxnTopicResult = {
  name: string(),
  resultsByPartition: array(struct(addPartitionsToTxnPartitionResult)),
} as const;

/** Which partitions are part of the transaction now. */
export const addPartitionsToTxnResponse = message({
  name: 'AddPartitionsToTxnResponse',
  key: 24,
  versions: [0, 5],
  flexibleFrom: 3,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    errorCode: int16({ since: 4, default: 0, ignorable: true }),
    /** From version 4 on. */
    resultsByTransaction: array(
      struct({
        transactionalId: string(),
        topicResults: array(struct(addPartitionsToTxnTopicResult)),
      }),
      { since: 4, default: [] },
    ),
    /** Up to version 3, where there is one transaction in a request. */
    resultsByTopicV3AndBelow: array(struct(addPartitionsToTxnTopicResult), { until: 3, default: [] }),
  },
});

export const addPartitionsToTxnApi = api(addPartitionsToTxnRequest, addPartitionsToTxnResponse);
export type AddPartitionsToTxnRequest = Of<typeof addPartitionsToTxnRequest>;
export type AddPartitionsToTxnResponse = Draft<typeof addPartitionsToTxnResponse>;
