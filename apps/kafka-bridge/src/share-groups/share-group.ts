import { createHash } from 'node:crypto';
import { type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import { formatPartitions, parsePartitionSets } from '../groups/consumer-group-document.ts';
import { Deadline } from '../groups/deadline.ts';
import {
  type CommitRequest,
  type JoinAnswer,
  joinFailed,
  type JoinRequest,
  type SyncAnswer,
  syncFailed,
  type SyncRequest,
} from '../groups/group-requests.ts';
import type { SubscribableTopics } from '../groups/subscribable-topics.ts';
import { NO_PARTITIONS, type PartitionSets, samePartitions, type TopicPartitions } from '../groups/topic-partitions.ts';
import type { Timers } from '../groups/timers.ts';
import type { ShareGroupDocument, ShareMemberDocument } from './share-group-document.ts';
import type { ShareGroupSettings } from './share-group-settings.ts';
import { assignSimply } from './simple-assignor.ts';

export type ShareGroupState = 'Empty' | 'Stable' | 'Dead';

/** Epochs by which a member says that it comes, or goes. */
export const JOINING_EPOCH = 0;
export const LEAVING_EPOCH = -1;

export const SHARE_PROTOCOL = 'share';

/** What a member of a share group says of itself; null: as before. */
export interface ShareHeartbeat {
  readonly memberId: string;
  readonly memberEpoch: number;
  readonly rackId: string | null;
  readonly subscribedTopicNames: readonly string[] | null;
  readonly clientId: string;
  readonly clientHost: string;
}

export interface ShareHeartbeatAnswer {
  readonly errorCode: ErrorCode;
  readonly errorMessage: string | null;
  readonly memberId: string | null;
  readonly memberEpoch: number;
  readonly heartbeatIntervalMs: number;
  /** All that the member shall read; `undefined` where it knows. */
  readonly assignment: TopicPartitions | undefined;
}

export function shareHeartbeatFailed(errorCode: ErrorCode, errorMessage: string | null = null): ShareHeartbeatAnswer {
  return { errorCode, errorMessage, memberId: null, memberEpoch: 0, heartbeatIntervalMs: 0, assignment: undefined };
}

/** A member, with where it stands. */
export interface ShareMember {
  readonly memberId: string;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** Sorted, each once. */
  readonly topicNames: readonly string[];
  readonly memberEpoch: number;
  /** The epoch before the last answer, with which the member comes back if that answer was lost. */
  readonly previousMemberEpoch: number;
  /** What it was told to read. */
  readonly assigned: PartitionSets;
  /** What it is to read: it hears of it with its next heartbeat. */
  readonly target: PartitionSets;
}

export interface ShareGroupOptions {
  /** For what is told to clients. */
  readonly groupId: string;
  readonly timers: Timers;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly membersMax: number;
  /** As they are at the moment: they may be changed while the group is in use. */
  readonly settings: () => Pick<ShareGroupSettings, 'heartbeatIntervalMs' | 'sessionTimeoutMs'>;
  readonly topics: Pick<SubscribableTopics, 'find' | 'version'>;
  /** Called after each change of what `document` answers. Whoever asked is to be answered when that is durable. */
  readonly changed: () => void;
}

interface HeldMember {
  facts: ShareMember;
  /** By when it must show itself. */
  readonly session: Deadline;
}

/**
 * One share group (KIP-932), without sockets and store. Members say in heartbeats what they subscribe to and hear what they are
 * to read. Nothing has to be given back before others get it, since several members may read one partition: whenever members,
 * subscriptions or topics change, the *group epoch* grows, all partitions are shared out anew, and each member hears its part.
 * What is locked for a member that goes is not the group's affair: it may acknowledge still, as long as it has its session.
 */
export class ShareGroup {
  readonly kind = 'share';
  readonly protocolType = SHARE_PROTOCOL;
  readonly #options: ShareGroupOptions;
  readonly #members = new Map<string, HeldMember>();
  #groupEpoch = 0;
  #topicsStamp = '';
  /** Of the topics, when they were looked at last. */
  #topicsVersion = -1;
  #emptySinceMs: number | null = null;
  #dead = false;

  constructor(options: ShareGroupOptions, restored?: ShareGroupDocument) {
    this.#options = options;
    if (restored === undefined) return;
    this.#groupEpoch = restored.groupEpoch;
    this.#topicsStamp = restored.topicsStamp;
    this.#emptySinceMs = restored.emptySinceMs;
    for (const { assigned, target, ...kept } of restored.members)
      this.#hold({ ...kept, assigned: parsePartitionSets(assigned), target: parsePartitionSets(target) });
  }

  get state(): ShareGroupState {
    if (this.#dead) return 'Dead';
    return this.#members.size === 0 ? 'Empty' : 'Stable';
  }

  /** The assignment is made at once, so it is that of the assignment too. */
  get groupEpoch(): number {
    return this.#groupEpoch;
  }

  get members(): readonly ShareMember[] {
    return [...this.#members.values()].map(({ facts }) => facts);
  }

  get memberCount(): number {
    return this.#members.size;
  }

  get isIdle(): boolean {
    return this.#members.size === 0;
  }

  get emptySinceMs(): number | undefined {
    return this.#emptySinceMs ?? undefined;
  }

  /** Whether any member subscribes to the topic. */
  subscribesTo(topic: string): boolean {
    for (const { facts } of this.#members.values()) if (facts.topicNames.includes(topic)) return true;
    return false;
  }

  /**
   * A member comes, goes on or goes. Its request is well-formed. In this order: COORDINATOR_NOT_AVAILABLE,
   * GROUP_MAX_SIZE_REACHED, UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH.
   */
  heartbeat(request: ShareHeartbeat): ShareHeartbeatAnswer {
    if (this.#dead) return shareHeartbeatFailed(errorCodes.COORDINATOR_NOT_AVAILABLE);
    const { memberId, memberEpoch } = request;
    const known = this.#members.get(memberId);
    if (memberEpoch === LEAVING_EPOCH) return this.#leave(request);
    if (known === undefined) {
      if (memberEpoch !== JOINING_EPOCH) return this.#unknown(memberId);
      if (this.#members.size >= this.#options.membersMax) {
        const message = `The share group has reached its maximum capacity of ${this.#options.membersMax} members.`;
        return shareHeartbeatFailed(errorCodes.GROUP_MAX_SIZE_REACHED, message);
      }
    } else if (memberEpoch !== JOINING_EPOCH) {
      const { facts } = known;
      if (memberEpoch !== facts.memberEpoch && memberEpoch !== facts.previousMemberEpoch) {
        const compared = memberEpoch > facts.memberEpoch ? 'greater' : 'smaller';
        const message = `The share group member has a ${compared} member epoch (${memberEpoch}) than the one known by the group coordinator (${facts.memberEpoch}). The member must abandon all its partitions and rejoin.`;
        return shareHeartbeatFailed(errorCodes.FENCED_MEMBER_EPOCH, message);
      }
    }
    const member = this.#update(request, known);
    this.#noticeTopics();
    const before = member.facts;
    if (before.memberEpoch !== this.#groupEpoch) {
      const { memberEpoch: previousMemberEpoch, target } = before;
      member.facts = { ...before, memberEpoch: this.#groupEpoch, previousMemberEpoch, assigned: target };
      this.#options.changed();
    }
    const { heartbeatIntervalMs, sessionTimeoutMs } = this.#options.settings();
    member.session.set(sessionTimeoutMs);
    const { facts } = member;
    const isLate = memberEpoch !== before.memberEpoch;
    const tells = memberEpoch === JOINING_EPOCH || isLate || !samePartitions(before.assigned, facts.assigned);
    return {
      errorCode: errorCodes.NONE,
      errorMessage: null,
      memberId,
      memberEpoch: facts.memberEpoch,
      heartbeatIntervalMs,
      assignment: tells ? facts.assigned : undefined,
    };
  }

  /** It is there from now on, without members. */
  establish(): void {
    this.#emptySinceMs = this.#options.clock();
    this.#shareOut();
  }

  /** A classic member has no place here: COORDINATOR_NOT_AVAILABLE, INCONSISTENT_GROUP_PROTOCOL. */
  join(request: JoinRequest, answer: (answer: JoinAnswer) => void): void {
    answer(joinFailed(request.memberId, this.#refusal(errorCodes.INCONSISTENT_GROUP_PROTOCOL)));
  }

  sync(_request: SyncRequest, answer: (answer: SyncAnswer) => void): void {
    answer(syncFailed(this.#refusal(errorCodes.UNKNOWN_MEMBER_ID)));
  }

  classicHeartbeat(): ErrorCode {
    return this.#refusal(errorCodes.UNKNOWN_MEMBER_ID);
  }

  /** LeaveGroup is for classic groups and consumer groups. */
  leave(): ErrorCode {
    return this.#refusal(errorCodes.UNKNOWN_MEMBER_ID);
  }

  /** A share group has no committed offsets. */
  refuseCommit(_request: CommitRequest): ErrorCode {
    return this.#refusal(errorCodes.GROUP_ID_NOT_FOUND);
  }

  /** Somebody else has the group now, or its state is to be loaded again. */
  close(): void {
    this.#dead = true;
    for (const { session } of this.#members.values()) session.clear();
  }

  document(): ShareGroupDocument {
    return {
      kind: 'share',
      groupEpoch: this.#groupEpoch,
      topicsStamp: this.#topicsStamp,
      emptySinceMs: this.#emptySinceMs,
      members: [...this.#members.values()].map(({ facts: { assigned, target, ...facts } }): ShareMemberDocument => ({
        ...facts,
        assigned: formatPartitions(assigned),
        target: formatPartitions(target),
      })),
    };
  }

  #refusal(errorCode: ErrorCode): ErrorCode {
    return this.#dead ? errorCodes.COORDINATOR_NOT_AVAILABLE : errorCode;
  }

  #unknown(memberId: string): ShareHeartbeatAnswer {
    const message = `Member ${memberId} is not a member of group ${this.#options.groupId}.`;
    return shareHeartbeatFailed(errorCodes.UNKNOWN_MEMBER_ID, message);
  }

  #leave({ memberId, memberEpoch }: ShareHeartbeat): ShareHeartbeatAnswer {
    const member = this.#members.get(memberId);
    if (member === undefined) return this.#unknown(memberId);
    this.#remove(member);
    const answer = { errorCode: errorCodes.NONE, errorMessage: null, memberId, memberEpoch };
    return { ...answer, heartbeatIntervalMs: 0, assignment: undefined };
  }

  /** What a member says of itself, and what follows for the group. */
  #update(request: ShareHeartbeat, known: HeldMember | undefined): HeldMember {
    const { memberId, rackId, subscribedTopicNames, clientId, clientHost } = request;
    const before = known?.facts;
    const topicNames = subscribedTopicNames === null ? (before?.topicNames ?? []) : sorted(subscribedTopicNames);
    const facts: ShareMember = {
      memberId,
      rackId: rackId ?? before?.rackId ?? null,
      clientId,
      clientHost,
      topicNames,
      memberEpoch: before?.memberEpoch ?? 0,
      previousMemberEpoch: before?.previousMemberEpoch ?? 0,
      assigned: before?.assigned ?? NO_PARTITIONS,
      target: before?.target ?? NO_PARTITIONS,
    };
    const subscribesAnew = before === undefined || before.topicNames.join('\n') !== topicNames.join('\n');
    if (known === undefined) this.#hold(facts);
    else known.facts = facts;
    if (subscribesAnew) this.#shareOut();
    else if (before.rackId !== facts.rackId || before.clientId !== clientId || before.clientHost !== clientHost)
      this.#options.changed();
    return this.#members.get(memberId) as HeldMember;
  }

  /** Looks whether the subscribed topics are those for which the assignment was made. */
  #noticeTopics(): void {
    const { version } = this.#options.topics;
    if (version === this.#topicsVersion) return;
    this.#topicsVersion = version;
    if (this.#stampOfTopics() !== this.#topicsStamp) this.#shareOut();
  }

  #stampOfTopics(): string {
    const names = new Set<string>();
    for (const { facts } of this.#members.values()) for (const name of facts.topicNames) names.add(name);
    const hash = createHash('sha1');
    for (const name of [...names].sort()) {
      const topic = this.#options.topics.find(name);
      if (topic !== undefined) hash.update(`${topic.topicId} ${topic.partitionCount}\n`);
    }
    return hash.digest('base64url');
  }

  /** Members, subscriptions or topics have changed: the group epoch grows, and everybody is given a part anew. */
  #shareOut(): void {
    this.#groupEpoch += 1;
    this.#topicsStamp = this.#stampOfTopics();
    const counts = new Map<string, number>();
    const members = [...this.#members.values()].map(({ facts }) => {
      const topicIds = new Set<string>();
      for (const name of facts.topicNames) {
        const topic = this.#options.topics.find(name);
        if (topic === undefined) continue;
        topicIds.add(topic.topicId);
        counts.set(topic.topicId, topic.partitionCount);
      }
      return { memberId: facts.memberId, topicIds, former: facts.target };
    });
    const targets = assignSimply(members, counts);
    for (const member of this.#members.values()) {
      const target = targets.get(member.facts.memberId) ?? NO_PARTITIONS;
      member.facts = { ...member.facts, target };
    }
    this.#options.changed();
  }

  #hold(facts: ShareMember): void {
    const member: HeldMember = {
      facts,
      session: new Deadline(this.#options.timers, () => this.#remove(member)),
    };
    this.#members.set(facts.memberId, member);
    this.#emptySinceMs = null;
    member.session.set(this.#options.settings().sessionTimeoutMs);
  }

  #remove(member: HeldMember): void {
    const { memberId } = member.facts;
    member.session.clear();
    this.#members.delete(memberId);
    if (this.#members.size === 0) this.#emptySinceMs = this.#options.clock();
    this.#shareOut();
  }
}

function sorted(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort();
}
