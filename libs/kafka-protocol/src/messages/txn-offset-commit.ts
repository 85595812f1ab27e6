import { array, int16, int32, int64, nullableString, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Committed offsets that become valid when the transaction commits. */
export const txnOffsetCommitRequest = message({
  name: 'TxnOffsetCommitRequest',
  key: 28,
  versions: [0, 5],
  flexibleFrom: 3,
  fields: {
    transactionalId: string(),
    groupId: string(),
    /** Under which sequences are checked. */
    producerId: int64(),
    /** Fences older holders of the producer id. */
    producerEpoch: int16(),
    /** The generation the member believes it is in; an older one is answered ILLEGAL_GENERATION. */
    generationId: int32({ since: 3, default: -1 }),
    /** Given by the coordinator at the first join. */
    memberId: string({ since: 3, default: '' }),
    /** Static membership (KIP-345). */
    groupInstanceId: nullableString({ since: 3, default: null }),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            /** The next offset to read. */
            committedOffset: int64(),
            /** Epoch of the last record consumed; -1 where the client does not know. */
            committedLeaderEpoch: int32({ since: 2, default: -1, ignorable: true }),
            /** Free text of the client; we keep it. */
            committedMetadata: nullableString(),
          }),
        ),
      }),
    ),
  },
});

/** For each partition, whether its offset is pending now. */
export const txnOffsetCommitResponse = message({
  name: 'TxnOffsetCommitResponse',
  key: 28,
  versions: [0, 5],
  flexibleFrom: 3,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            errorCode: int16(),
          }),
        ),
      }),
    ),
  },
});

export const txnOffsetCommitApi = api(txnOffsetCommitRequest, txnOffsetCommitResponse);
export type TxnOffsetCommitRequest = Of<typeof txnOffsetCommitRequest>;
export type TxnOffsetCommitResponse = Draft<typeof txnOffsetCommitResponse>;
