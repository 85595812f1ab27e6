import { array, int16, int32, int8, nullableString, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Access control entries to add. */
export const createAclsRequest = message({
  name: 'CreateAclsRequest',
  key: 30,
  versions: [1, 3],
  flexibleFrom: 2,
  fields: {
    creations: array(
      struct({
        resourceType: int8(),
        resourceName: string(),
        /** 3 literal, 4 prefixed. */
        resourcePatternType: int8({ default: 3 }),
        /** `User:alice`; `User:*` is everybody. */
        principal: string(),
        /** An address; `*` is any. */
        host: string(),
        operation: int8(),
        /** 2 deny, 3 allow. */
        permissionType: int8(),
      }),
    ),
  },
});

/** How it went, in the order of the request. */
export const createAclsResponse = message({
  name: 'CreateAclsResponse',
  key: 30,
  versions: [1, 3],
  flexibleFrom: 2,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    results: array(struct({ errorCode: int16(), errorMessage: nullableString() })),
  },
});

export const createAclsApi = api(createAclsRequest, createAclsResponse);
export type CreateAclsRequest = Of<typeof createAclsRequest>;
export type CreateAclsResponse = Draft<typeof createAclsResponse>;
