import { type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';
import type { Exchange } from '../connection/exchange.ts';
import { GROUP_OPERATIONS, OPERATIONS_NOT_ASKED } from '../topics/authorized-operations.ts';
import type { AnyGroup } from './listed-group.ts';
import { partitionLists, type TopicPartitions } from './topic-partitions.ts';

type Kind = 'consumer' | 'share';
type GroupOf<K extends Kind> = Extract<AnyGroup, { readonly kind: K }>;

export interface DescriptionRequest {
  readonly groupIds: readonly string[];
  readonly includeAuthorizedOperations: boolean;
}

export interface GroupDescription<Member> {
  readonly errorCode: ErrorCode;
  readonly errorMessage?: string;
  readonly groupId: string;
  readonly groupState: string;
  readonly groupEpoch: number;
  readonly assignmentEpoch: number;
  readonly assignorName: string;
  readonly members: readonly Member[];
  readonly authorizedOperations?: number;
}

/**
 * The answer about groups of one kind, each by itself: INVALID_GROUP_ID, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE,
 * GROUP_ID_NOT_FOUND (none of the name, or a group of another kind).
 */
export async function describeGroups<K extends Kind, Member>(
  kind: K,
  { groupIds, includeAuthorizedOperations }: DescriptionRequest,
  describe: (
    group: GroupOf<K>,
  ) => Pick<GroupDescription<Member>, 'groupEpoch' | 'assignmentEpoch' | 'assignorName' | 'members'>,
  exchange: Exchange,
  { groups: coordinator }: Bridge,
): Promise<{ readonly throttleTimeMs: 0; readonly groups: readonly GroupDescription<Member>[] }> {
  const authorizedOperations = includeAuthorizedOperations ? GROUP_OPERATIONS : OPERATIONS_NOT_ASKED;
  const describeOne = async (groupId: string): Promise<GroupDescription<Member>> => {
    const nothing = { groupId, groupState: '', groupEpoch: 0, assignmentEpoch: 0, assignorName: '', members: [] };
    const notFound = (why: string) => ({
      ...nothing,
      errorCode: errorCodes.GROUP_ID_NOT_FOUND,
      errorMessage: `Group ${groupId} ${why}.`,
    });
    const inspected = await coordinator.inspect(groupId, (group) => {
      if (group.kind !== kind) return notFound(`is not a ${kind} group`);
      const described = describe(group as GroupOf<K>);
      return { errorCode: errorCodes.NONE, groupId, groupState: group.state, ...described, authorizedOperations };
    });
    if (typeof inspected === 'number') return { ...nothing, errorCode: inspected };
    return inspected.found ?? notFound('not found');
  };
  const groups = await Promise.all(groupIds.map(describeOne));
  for (const { errorCode } of groups) exchange.noteError(errorCode);
  return { throttleTimeMs: 0, groups };
}

/** What a member reads, as it is told. Topics that are gone have no name, and are left out. */
export function describeAssignment(partitions: TopicPartitions, { catalog }: Bridge) {
  return {
    topicPartitions: partitionLists(partitions).flatMap(({ topicId, partitions: indexes }) => {
      const topicName = catalog.peekById(topicId)?.name;
      return topicName === undefined ? [] : [{ topicId, topicName, partitions: indexes }];
    }),
  };
}
