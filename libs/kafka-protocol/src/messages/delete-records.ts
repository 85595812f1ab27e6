import { array, int16, int32, int64, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Move the log start of partitions forward: what lies before is gone. */
export const deleteRecordsRequest = message({
  name: 'DeleteRecordsRequest',
  key: 21,
  versions: [0, 2],
  flexibleFrom: 2,
  fields: {
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            /** First offset to keep; -1 stands for the high watermark. */
            offset: int64(),
          }),
        ),
      }),
    ),
    /** How long the operation may take. */
    timeoutMs: int32(),
  },
});

/** Where each log begins now. */
export const deleteRecordsResponse = message({
  name: 'DeleteRecordsResponse',
  key: 21,
  versions: [0, 2],
  flexibleFrom: 2,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            /** Where the log begins now. */
            lowWatermark: int64(),
            errorCode: int16(),
          }),
        ),
      }),
    ),
  },
});

export const deleteRecordsApi = api(deleteRecordsRequest, deleteRecordsResponse);
export type DeleteRecordsRequest = Of<typeof deleteRecordsRequest>;
export type DeleteRecordsResponse = Draft<typeof deleteRecordsResponse>;
