import { createAclsApi, errorCodes } from '@tailrace/kafka-protocol';
import { type Acl, problemOfAcl } from '@tailrace/identity';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import { decodeAcl } from '../security/acl-codes.ts';
import { handler } from './handler.ts';

interface Result {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

const DONE: Result = { errorCode: errorCodes.NONE, errorMessage: null };
const away: Result = { errorCode: errorCodes.REQUEST_TIMED_OUT, errorMessage: 'The store is not available.' };

/**
 * CreateAcls: add access control entries; those that are there already stay. They count at this bridge with the answer, at others
 * within a second.
 * Per entry: SECURITY_DISABLED (there are none here), INVALID_REQUEST, POLICY_VIOLATION (there are too many); REQUEST_TIMED_OUT,
 * retryable, when the store is away.
 */
export const createAcls = handler({
  api: createAclsApi,
  versions: createAclsApi.advertised,
  async run({ creations }, exchange, { security }) {
    const wanted = creations.map((creation): Acl | Result => {
      if (security.authorizer.mode === 'off') {
        return { errorCode: errorCodes.SECURITY_DISABLED, errorMessage: 'No Authorizer is configured.' };
      }
      const acl = decodeAcl({ ...creation, patternType: creation.resourcePatternType });
      const problem = typeof acl === 'string' ? acl : problemOfAcl(acl);
      return problem === undefined ? (acl as Acl) : { errorCode: errorCodes.INVALID_REQUEST, errorMessage: problem };
    });
    const acls = wanted.filter((one): one is Acl => !('errorCode' in one));
    const added = acls.length === 0 ? undefined : await unlessUnavailable(security.acls.add(acls), () => away);
    const outcome =
      added === undefined || 'errorCode' in added ? (added ?? DONE) : added.ok ? DONE : tooMany(added.refusal.max);
    const results = wanted.map((one) => ('errorCode' in one ? one : outcome));
    for (const { errorCode } of results) exchange.noteError(errorCode);
    return { throttleTimeMs: 0, results };
  },
});

function tooMany(max: number): Result {
  return { errorCode: errorCodes.POLICY_VIOLATION, errorMessage: `At most ${max} access control entries are kept.` };
}
