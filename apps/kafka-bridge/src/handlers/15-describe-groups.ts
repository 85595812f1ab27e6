import { type DescribeGroupsResponse, describeGroupsApi, errorCodes } from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';
import type { ClassicGroup } from '../groups/classic-group.ts';
import { GROUP_OPERATIONS, OPERATIONS_NOT_ASKED } from '../topics/authorized-operations.ts';
import { handler } from './handler.ts';

type Described = DescribeGroupsResponse['groups'][number];

/** Before, a group that is not there is described as a dead one. */
const NOT_FOUND_SINCE = 6;
const NO_BYTES = Buffer.alloc(0);

/**
 * DescribeGroups: state and members of classic groups.
 * Per group: INVALID_GROUP_ID, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE, GROUP_ID_NOT_FOUND (none of the name, or a group of
 * another kind; before version 6 a group in state Dead instead).
 */
export const describeGroups = handler({
  api: describeGroupsApi,
  versions: describeGroupsApi.advertised,
  async run({ groups, includeAuthorizedOperations }, exchange, bridge) {
    const authorizedOperations = includeAuthorizedOperations ? GROUP_OPERATIONS : OPERATIONS_NOT_ASKED;
    const named = exchange.header.apiVersion >= NOT_FOUND_SINCE;
    const described = await Promise.all(
      groups.map((groupId) => describeOne(groupId, named, authorizedOperations, bridge)),
    );
    for (const { errorCode } of described) exchange.noteError(errorCode);
    return { throttleTimeMs: 0, groups: described };
  },
});

async function describeOne(
  groupId: string,
  named: boolean,
  authorizedOperations: number,
  { groups }: Bridge,
): Promise<Described> {
  const empty = { groupId, groupState: 'Dead', protocolType: '', protocolData: '', members: [] };
  const notFound = (why: string): Described =>
    named
      ? { ...empty, errorCode: errorCodes.GROUP_ID_NOT_FOUND, errorMessage: `Group ${groupId} ${why}.` }
      : { ...empty, errorCode: errorCodes.NONE, authorizedOperations };
  // Kafka has no group without a name, and says just that.
  if (groupId === '') return notFound('not found');
  const inspected = await groups.inspect(groupId, (group) =>
    group.kind === 'classic'
      ? { ...describeGroup(groupId, group), authorizedOperations }
      : notFound('is not a classic group'),
  );
  if (typeof inspected === 'number') return { ...empty, groupState: '', errorCode: inspected };
  return inspected.found ?? notFound('not found');
}

function describeGroup(groupId: string, group: ClassicGroup): Described {
  const { state, protocolType, protocolName } = group;
  // While members come together there is no protocol yet, and what they bring and have is of no meaning.
  const isSettled = state === 'Stable';
  return {
    errorCode: errorCodes.NONE,
    groupId,
    groupState: state,
    protocolType: protocolType ?? '',
    protocolData: isSettled ? (protocolName ?? '') : '',
    members: [...group.members].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: `/${member.clientHost}`,
      memberMetadata: isSettled ? member.metadata(protocolName ?? '') : NO_BYTES,
      memberAssignment: isSettled ? member.assignment : NO_BYTES,
    })),
  };
}
