import { randomUUID } from 'node:crypto';
import { type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import { DEFAULT_ASSIGNOR } from './assignors/index.ts';
import type { ConsumerGroupDocument } from './consumer-group-document.ts';
import {
  type ConsumerHeartbeat,
  type ConsumerHeartbeatAnswer,
  heartbeatFailed,
  heartbeatLeft,
  JOINING_EPOCH,
  LEAVING_EPOCH,
  LEAVING_FOR_A_WHILE_EPOCH,
} from './consumer-group-requests.ts';
import { ConsumerMember, type ConsumerMemberFacts, factsOf } from './consumer-member.ts';
import { CONSUMER_PROTOCOL, readSubscription, writeAssignment } from './consumer-protocol.ts';
import {
  type CommitRequest,
  type JoinAnswer,
  joinFailed,
  type JoinRequest,
  type MemberIdentity,
  type SyncAnswer,
  syncFailed,
  type SyncRequest,
} from './group-requests.ts';
import type { GroupPace } from './group-paces.ts';
import { PartitionReaders } from './partition-readers.ts';
import { reconcile } from './reconciliation.ts';
import type { SubscribableTopics } from './subscribable-topics.ts';
import { makeTargets, subscribedRegexes, topicsStampOf } from './subscriptions.ts';
import {
  addTo,
  containsAll,
  eachPartition,
  NO_PARTITIONS,
  type PartitionSets,
  samePartitions,
  type TopicPartitions,
} from './topic-partitions.ts';
import type { Timers } from './timers.ts';

export type ConsumerGroupState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable' | 'Dead';

export interface ConsumerGroupOptions {
  /** For what is told to clients. */
  readonly groupId: string;
  readonly timers: Timers;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly membersMax: number;
  /** As it is at the moment: it may be changed while the group is in use. */
  readonly pace: () => GroupPace;
  readonly topics: Pick<SubscribableTopics, 'find' | 'nameOf' | 'matching' | 'version'>;
  /** Called after each change of what `document` answers. Whoever asked is to be answered when that is durable. */
  readonly changed: () => void;
  /** Called when the members that are left all speak the classic protocol. */
  readonly onlyClassicLeft: () => void;
  /** For member ids that the client leaves to us. */
  readonly newId?: () => string;
}

/**
 * One group of the consumer protocol (KIP-848), without sockets and store. Members say in heartbeats what they subscribe to and
 * what they read; the group decides who reads what, and leads each member there step by step (`reconcile`):
 *
 * - The *group epoch* grows when members, subscriptions or topics change. Then a *target* is made for all members; its epoch is
 *   the *assignment epoch*.
 * - Each member has its own epoch. It grows to that of the target when the member has given back what others are to have.
 *
 * Members of the classic protocol may be among them (online migration): JoinGroup is for them what a heartbeat with a
 * subscription is, and Heartbeat tells them to join again when there is something new for them.
 */
export class ConsumerGroup {
  readonly kind = 'consumer';
  readonly #options: ConsumerGroupOptions;
  readonly #newId: () => string;
  readonly #members = new Map<string, ConsumerMember>();
  readonly #memberIdByInstance = new Map<string, string>();
  readonly #readers = new PartitionReaders();
  #groupEpoch = 0;
  #assignmentEpoch = 0;
  #assignor = DEFAULT_ASSIGNOR;
  #topicsStamp = '';
  /** Of the topics, when they were looked at last. */
  #topicsVersion = -1;
  #emptySinceMs: number | null = null;
  #dead = false;

  constructor(options: ConsumerGroupOptions, restored?: ConsumerGroupDocument) {
    this.#options = options;
    this.#newId = options.newId ?? randomUUID;
    if (restored !== undefined) this.#restore(restored);
  }

  get state(): ConsumerGroupState {
    if (this.#dead) return 'Dead';
    if (this.#members.size === 0) return 'Empty';
    if (this.#groupEpoch > this.#assignmentEpoch) return 'Assigning';
    for (const { current } of this.#members.values()) {
      if (current.state !== 'stable' || current.memberEpoch !== this.#assignmentEpoch) return 'Reconciling';
    }
    return 'Stable';
  }

  get protocolType(): string {
    return CONSUMER_PROTOCOL;
  }

  get groupEpoch(): number {
    return this.#groupEpoch;
  }

  get assignmentEpoch(): number {
    return this.#assignmentEpoch;
  }

  get assignor(): string {
    return this.#assignor;
  }

  get members(): Iterable<ConsumerMember> {
    return this.#members.values();
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

  /** The expressions that members subscribe to. */
  get regexes(): ReadonlySet<string> {
    return subscribedRegexes(this.#members);
  }

  /** Whether any member subscribes to the topic. */
  subscribesTo(topic: string): boolean {
    for (const { facts } of this.#members.values()) {
      if (facts.topicNames.includes(topic)) return true;
      if (facts.topicRegex !== '' && this.#options.topics.matching(facts.topicRegex)?.includes(topic)) return true;
    }
    return false;
  }

  /**
   * A member comes, goes on or goes. Its request is well-formed. In this order: COORDINATOR_NOT_AVAILABLE,
   * GROUP_MAX_SIZE_REACHED, UNKNOWN_MEMBER_ID, UNRELEASED_INSTANCE_ID or FENCED_INSTANCE_ID, FENCED_MEMBER_EPOCH.
   */
  heartbeat(request: ConsumerHeartbeat): ConsumerHeartbeatAnswer {
    const { memberEpoch } = request;
    if (this.#dead) return heartbeatFailed(errorCodes.COORDINATOR_NOT_AVAILABLE);
    if (memberEpoch === LEAVING_EPOCH || memberEpoch === LEAVING_FOR_A_WHILE_EPOCH)
      return this.#leaveByHeartbeat(request);
    const member = memberEpoch === JOINING_EPOCH ? this.#comingMember(request) : this.#knownMember(request);
    if (!(member instanceof ConsumerMember)) return member;
    const before = member.current;
    this.#update(member, factsAfter(member.facts, request), request.owned);
    member.session.set(this.#options.pace().sessionTimeoutMs);
    this.#watchRevocation(member);
    const isFull =
      request.rebalanceTimeoutMs !== undefined &&
      (request.subscribedTopicNames !== null || request.subscribedTopicRegex !== null) &&
      request.owned !== undefined;
    const { current } = member;
    const tells = isFull || memberEpoch === JOINING_EPOCH || !samePartitions(before.assigned, current.assigned);
    return {
      errorCode: errorCodes.NONE,
      errorMessage: null,
      memberId: member.memberId,
      memberEpoch: current.memberEpoch,
      heartbeatIntervalMs: this.#options.pace().heartbeatIntervalMs,
      assignment: tells ? current.assigned : undefined,
    };
  }

  /**
   * A member of the classic protocol joins, or joins again. The answer comes at once. In this order: COORDINATOR_NOT_AVAILABLE,
   * GROUP_MAX_SIZE_REACHED, INCONSISTENT_GROUP_PROTOCOL, MEMBER_ID_REQUIRED, FENCED_INSTANCE_ID, UNKNOWN_MEMBER_ID.
   */
  join(request: JoinRequest, answer: (answer: JoinAnswer) => void): void {
    const refused = this.#refuseJoin(request);
    if (refused !== undefined) return answer(joinFailed(request.memberId, refused));
    const { instanceId, protocols, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs } = request;
    const memberId = request.memberId || `${instanceId ?? clientId}-${this.#newId()}`;
    if (request.memberId === '' && instanceId === null && request.requireKnownMemberId)
      return answer(joinFailed(memberId, errorCodes.MEMBER_ID_REQUIRED));
    const subscription = readSubscription((protocols[0] as { readonly metadata: Buffer }).metadata);
    if (subscription === undefined) return answer(joinFailed(memberId, errorCodes.INCONSISTENT_GROUP_PROTOCOL));
    const facts: ConsumerMemberFacts = {
      instanceId,
      rackId: subscription.rackId,
      clientId,
      clientHost,
      rebalanceTimeoutMs,
      topicNames: sorted(subscription.topics),
      topicRegex: '',
      serverAssignor: null,
      classic: { sessionTimeoutMs, protocols },
    };
    const member = this.#members.get(memberId) ?? this.#joiningClassic(memberId, facts);
    this.#update(member, facts, this.#ownedByTopicId(subscription.ownedPartitions));
    member.session.set(sessionTimeoutMs);
    // By then it must have asked for its assignment.
    member.rebalance.set(rebalanceTimeoutMs);
    answer({
      errorCode: errorCodes.NONE,
      generation: member.current.memberEpoch,
      protocolType: CONSUMER_PROTOCOL,
      protocolName: this.#protocolNameFor(member),
      leaderId: '',
      memberId,
      skipAssignment: false,
      members: [],
    });
  }

  /**
   * In this order: COORDINATOR_NOT_AVAILABLE, FENCED_INSTANCE_ID, UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION,
   * INCONSISTENT_GROUP_PROTOCOL, REBALANCE_IN_PROGRESS.
   */
  sync(request: SyncRequest, answer: (answer: SyncAnswer) => void): void {
    const member = this.#classicMember(request, request.generation);
    if (!(member instanceof ConsumerMember)) return answer(syncFailed(member));
    const { protocolType, protocolName } = request;
    if (
      (protocolType ?? CONSUMER_PROTOCOL) !== CONSUMER_PROTOCOL ||
      (protocolName !== null && !member.supports(protocolName))
    )
      return answer(syncFailed(errorCodes.INCONSISTENT_GROUP_PROTOCOL));
    const { current, facts } = member;
    if (this.#groupEpoch > current.memberEpoch && current.state !== 'unrevoked') {
      member.rebalance.set(facts.rebalanceTimeoutMs);
      return answer(syncFailed(errorCodes.REBALANCE_IN_PROGRESS));
    }
    member.rebalance.clear();
    member.session.set((facts.classic as { readonly sessionTimeoutMs: number }).sessionTimeoutMs);
    const metadata = facts.classic?.protocols[0]?.metadata ?? Buffer.alloc(0);
    const version = readSubscription(metadata)?.version ?? 0;
    answer({
      errorCode: errorCodes.NONE,
      protocolType: CONSUMER_PROTOCOL,
      protocolName: this.#protocolNameFor(member),
      assignment: writeAssignment(current.assigned, version, (topicId) => this.#options.topics.nameOf(topicId)),
    });
  }

  /** Of a member of the classic protocol. In the order of `sync`. */
  classicHeartbeat(identity: MemberIdentity, generation: number): ErrorCode {
    const member = this.#classicMember(identity, generation);
    if (!(member instanceof ConsumerMember)) return member;
    const { current, facts } = member;
    member.session.set((facts.classic as { readonly sessionTimeoutMs: number }).sessionTimeoutMs);
    this.#noticeTopics();
    const joinsAgain =
      current.memberEpoch < this.#groupEpoch ||
      current.state === 'unrevoked' ||
      (current.state === 'unreleased' && this.#canTakeMore(member));
    if (!joinsAgain) return errorCodes.NONE;
    if (!member.rebalance.isSet) member.rebalance.set(facts.rebalanceTimeoutMs);
    return errorCodes.REBALANCE_IN_PROGRESS;
  }

  /**
   * LeaveGroup, for members of either protocol: an administrator may remove them by it. COORDINATOR_NOT_AVAILABLE,
   * FENCED_INSTANCE_ID, UNKNOWN_MEMBER_ID.
   */
  leave({ memberId, instanceId }: MemberIdentity): ErrorCode {
    if (this.#dead) return errorCodes.COORDINATOR_NOT_AVAILABLE;
    const known = instanceId === null ? memberId : this.#memberIdByInstance.get(instanceId);
    const member = this.#members.get(known ?? '');
    if (member === undefined) return errorCodes.UNKNOWN_MEMBER_ID;
    if (memberId !== '' && member.memberId !== memberId) return errorCodes.FENCED_INSTANCE_ID;
    this.#remove(member);
    return errorCodes.NONE;
  }

  /**
   * Whether this member may commit offsets. A client that is in no group (no member id, epoch -1) may while the group is empty.
   * A member may commit by an epoch that is not its newest what it has had since then (KIP-1251). COORDINATOR_NOT_AVAILABLE,
   * UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, UNSUPPORTED_VERSION, STALE_MEMBER_EPOCH, ILLEGAL_GENERATION (classic protocol).
   */
  refuseCommit(request: CommitRequest): ErrorCode | undefined {
    const { memberId, generation, partitions } = request;
    if (this.#dead) return errorCodes.COORDINATOR_NOT_AVAILABLE;
    if (generation < 0 && this.#members.size === 0) return undefined;
    const member = this.#members.get(memberId);
    if (member === undefined) return errorCodes.UNKNOWN_MEMBER_ID;
    const { current, facts } = member;
    if (request.instanceId !== null && facts.instanceId !== request.instanceId) return errorCodes.UNKNOWN_MEMBER_ID;
    if (facts.classic !== undefined) member.session.set(facts.classic.sessionTimeoutMs);
    else if (!request.understandsMemberEpochs) return errorCodes.UNSUPPORTED_VERSION;
    if (generation === current.memberEpoch) return undefined;
    const hasHadThem = partitions?.every(({ topicId, partition }) => {
      const sinceEpoch = current.assigned.get(topicId)?.get(partition);
      return sinceEpoch !== undefined && sinceEpoch <= generation;
    });
    if (hasHadThem === true && generation < current.memberEpoch) return undefined;
    return facts.classic === undefined ? errorCodes.STALE_MEMBER_EPOCH : errorCodes.ILLEGAL_GENERATION;
  }

  /** Whether this member may ask for offsets; whoever names no member may. UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH. */
  refuseFetch(memberId: string | null, memberEpoch: number): ErrorCode | undefined {
    if (memberId === null && memberEpoch < 0) return undefined;
    const member = this.#members.get(memberId ?? '');
    if (member === undefined) return errorCodes.UNKNOWN_MEMBER_ID;
    if (memberEpoch === member.current.memberEpoch) return undefined;
    return member.facts.classic === undefined ? errorCodes.STALE_MEMBER_EPOCH : errorCodes.ILLEGAL_GENERATION;
  }

  /** Somebody else has the group now, or its state is to be loaded again. */
  close(): void {
    this.#dead = true;
    for (const member of this.#members.values()) member.stopTimers();
  }

  document(): ConsumerGroupDocument {
    return {
      kind: 'consumer',
      groupEpoch: this.#groupEpoch,
      assignmentEpoch: this.#assignmentEpoch,
      assignor: this.#assignor,
      topicsStamp: this.#topicsStamp,
      emptySinceMs: this.#emptySinceMs,
      members: [...this.#members.values()].map((member) => member.document()),
    };
  }

  #restore(document: ConsumerGroupDocument): void {
    this.#groupEpoch = document.groupEpoch;
    this.#assignmentEpoch = document.assignmentEpoch;
    this.#assignor = document.assignor;
    this.#topicsStamp = document.topicsStamp;
    this.#emptySinceMs = document.emptySinceMs;
    for (const kept of document.members) {
      const member = this.#newMember(kept.memberId, factsOf(kept));
      member.restore(kept);
      this.#hold(member);
      this.#readers.note(member.memberId, member.current);
      member.session.set(member.facts.classic?.sessionTimeoutMs ?? this.#options.pace().sessionTimeoutMs);
      this.#watchRevocation(member);
    }
  }

  /** A member that joins: one that is there already, one that takes a static member's place, or a new one. */
  #comingMember(request: ConsumerHeartbeat): ConsumerMember | ConsumerHeartbeatAnswer {
    const { instanceId } = request;
    const memberId = request.memberId || this.#newId();
    const known = this.#members.get(memberId);
    const resident =
      instanceId === null ? undefined : this.#members.get(this.#memberIdByInstance.get(instanceId) ?? '');
    if (resident !== undefined && resident.memberId !== memberId) {
      if (resident.current.memberEpoch !== LEAVING_FOR_A_WHILE_EPOCH)
        return heartbeatFailed(
          errorCodes.UNRELEASED_INSTANCE_ID,
          `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is owned by member ${resident.memberId}.`,
        );
      return this.#replace(resident, memberId);
    }
    if (known !== undefined) return known;
    if (this.#members.size >= this.#options.membersMax)
      return heartbeatFailed(
        errorCodes.GROUP_MAX_SIZE_REACHED,
        `The consumer group has reached its maximum capacity of ${this.#options.membersMax} members.`,
      );
    const member = this.#newMember(memberId, {
      instanceId,
      rackId: null,
      clientId: '',
      clientHost: '',
      rebalanceTimeoutMs: 0,
      topicNames: [],
      topicRegex: '',
      serverAssignor: null,
      classic: undefined,
    });
    this.#hold(member);
    this.#bump();
    return member;
  }

  #knownMember(request: ConsumerHeartbeat): ConsumerMember | ConsumerHeartbeatAnswer {
    const found = this.#find(request);
    if (!(found instanceof ConsumerMember)) return found;
    const { memberEpoch, owned } = request;
    const { current } = found;
    if (memberEpoch > current.memberEpoch) {
      return heartbeatFailed(
        errorCodes.FENCED_MEMBER_EPOCH,
        `The consumer group member has a greater member epoch (${memberEpoch}) than the one known by the group coordinator (${current.memberEpoch}). The member must abandon all its partitions and rejoin.`,
      );
    }
    // The answer with the newer epoch was lost: the member repeats itself, and may have given partitions back meanwhile.
    const repeats =
      memberEpoch === current.previousMemberEpoch && owned !== undefined && containsAll(current.assigned, owned);
    if (memberEpoch < current.memberEpoch && !repeats) {
      return heartbeatFailed(
        errorCodes.FENCED_MEMBER_EPOCH,
        `The consumer group member has a smaller member epoch (${memberEpoch}) than the one known by the group coordinator (${current.memberEpoch}). The member must abandon all its partitions and rejoin.`,
      );
    }
    return found;
  }

  #find({ memberId, instanceId }: MemberIdentity): ConsumerMember | ConsumerHeartbeatAnswer {
    if (instanceId !== null) {
      const resident = this.#memberIdByInstance.get(instanceId);
      if (resident === undefined)
        return heartbeatFailed(errorCodes.UNKNOWN_MEMBER_ID, `Instance id ${instanceId} is unknown.`);
      if (resident !== memberId)
        return heartbeatFailed(
          errorCodes.FENCED_INSTANCE_ID,
          `Static member ${memberId} with instance id ${instanceId} was fenced by member ${resident}.`,
        );
    }
    return (
      this.#members.get(memberId) ??
      heartbeatFailed(
        errorCodes.UNKNOWN_MEMBER_ID,
        `Member ${memberId} is not a member of group ${this.#options.groupId}.`,
      )
    );
  }

  #leaveByHeartbeat(request: ConsumerHeartbeat): ConsumerHeartbeatAnswer {
    const member = this.#find(request);
    if (!(member instanceof ConsumerMember)) return member;
    if (request.memberEpoch === LEAVING_FOR_A_WHILE_EPOCH) {
      // It keeps what it has, until it is back or its session ends.
      const former = member.current;
      member.rebalance.clear();
      member.current = {
        ...former,
        memberEpoch: LEAVING_FOR_A_WHILE_EPOCH,
        state: 'stable',
        revoking: NO_PARTITIONS,
      };
      this.#readers.note(member.memberId, member.current, former);
      this.#options.changed();
    } else {
      this.#remove(member);
    }
    return heartbeatLeft(request.memberId, request.memberEpoch);
  }

  /** A static member is back under another member id, and goes on where it was. */
  #replace(former: ConsumerMember, memberId: string): ConsumerMember {
    former.stopTimers();
    this.#members.delete(former.memberId);
    this.#readers.release(former.memberId, former.current);
    const member = this.#newMember(memberId, former.facts);
    member.current = { ...former.current, previousMemberEpoch: 0 };
    member.target = former.target;
    this.#hold(member);
    this.#readers.note(member.memberId, member.current);
    this.#options.changed();
    return member;
  }

  #refuseJoin({ memberId, instanceId, protocolType, protocols }: JoinRequest): ErrorCode | undefined {
    if (this.#dead) return errorCodes.COORDINATOR_NOT_AVAILABLE;
    const resident = instanceId === null ? undefined : this.#memberIdByInstance.get(instanceId);
    if (this.#members.size >= this.#options.membersMax && !this.#members.has(memberId) && resident === undefined)
      return errorCodes.GROUP_MAX_SIZE_REACHED;
    if (protocolType !== CONSUMER_PROTOCOL || protocols.length === 0) return errorCodes.INCONSISTENT_GROUP_PROTOCOL;
    const others = [...this.#members.values()].filter(
      (member) => member.facts.classic !== undefined && member.memberId !== memberId,
    );
    const fits = protocols.some(({ name }) => others.every((member) => member.supports(name)));
    if (!fits) return errorCodes.INCONSISTENT_GROUP_PROTOCOL;
    if (instanceId !== null && memberId !== '') {
      if (resident === undefined) return errorCodes.UNKNOWN_MEMBER_ID;
      if (resident !== memberId) return errorCodes.FENCED_INSTANCE_ID;
    }
    return undefined;
  }

  /** One whose member id is new here: its id may have been given to it a moment ago, which is not kept. */
  #joiningClassic(memberId: string, facts: ConsumerMemberFacts): ConsumerMember {
    const resident = this.#members.get(this.#memberIdByInstance.get(facts.instanceId ?? '') ?? '');
    if (resident !== undefined) return this.#replace(resident, memberId);
    // Without topics: subscribing to them is what makes the targets new.
    const member = this.#newMember(memberId, { ...facts, topicNames: [] });
    this.#hold(member);
    this.#bump();
    return member;
  }

  #classicMember(identity: MemberIdentity, generation: number): ConsumerMember | ErrorCode {
    if (this.#dead) return errorCodes.COORDINATOR_NOT_AVAILABLE;
    const { memberId, instanceId } = identity;
    if (instanceId !== null) {
      const resident = this.#memberIdByInstance.get(instanceId);
      if (resident === undefined) return errorCodes.UNKNOWN_MEMBER_ID;
      if (resident !== memberId) return errorCodes.FENCED_INSTANCE_ID;
    }
    const member = this.#members.get(memberId);
    if (member?.facts.classic === undefined) return errorCodes.UNKNOWN_MEMBER_ID;
    return generation === member.current.memberEpoch ? member : errorCodes.ILLEGAL_GENERATION;
  }

  /** What a member says of itself, what follows for the group, and the member's next step. */
  #update(member: ConsumerMember, facts: ConsumerMemberFacts, owned: TopicPartitions | undefined): void {
    const before = member.facts;
    if (!sameFacts(before, facts)) {
      member.facts = facts;
      const subscribesAnew =
        before.topicRegex !== facts.topicRegex || before.topicNames.join('\n') !== facts.topicNames.join('\n');
      if (subscribesAnew || before.serverAssignor !== facts.serverAssignor) {
        this.#bump();
        this.#topicsVersion = -1;
      }
      this.#options.changed();
    }
    this.#noticeTopics();
    if (this.#groupEpoch > this.#assignmentEpoch) this.#makeTargets();
    const next = reconcile(
      member.current,
      { assignment: member.target, epoch: this.#assignmentEpoch },
      owned,
      (topicId, partition) => {
        const reader = this.#readers.of(topicId, partition);
        return reader !== undefined && reader !== member.memberId;
      },
    );
    if (next === member.current) return;
    const former = member.current;
    member.current = next;
    this.#readers.note(member.memberId, member.current, former);
    this.#options.changed();
  }

  /** The group epoch grows once for whatever comes together. */
  #bump(): void {
    if (this.#groupEpoch === this.#assignmentEpoch) this.#groupEpoch += 1;
    this.#options.changed();
  }

  /** Looks whether the subscribed topics are those for which the targets were made. */
  #noticeTopics(): void {
    const { version } = this.#options.topics;
    if (version === this.#topicsVersion) return;
    this.#topicsVersion = version;
    const stamp = topicsStampOf(this.#members, this.#options.topics);
    // Where it is not known, the version grows when it is; until then nobody is to lose anything.
    if (stamp === undefined || stamp === this.#topicsStamp) return;
    this.#topicsStamp = stamp;
    this.#bump();
  }

  #makeTargets(): void {
    const { assignor, byMemberId } = makeTargets(this.#members, this.#options.topics);
    this.#assignor = assignor;
    for (const member of this.#members.values()) member.target = byMemberId.get(member.memberId) ?? NO_PARTITIONS;
    this.#assignmentEpoch = this.#groupEpoch;
    this.#options.changed();
  }

  /** Of a member that waits: whether something that it waits for is free by now. */
  #canTakeMore(member: ConsumerMember): boolean {
    for (const [topicId, partition] of eachPartition(member.target))
      if (this.#readers.of(topicId, partition) === undefined) return true;
    return false;
  }

  /** A consumer that is to give partitions back must do so in time, or it is taken for lost. */
  #watchRevocation(member: ConsumerMember): void {
    if (member.facts.classic !== undefined) return;
    if (member.current.state !== 'unrevoked') member.rebalance.clear();
    else if (!member.rebalance.isSet) member.rebalance.set(member.facts.rebalanceTimeoutMs);
  }

  #remove(member: ConsumerMember): void {
    member.stopTimers();
    this.#members.delete(member.memberId);
    this.#readers.release(member.memberId, member.current);
    const { instanceId } = member.facts;
    if (instanceId !== null && this.#memberIdByInstance.get(instanceId) === member.memberId)
      this.#memberIdByInstance.delete(instanceId);
    if (this.#members.size === 0) this.#emptySinceMs = this.#options.clock();
    this.#bump();
    if (this.#members.size > 0 && member.facts.classic === undefined && this.#areAllClassic())
      this.#options.onlyClassicLeft();
  }

  #areAllClassic(): boolean {
    for (const { facts } of this.#members.values()) if (facts.classic === undefined) return false;
    return true;
  }

  #newMember(memberId: string, facts: ConsumerMemberFacts): ConsumerMember {
    return new ConsumerMember(memberId, facts, this.#options.timers, (member) => this.#remove(member));
  }

  #hold(member: ConsumerMember): void {
    this.#members.set(member.memberId, member);
    this.#emptySinceMs = null;
    const { instanceId } = member.facts;
    if (instanceId !== null) this.#memberIdByInstance.set(instanceId, member.memberId);
  }

  #ownedByTopicId(owned: readonly { readonly topic: string; readonly partitions: readonly number[] }[]): PartitionSets {
    const sets = new Map<string, Set<number>>();
    for (const { topic, partitions } of owned) {
      const topicId = this.#options.topics.find(topic)?.topicId;
      if (topicId !== undefined) for (const partition of partitions) addTo(sets, topicId, partition);
    }
    return sets;
  }

  /** The first on the member's list that all members of the classic protocol know. */
  #protocolNameFor(member: ConsumerMember): string | null {
    const classic = [...this.#members.values()].filter(({ facts }) => facts.classic !== undefined);
    const chosen = member.facts.classic?.protocols.find(({ name }) => classic.every((one) => one.supports(name)));
    return chosen?.name ?? null;
  }
}

function factsAfter(former: ConsumerMemberFacts, request: ConsumerHeartbeat): ConsumerMemberFacts {
  const principal = request.principal ?? former.principal;
  return {
    instanceId: request.instanceId ?? former.instanceId,
    rackId: request.rackId ?? former.rackId,
    clientId: request.clientId,
    clientHost: request.clientHost,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs ?? former.rebalanceTimeoutMs,
    topicNames: request.subscribedTopicNames === null ? former.topicNames : sorted(request.subscribedTopicNames),
    topicRegex: request.subscribedTopicRegex ?? former.topicRegex,
    ...(principal === undefined ? {} : { principal }),
    serverAssignor: request.serverAssignor ?? former.serverAssignor,
    // It speaks the consumer protocol from now on, whatever it spoke before.
    classic: undefined,
  };
}

function sameFacts(one: ConsumerMemberFacts, other: ConsumerMemberFacts): boolean {
  return (
    one.instanceId === other.instanceId &&
    one.rackId === other.rackId &&
    one.clientId === other.clientId &&
    one.clientHost === other.clientHost &&
    one.rebalanceTimeoutMs === other.rebalanceTimeoutMs &&
    one.topicRegex === other.topicRegex &&
    (one.topicRegex === '' || one.principal === other.principal) &&
    one.serverAssignor === other.serverAssignor &&
    one.classic === other.classic &&
    one.topicNames.length === other.topicNames.length &&
    one.topicNames.every((name, i) => name === other.topicNames[i])
  );
}

function sorted(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort();
}
