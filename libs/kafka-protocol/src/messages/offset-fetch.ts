import {
  array,
  bool,
  int16,
  int32,
  int64,
  nullableArray,
  nullableString,
  string,
  struct,
  uuid,
} from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { ZERO_UUID } from '../codec/uuid.ts';
import { api } from '../headers.ts';

/** Where groups will read on. From version 8 several groups may be asked for at once. */
export const offsetFetchRequest = message({
  name: 'OffsetFetchRequest',
  key: 9,
  versions: [1, 10],
  flexibleFrom: 6,
  fields: {
    groupId: string({ until: 7, default: '' }),
    /** Null asks for all. Up to version 7. */
    topics: nullableArray(
      struct({
        name: string(),
        partitionIndexes: array(int32()),
      }),
      { until: 7, nullableSince: 2, default: [] },
    ),
    /** From version 8 on. */
    groups: array(
      struct({
        groupId: string(),
        /** Given by the coordinator at the first join. */
        memberId: nullableString({ since: 9, default: null, ignorable: true }),
        /** KIP-848: the epoch the member believes it is in; -1 for others. */
        memberEpoch: int32({ since: 9, default: -1, ignorable: true }),
        /** Null asks for all. */
        topics: nullableArray(
          struct({
            name: string({ until: 9, default: '', ignorable: true }),
            /** Replaces the name where the version has it. */
            topicId: uuid({ since: 10, default: ZERO_UUID, ignorable: true }),
            partitionIndexes: array(int32()),
          }),
        ),
      }),
      { since: 8, default: [] },
    ),
    /** Answer UNSTABLE_OFFSET_COMMIT while a transaction is about to change an offset. */
    requireStable: bool({ since: 7, default: false }),
  },
});

/** The committed offsets; -1 for a partition that has none. */
export const offsetFetchResponse = message({
  name: 'OffsetFetchResponse',
  key: 9,
  versions: [1, 10],
  flexibleFrom: 6,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32({ since: 3, default: 0, ignorable: true }),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            /** The next offset to read. */
            committedOffset: int64(),
            /** Epoch of the last record consumed; -1 where the client does not know. */
            committedLeaderEpoch: int32({ since: 5, default: -1, ignorable: true }),
            metadata: nullableString(),
            errorCode: int16(),
          }),
        ),
      }),
      { until: 7, default: [] },
    ),
    errorCode: int16({ since: 2, until: 7, default: 0, ignorable: true }),
    groups: array(
      struct({
        groupId: string(),
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
                committedLeaderEpoch: int32({ default: -1, ignorable: true }),
                metadata: nullableString(),
                errorCode: int16(),
              }),
            ),
          }),
        ),
        errorCode: int16({ default: 0 }),
      }),
      { since: 8, default: [] },
    ),
  },
});

export const offsetFetchApi = api(offsetFetchRequest, offsetFetchResponse);
export type OffsetFetchRequest = Of<typeof offsetFetchRequest>;
export type OffsetFetchResponse = Draft<typeof offsetFetchResponse>;
