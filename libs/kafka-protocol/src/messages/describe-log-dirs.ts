import { array, bool, int16, int32, int64, nullableArray, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** How large partitions are on disk. */
export const describeLogDirsRequest = message({
  name: 'DescribeLogDirsRequest',
  key: 35,
  versions: [1, 5],
  flexibleFrom: 2,
  fields: {
    /** Null asks for all. */
    topics: nullableArray(
      struct({
        topic: string(),
        partitions: array(int32()),
      }),
    ),
  },
});

/** The sizes, by directory. Consoles stay blank without it. */
export const describeLogDirsResponse = message({
  name: 'DescribeLogDirsResponse',
  key: 35,
  versions: [1, 5],
  flexibleFrom: 2,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    errorCode: int16({ since: 3, default: 0, ignorable: true }),
    results: array(
      struct({
        errorCode: int16(),
        /** Path of the directory. */
        logDir: string(),
        topics: array(
          struct({
            name: string(),
            partitions: array(
              struct({
                partitionIndex: int32(),
                /** Bytes of all segments. */
                partitionSize: int64(),
                /** How far this copy is behind. */
                offsetLag: int64(),
                /** A copy on its way from another directory. */
                isFutureKey: bool(),
              }),
            ),
          }),
        ),
        /** Of the volume; -1 where it is not known. */
        totalBytes: int64({ since: 4, default: -1n, ignorable: true }),
        /** Free on the volume; -1 where it is not known. */
        usableBytes: int64({ since: 4, default: -1n, ignorable: true }),
        /** No new partitions are placed in the directory. */
        isCordoned: bool({ since: 5, default: false, ignorable: true }),
      }),
    ),
  },
});

export const describeLogDirsApi = api(describeLogDirsRequest, describeLogDirsResponse);
export type DescribeLogDirsRequest = Of<typeof describeLogDirsRequest>;
export type DescribeLogDirsResponse = Draft<typeof describeLogDirsResponse>;
