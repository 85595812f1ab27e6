import { describeAclsApi, type DescribeAclsResponse, errorCodes } from '@tailrace/kafka-protocol';
import { encodeAcl, matches, problemOfFilter } from '../security/acl-codes.ts';
import { handler } from './handler.ts';

type Resource = DescribeAclsResponse['resources'][number];
type Description = Resource['acls'][number];

/**
 * DescribeAcls: the access control entries that a filter names, by what they are about. One that cannot be read is shown as a refusal
 * of everything, about a topic `unreadable:<id>`.
 * Errors: INVALID_REQUEST (a filter of unknown numbers), SECURITY_DISABLED (there are none here).
 */
export const describeAcls = handler({
  api: describeAclsApi,
  versions: describeAclsApi.advertised,
  run(filter, exchange, { security }) {
    const failed = (errorCode: number, errorMessage: string) => {
      exchange.noteError(errorCode);
      return { throttleTimeMs: 0, errorCode, errorMessage, resources: [] };
    };
    if (security.authorizer.mode === 'off') return failed(errorCodes.SECURITY_DISABLED, 'No Authorizer is configured.');
    const problem = problemOfFilter(filter);
    if (problem !== undefined) return failed(errorCodes.INVALID_REQUEST, problem);
    const resources = new Map<string, Omit<Resource, 'acls'> & { acls: Description[] }>();
    for (const [, acl] of security.acls.entries()) {
      if (!matches(filter, acl)) continue;
      const { resourceType, resourceName, patternType, principal, host, operation, permissionType } = encodeAcl(acl);
      const key = `${resourceType} ${patternType} ${resourceName}`;
      const resource = resources.get(key) ?? { resourceType, resourceName, patternType, acls: [] };
      resource.acls.push({ principal, host, operation, permissionType });
      resources.set(key, resource);
    }
    return { throttleTimeMs: 0, errorCode: errorCodes.NONE, errorMessage: null, resources: [...resources.values()] };
  },
});
