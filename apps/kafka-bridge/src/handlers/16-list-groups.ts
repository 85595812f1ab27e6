import { errorCodes, listGroupsApi } from '@tailrace/kafka-protocol';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import { handler } from './handler.ts';

/**
 * ListGroups: the groups that this bridge coordinates, all of them or those in some states and of some types. Filters take any
 * case; a word that is no state or type finds nothing.
 * Errors: COORDINATOR_NOT_AVAILABLE (the store is away).
 */
export const listGroups = handler({
  api: listGroupsApi,
  versions: listGroupsApi.advertised,
  async run({ statesFilter, typesFilter }, exchange, { groups }) {
    const listed = await unlessUnavailable(groups.list(), () => undefined);
    if (listed === undefined) {
      exchange.noteError(errorCodes.COORDINATOR_NOT_AVAILABLE);
      return { throttleTimeMs: 0, errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE, groups: [] };
    }
    const states = new Set(statesFilter.map((state) => state.toLowerCase()));
    const types = new Set(typesFilter.map((type) => type.toLowerCase()));
    return {
      throttleTimeMs: 0,
      errorCode: errorCodes.NONE,
      groups: listed
        .filter(({ state }) => states.size === 0 || states.has(state.toLowerCase()))
        .filter(({ type }) => types.size === 0 || types.has(type))
        .map(({ groupId, protocolType, state, type }) => ({
          groupId,
          protocolType,
          groupState: state,
          groupType: type,
        })),
    };
  },
});
