import { array, int16, int32, int8, nullableString, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Filters; whatever one of them matches is removed. */
export const deleteAclsRequest = message({
  name: 'DeleteAclsRequest',
  key: 31,
  versions: [1, 3],
  flexibleFrom: 2,
  fields: {
    filters: array(
      struct({
        /** 1 any. */
        resourceTypeFilter: int8(),
        /** Null matches any name. */
        resourceNameFilter: nullableString(),
        /** 1 any, 2 those that cover the name, 3 literal, 4 prefixed. */
        patternTypeFilter: int8({ default: 3 }),
        /** Null matches any principal. */
        principalFilter: nullableString(),
        /** Null matches any host. */
        hostFilter: nullableString(),
        /** 1 any. */
        operation: int8(),
        /** 1 any. */
        permissionType: int8(),
      }),
    ),
  },
});

/** What each filter removed, in the order of the request. */
export const deleteAclsResponse = message({
  name: 'DeleteAclsResponse',
  key: 31,
  versions: [1, 3],
  flexibleFrom: 2,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    filterResults: array(
      struct({
        errorCode: int16(),
        errorMessage: nullableString(),
        matchingAcls: array(
          struct({
            errorCode: int16(),
            errorMessage: nullableString(),
            resourceType: int8(),
            resourceName: string(),
            patternType: int8({ default: 3 }),
            principal: string(),
            host: string(),
            operation: int8(),
            permissionType: int8(),
          }),
        ),
      }),
    ),
  },
});

export const deleteAclsApi = api(deleteAclsRequest, deleteAclsResponse);
export type DeleteAclsRequest = Of<typeof deleteAclsRequest>;
export type DeleteAclsResponse = Draft<typeof deleteAclsResponse>;
