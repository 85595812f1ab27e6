import { int16, int32, nullableString, string } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** A member tells its coordinator that it is alive, and learns whether a rebalance has begun. */
export const heartbeatRequest = message({
  name: 'HeartbeatRequest',
  key: 12,
  versions: [0, 4],
  flexibleFrom: 4,
  fields: {
    groupId: string(),
    /** The generation the member believes it is in; an older one is answered ILLEGAL_GENERATION. */
    generationId: int32(),
    /** Given by the coordinator at the first join. */
    memberId: string(),
    /** Static membership (KIP-345). */
    groupInstanceId: nullableString({ since: 3, default: null }),
  },
});

/** REBALANCE_IN_PROGRESS asks the member to join again. */
export const heartbeatResponse = message({
  name: 'HeartbeatResponse',
  key: 12,
  versions: [0, 4],
  flexibleFrom: 4,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32({ since: 1, default: 0, ignorable: true }),
    errorCode: int16(),
  },
});

export const heartbeatApi = api(heartbeatRequest, heartbeatResponse);
export type HeartbeatRequest = Of<typeof heartbeatRequest>;
export type HeartbeatResponse = Draft<typeof heartbeatResponse>;
