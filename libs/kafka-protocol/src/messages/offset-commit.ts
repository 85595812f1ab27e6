import { array, int16, int32, int64, nullableString, string, struct, uuid } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { ZERO_UUID } from '../codec/uuid.ts';
import { api } from '../headers.ts';

/** A group member, or a consumer on its own, stores where it will read on. */
export const offsetCommitRequest = message({
  name: 'OffsetCommitRequest',
  key: 8,
  versions: [2, 10],
  flexibleFrom: 8,
  fields: {
    groupId: string(),
    /** Classic group: its generation; KIP-848: the member epoch; -1: a consumer on its own. */
    generationIdOrMemberEpoch: int32({ default: -1, ignorable: true }),
    /** Empty for a consumer on its own. */
    memberId: string({ ignorable: true }),
    /** Static membership (KIP-345). */
    groupInstanceId: nullableString({ since: 7, default: null }),
    /** How long to keep the offset; -1 leaves it to us. Kafka ignores it since version 5. */
    retentionTimeMs: int64({ until: 4, default: -1n, ignorable: true }),
    topics: array(
      struct({
        name: string({ until: 9, default: '', ignorable: true }),
        /** Replaces the name where the version has it. */
        topicId: uuid({ since: 10, default: ZERO_UUID, ignorable: true }),
        partitions: array(
          struct({
            partitionIndex: int32(),
            /** The next offset to read. */
            committedOffset: int64(),
            /** Epoch of the last record consumed; -1 where the client does not know. */
            committedLeaderEpoch: int32({ since: 6, default: -1, ignorable: true }),
            /** Free text of the client; we keep it. */
            committedMetadata: nullableString(),
          }),
        ),
      }),
    ),
  },
});

/** For each partition, whether its committed offset is stored. */
export const offsetCommitResponse = message({
  name: 'OffsetCommitResponse',
  key: 8,
  versions: [2, 10],
  flexibleFrom: 8,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32({ since: 3, default: 0, ignorable: true }),
    topics: array(
      struct({
        name: string({ until: 9, default: '', ignorable: true }),
        /** Replaces the name where the version has it. */
        topicId: uuid({ since: 10, default: ZERO_UUID, ignorable: true }),
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

export const offsetCommitApi = api(offsetCommitRequest, offsetCommitResponse);
export type OffsetCommitRequest = Of<typeof offsetCommitRequest>;
export type OffsetCommitResponse = Draft<typeof offsetCommitResponse>;
