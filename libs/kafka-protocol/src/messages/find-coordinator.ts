import { array, int16, int32, int8, nullableString, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Which broker coordinates a group or a transactional id. From version 4 several may be asked for at once. */
export const findCoordinatorRequest = message({
  name: 'FindCoordinatorRequest',
  key: 10,
  versions: [0, 6],
  flexibleFrom: 3,
  fields: {
    /** A group id or transactional id. */
    key: string({ until: 3, default: '' }),
    /** 0 group, 1 transactional id, 2 share group. */
    keyType: int8({ since: 1, default: 0 }),
    /** Group ids or transactional ids, all of one type. */
    coordinatorKeys: array(string(), { since: 4, default: [] }),
  },
});

/** The coordinators found. */
export const findCoordinatorResponse = message({
  name: 'FindCoordinatorResponse',
  key: 10,
  versions: [0, 6],
  flexibleFrom: 3,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32({ since: 1, default: 0, ignorable: true }),
    errorCode: int16({ until: 3, default: 0 }),
    errorMessage: nullableString({ since: 1, until: 3, default: '', ignorable: true }),
    nodeId: int32({ until: 3, default: 0 }),
    host: string({ until: 3, default: '' }),
    port: int32({ until: 3, default: 0 }),
    coordinators: array(
      struct({
        key: string(),
        nodeId: int32(),
        host: string(),
        port: int32(),
        errorCode: int16(),
        errorMessage: nullableString({ ignorable: true }),
      }),
      { since: 4, default: [] },
    ),
  },
});

export const findCoordinatorApi = api(findCoordinatorRequest, findCoordinatorResponse);
export type FindCoordinatorRequest = Of<typeof findCoordinatorRequest>;
export type FindCoordinatorResponse = Draft<typeof findCoordinatorResponse>;
