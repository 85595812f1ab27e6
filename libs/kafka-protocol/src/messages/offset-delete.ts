import { array, int16, int32, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Forget committed offsets of a group for topics that it does not read. */
export const offsetDeleteRequest = message({
  name: 'OffsetDeleteRequest',
  key: 47,
  versions: [0, 0],
  fields: {
    groupId: string(),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
          }),
        ),
      }),
    ),
  },
});

/** Which committed offsets are gone. */
export const offsetDeleteResponse = message({
  name: 'OffsetDeleteResponse',
  key: 47,
  versions: [0, 0],
  fields: {
    errorCode: int16(),
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32({ ignorable: true }),
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

export const offsetDeleteApi = api(offsetDeleteRequest, offsetDeleteResponse);
export type OffsetDeleteRequest = Of<typeof offsetDeleteRequest>;
export type OffsetDeleteResponse = Draft<typeof offsetDeleteResponse>;
