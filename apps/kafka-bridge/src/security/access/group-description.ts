import { type Api, errorCodes, type Message } from '@tailrace/kafka-protocol';
import { type Access, changed, split } from './access.ts';
import { accessRule } from './access-rule.ts';

const { GROUP_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED } = errorCodes;
/** "Not asked for": the smallest int32. */
const OPERATIONS_NOT_ASKED = -0x8000_0000;

interface Assignment {
  readonly topicPartitions: readonly { readonly topicName: string }[];
}

/** What ConsumerGroupDescribe and ShareGroupDescribe say of a group; the members of the latter have no target. */
interface DescribedGroup {
  readonly errorCode: number;
  readonly groupId: string;
  readonly groupState: string;
  readonly groupEpoch: number;
  readonly assignmentEpoch: number;
  readonly assignorName: string;
  readonly members: readonly {
    readonly subscribedTopicNames: readonly string[];
    readonly assignment: Assignment;
    readonly targetAssignment?: Assignment;
  }[];
  readonly authorizedOperations?: number;
}

/** Who sees the members of groups: whoever sees all that they read. */
export function forDescription<Request extends Message, Response extends Message>(api: Api<Request, Response>) {
  return accessRule<Request, Response>({
    api,
    needs: 'DESCRIBE on each group, and on each topic that its members read',
    judge(request, access) {
      const { groupIds } = request as unknown as { readonly groupIds: readonly string[] };
      const { kept, refusedOnes } = split(groupIds, (groupId) => access.mayWithGroup('DESCRIBE', groupId));
      return changed(
        { ...request, groupIds: kept },
        (answer) => {
          const { groups } = answer as unknown as { readonly groups: readonly DescribedGroup[] };
          const seen = narrowGroups(groups, access).map((group) =>
            seesTopics(group, access) ? group : failed(group.groupId, TOPIC_AUTHORIZATION_FAILED),
          );
          const refused = refusedOnes.map((groupId) => failed(groupId, GROUP_AUTHORIZATION_FAILED));
          return { ...answer, groups: [...seen, ...refused] };
        },
        refusedOnes.length > 0 ? GROUP_AUTHORIZATION_FAILED : undefined,
      );
    },
  });
}

/** What a user may do with each group, where that was asked for. */
export function narrowGroups<
  G extends { readonly groupId: string; readonly authorizedOperations?: number | undefined },
>(groups: readonly G[], access: Access): G[] {
  return groups.map((group) => {
    if ((group.authorizedOperations ?? OPERATIONS_NOT_ASKED) === OPERATIONS_NOT_ASKED) return group;
    return { ...group, authorizedOperations: access.operations('GROUP', group.groupId) };
  });
}

function seesTopics({ members }: DescribedGroup, access: Access): boolean {
  const sees = (topic: string) => access.mayWithTopic('DESCRIBE', topic);
  return members.every(
    ({ subscribedTopicNames, assignment, targetAssignment }) =>
      subscribedTopicNames.every(sees) &&
      [assignment, targetAssignment].every(
        (one) => one === undefined || one.topicPartitions.every(({ topicName }) => sees(topicName)),
      ),
  );
}

function failed(groupId: string, errorCode: number): DescribedGroup {
  return { errorCode, groupId, groupState: '', groupEpoch: 0, assignmentEpoch: 0, assignorName: '', members: [] };
}
