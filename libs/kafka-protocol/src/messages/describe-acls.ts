import { array, int16, int32, int8, nullableString, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Which access control entries match a filter. */
export const describeAclsRequest = message({
  name: 'DescribeAclsRequest',
  key: 29,
  versions: [1, 3],
  flexibleFrom: 2,
  fields: {
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
  },
});

/** The entries, by the resource that they are about. */
export const describeAclsResponse = message({
  name: 'DescribeAclsResponse',
  key: 29,
  versions: [1, 3],
  flexibleFrom: 2,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
    resources: array(
      struct({
        resourceType: int8(),
        resourceName: string(),
        /** 3 literal, 4 prefixed. */
        patternType: int8({ default: 3 }),
        acls: array(struct({ principal: string(), host: string(), operation: int8(), permissionType: int8() })),
      }),
    ),
  },
});

export const describeAclsApi = api(describeAclsRequest, describeAclsResponse);
export type DescribeAclsRequest = Of<typeof describeAclsRequest>;
export type DescribeAclsResponse = Draft<typeof describeAclsResponse>;
