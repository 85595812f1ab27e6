import { array, int16, int32, nullableString, string, struct, uuid } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Makes a share group (KIP-932) without members forget where it is in some topics. */
export const deleteShareGroupOffsetsRequest = message({
  name: 'DeleteShareGroupOffsetsRequest',
  key: 92,
  versions: [0, 0],
  flexibleFrom: 0,
  fields: {
    groupId: string(),
    topics: array(
      struct({
        topicName: string(),
      }),
    ),
  },
});

/** What became of each topic. */
export const deleteShareGroupOffsetsResponse = message({
  name: 'DeleteShareGroupOffsetsResponse',
  key: 92,
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
        errorCode: int16(),
        errorMessage: nullableString({ default: null }),
      }),
    ),
  },
});

export const deleteShareGroupOffsetsApi = api(deleteShareGroupOffsetsRequest, deleteShareGroupOffsetsResponse);
export type DeleteShareGroupOffsetsRequest = Of<typeof deleteShareGroupOffsetsRequest>;
export type DeleteShareGroupOffsetsResponse = Draft<typeof deleteShareGroupOffsetsResponse>;
