import { int32, int64, string, uuid } from '../codec/field.ts';
import { message } from '../codec/message.ts';
import { ZERO_UUID } from '../codec/uuid.ts';
import { coordinatorRecord } from './coordinator-record.ts';

/** The version for offsets to which the client gave a time to live. */
export const EXPIRING_OFFSET_VERSION = 1;
/** The version for all others. */
export const OFFSET_VERSION = 4;

/** A committed offset. */
export const offsetCommitRecord = coordinatorRecord(
  1,
  message({
    name: 'OffsetCommitKey',
    versions: [0, 0],
    fields: {
      group: string(),
      topic: string(),
      partition: int32(),
    },
  }),
  message({
    name: 'OffsetCommitValue',
    versions: [0, 4],
    flexibleFrom: 4,
    fields: {
      /** The next one to read. */
      offset: int64(),
      /** Of the last record that was read. */
      leaderEpoch: int32({ since: 3, default: -1, ignorable: true }),
      metadata: string(),
      /** Milliseconds since 1970. */
      commitTimestamp: int64(),
      /** Milliseconds since 1970. */
      expireTimestamp: int64({ since: 1, until: 1, default: -1n, ignorable: true }),
      topicId: uuid({ since: 4, tag: 0, default: ZERO_UUID, ignorable: true }),
    },
  }),
);
