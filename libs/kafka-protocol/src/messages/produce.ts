import { array, int16, int32, int64, nullableRecords, nullableString, string, struct, uuid } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { ZERO_UUID } from '../codec/uuid.ts';
import { api } from '../headers.ts';

/** A producer hands over record batches, at most one record set for each partition. */
export const produceRequest = message({
  name: 'ProduceRequest',
  key: 0,
  versions: [3, 13],
  flexibleFrom: 9,
  // Kafka advertises 0, though it takes 3 and above: librdkafka reads its features from the range (KAFKA-18659).
  advertisedFrom: 0,
  fields: {
    /** Null outside transactions. */
    transactionalId: nullableString({ default: null }),
    /** 0: no answer; 1: the leader has it; -1: as many copies as the topic demands have it. */
    acks: int16(),
    /** How long acks -1 may wait for replicas. */
    timeoutMs: int32(),
    topicData: array(
      struct({
        name: string({ until: 12, default: '', ignorable: true }),
        /** Replaces the name where the version has it. */
        topicId: uuid({ since: 13, default: ZERO_UUID, ignorable: true }),
        partitionData: array(
          struct({
            index: int32(),
            /** Batches as they go into the log; since version 3 exactly one. A view of the frame. */
            records: nullableRecords(),
          }),
        ),
      }),
    ),
  },
});

/** Where each record set was appended, or why it was not. With acks 0 there is no answer at all. */
export const produceResponse = message({
  name: 'ProduceResponse',
  key: 0,
  versions: [3, 13],
  flexibleFrom: 9,
  fields: {
    responses: array(
      struct({
        name: string({ until: 12, default: '', ignorable: true }),
        /** Replaces the name where the version has it. */
        topicId: uuid({ since: 13, default: ZERO_UUID, ignorable: true }),
        partitionResponses: array(
          struct({
            index: int32(),
            errorCode: int16(),
            /** Offset of the first record of the set. */
            baseOffset: int64(),
            /** When the set was appended, for topics with LogAppendTime; -1 for others. */
            logAppendTimeMs: int64({ default: -1n, ignorable: true }),
            /** Where the log begins now. */
            logStartOffset: int64({ since: 5, default: -1n, ignorable: true }),
            /** The records because of which the whole set was refused. */
            recordErrors: array(
              struct({
                /** Which record of the set, from 0. */
                batchIndex: int32(),
                batchIndexErrorMessage: nullableString({ default: null }),
              }),
              { since: 8, default: [], ignorable: true },
            ),
            errorMessage: nullableString({ since: 8, default: null, ignorable: true }),
            /** With NOT_LEADER_OR_FOLLOWER or FENCED_LEADER_EPOCH: who leads now, which spares the client a Metadata request. */
            currentLeader: struct(
              {
                leaderId: int32({ default: -1 }),
                leaderEpoch: int32({ default: -1 }),
              },
              { since: 10, tag: 0 },
            ),
          }),
        ),
      }),
    ),
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32({ default: 0, ignorable: true }),
    /** Addresses of the leaders named above that the client may not know. */
    nodeEndpoints: array(
      struct({
        nodeId: int32(),
        host: string(),
        port: int32(),
        /** In our words the zone. */
        rack: nullableString({ default: null }),
      }),
      { since: 10, tag: 0 },
    ),
  },
});

export const produceApi = api(produceRequest, produceResponse);
export type ProduceRequest = Of<typeof produceRequest>;
export type ProduceResponse = Draft<typeof produceResponse>;
