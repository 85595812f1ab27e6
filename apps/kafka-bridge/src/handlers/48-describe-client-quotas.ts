import { describeClientQuotasApi, type DescribeClientQuotasRequest, errorCodes } from '@tailrace/kafka-protocol';
import type { ClientQuotaEntity } from '@tailrace/identity';
import { handler } from './handler.ts';

type Component = DescribeClientQuotasRequest['components'][number];

const EXACT = 0;
const DEFAULT = 1;
const SPECIFIED = 2;
const USER = 'user';
const CLIENT_ID = 'client-id';
/** Quotas of addresses are known to the protocol, and there are none here. */
const IP = 'ip';

/**
 * DescribeClientQuotas: the quotas of the users and client ids that a filter names.
 * Errors: INVALID_REQUEST (a part named twice or not at all, an unknown kind of match, a match without a name),
 * UNSUPPORTED_VERSION (another kind of entity).
 */
export const describeClientQuotas = handler({
  api: describeClientQuotasApi,
  versions: describeClientQuotasApi.advertised,
  run({ components, strict }, exchange, { security }) {
    const problem = problemOf(components);
    if (problem !== undefined) {
      exchange.noteError(problem.errorCode);
      return { throttleTimeMs: 0, ...problem, entries: null };
    }
    const entries = [...security.quotas.values()]
      .filter(({ entity }) => components.every((component) => names(component, entity)))
      .filter(({ entity }) => !strict || partsOf(entity).length === components.length)
      .map(({ entity, values }) => ({
        entity: partsOf(entity),
        values: Object.entries(values).map(([key, value]) => ({ key, value })),
      }));
    return { throttleTimeMs: 0, errorCode: errorCodes.NONE, errorMessage: null, entries };
  },
});

function problemOf(components: readonly Component[]): { errorCode: number; errorMessage: string } | undefined {
  const invalid = (errorMessage: string) => ({ errorCode: errorCodes.INVALID_REQUEST, errorMessage });
  const seen = new Set<string>();
  for (const { entityType, matchType, match } of components) {
    if (entityType === '') return invalid('Unexpected empty filter component entity type');
    if (entityType !== USER && entityType !== CLIENT_ID && entityType !== IP) {
      return {
        errorCode: errorCodes.UNSUPPORTED_VERSION,
        errorMessage: `Custom entity type '${entityType}' not supported`,
      };
    }
    if (seen.has(entityType)) return invalid(`Entity type ${entityType} cannot appear more than once in the filter.`);
    seen.add(entityType);
    if (matchType !== EXACT && matchType !== DEFAULT && matchType !== SPECIFIED) {
      return invalid(`Unexpected match type ${matchType}`);
    }
    if (matchType === EXACT && match === null) return invalid('Request specified an exact match without a name');
    if (matchType !== EXACT && match !== null) return invalid('Request specified a name and a match without one');
  }
  if (seen.has(IP) && seen.size > 1) return invalid('Invalid entity filter component combination.');
  return undefined;
}

function names({ entityType, matchType, match }: Component, { user, clientId }: ClientQuotaEntity): boolean {
  const name = entityType === USER ? user : entityType === CLIENT_ID ? clientId : undefined;
  if (name === undefined) return false;
  if (matchType === EXACT) return name === match;
  return matchType === DEFAULT ? name === null : true;
}

function partsOf({ user, clientId }: ClientQuotaEntity) {
  return [
    ...(user === undefined ? [] : [{ entityType: USER, entityName: user }]),
    ...(clientId === undefined ? [] : [{ entityType: CLIENT_ID, entityName: clientId }]),
  ];
}
