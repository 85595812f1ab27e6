import { array, int16, int32, int64, nullableString, string, struct, uuid } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Puts a share group (KIP-932) without members to other places. */
export const alterShareGroupOffsetsRequest = message({
  name: 'AlterShareGroupOffsetsRequest',
  key: 91,
  versions: [0, 0],
  flexibleFrom: 0,
  fields: {
    groupId: string(),
    topics: array(
      struct({
        topicName: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            startOffset: int64(),
          }),
        ),
      }),
    ),
  },
});

/** What became of each partition. */
export const alterShareGroupOffsetsResponse = message({
  name: 'AlterShareGroupOffsetsResponse',
  key: 91,
  versions: [0, 0],
  flexibleFrom: 0,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString({ default: null }),
    responses: array(
      struct({
        topicName: string(),
        topicId: uuid(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            errorCode: int16(),
            errorMessage: nullableString({ default: null }),
          }),
        ),
      }),
    ),
  },
});

export const alterShareGroupOffsetsApi = api(alterShareGroupOffsetsRequest, alterShareGroupOffsetsResponse);
export type AlterShareGroupOffsetsRequest = Of<typeof alterShareGroupOffsetsRequest>;
export type AlterShareGroupOffsetsResponse = Draft<typeof alterShareGroupOffsetsResponse>;
