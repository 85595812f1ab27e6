import { deleteAclsApi, type DeleteAclsResponse, errorCodes } from '@tailrace/kafka-protocol';
import type { Acl } from '@tailrace/identity';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import { encodeAcl, matches, problemOfFilter } from '../security/acl-codes.ts';
import { handler } from './handler.ts';

type Entry = readonly [id: string, acl: Acl];
type FilterResult = DeleteAclsResponse['filterResults'][number];

/**
 * DeleteAcls: remove the access control entries that filters name, and say which they were. One that cannot be read goes by the
 * name under which DescribeAcls shows it.
 * Per filter: SECURITY_DISABLED (there are none here), INVALID_REQUEST; REQUEST_TIMED_OUT, retryable, when the store is away.
 */
export const deleteAcls = handler({
  api: deleteAclsApi,
  versions: deleteAclsApi.advertised,
  async run({ filters }, exchange, { security }) {
    const all = [...security.acls.entries()];
    const found = filters.map((filter): readonly Entry[] | FilterResult => {
      if (security.authorizer.mode === 'off')
        return failed(errorCodes.SECURITY_DISABLED, 'No Authorizer is configured.');
      const problem = problemOfFilter(filter);
      if (problem !== undefined) return failed(errorCodes.INVALID_REQUEST, problem);
      return all.filter(([, acl]) => matches(filter, acl));
    });
    const ids = found.flatMap((one) => (isList(one) ? one.map(([id]) => id) : []));
    const done = await unlessUnavailable(
      security.acls.remove(ids).then(() => true),
      () => false,
    );
    const filterResults = found.map((one) => {
      if (!isList(one)) return one;
      return done ? removed(one) : failed(errorCodes.REQUEST_TIMED_OUT, 'The store is not available.');
    });
    for (const { errorCode } of filterResults) exchange.noteError(errorCode);
    return { throttleTimeMs: 0, filterResults };
  },
});

function isList(one: readonly Entry[] | FilterResult): one is readonly Entry[] {
  return Array.isArray(one);
}

function removed(entries: readonly Entry[]): FilterResult {
  const done = { errorCode: errorCodes.NONE, errorMessage: null };
  return { ...done, matchingAcls: entries.map(([, acl]) => ({ ...done, ...encodeAcl(acl) })) };
}

function failed(errorCode: number, errorMessage: string): FilterResult {
  return { errorCode, errorMessage, matchingAcls: [] };
}
