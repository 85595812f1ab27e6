import { randomUUID } from 'node:crypto';
import { type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import { readSubscription } from './consumer-protocol.ts';
import type { GroupDocument } from './group-document.ts';
import { GroupMember } from './group-member.ts';
import {
  type CommitRequest,
  type GroupProtocol,
  type JoinAnswer,
  joinFailed,
  type JoinRequest,
  type MemberIdentity,
  type SyncAnswer,
  syncFailed,
  type SyncRequest,
} from './group-requests.ts';
import { anySupportedByAll, selectProtocol } from './protocol-selection.ts';
import type { Timers } from './timers.ts';

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead';

/** A member that waits for its first generation and never says anything again is given up after so long. */
export const NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60 * 1000;

export interface ClassicGroupOptions {
  readonly timers: Timers;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly initialRebalanceDelayMs: number;
  readonly membersMax: number;
  /** Keeps the group's state; settles when it is durable. What it rejects with has been logged. */
  readonly save: (document: GroupDocument) => Promise<void>;
  /** Called when a group that nobody joined in the end is idle again. */
  readonly becameIdle?: () => void;
  /** For new member ids. */
  readonly newId?: () => string;
}

/**
 * One group of the classic protocol, without sockets and store: requests in, answers out through callbacks, time and
 * saving from outside. It follows Kafka's coordinator state by state:
 *
 * | State               | what it waits for                          | goes on                                                |
 * |---------------------|--------------------------------------------|--------------------------------------------------------|
 * | Empty               | a first member                             | PreparingRebalance, after a short delay for more       |
 * | PreparingRebalance  | all members to join, or the rebalance time-out | CompletingRebalance; Empty when nobody is left     |
 * | CompletingRebalance | the leader's assignment                    | Stable, once it is saved; or PreparingRebalance again  |
 * | Stable              | changes: join, leave, silence              | PreparingRebalance                                     |
 * | Dead                | nothing: another bridge has the group      |                                                        |
 */
export class ClassicGroup {
  readonly kind = 'classic';
  readonly #options: ClassicGroupOptions;
  readonly #newId: () => string;
  #state: GroupState = 'Empty';
  #generation = 0;
  #protocolType: string | null = null;
  #protocolName: string | null = null;
  #leaderId: string | undefined;
  #emptySinceMs: number | undefined;
  #stateSinceMs: number | undefined;
  readonly #members = new Map<string, GroupMember>();
  readonly #memberIdByInstance = new Map<string, string>();
  /** Ids that were given out and have not been used yet, each with its timer. */
  readonly #pending = new Map<string, () => void>();
  /** Members that have not asked for their assignment in this generation. */
  readonly #pendingSync = new Set<string>();
  #initialRebalance = false;
  #joinedDuringDelay = false;
  #cancelJoinTimer: (() => void) | undefined;
  #cancelSyncTimer: (() => void) | undefined;
  /** Counts the leader's assignments, so that one that was overtaken while it was being saved is dropped. */
  #assignmentNumber = 0;

  constructor(options: ClassicGroupOptions, restored?: GroupDocument) {
    this.#options = options;
    this.#newId = options.newId ?? randomUUID;
    if (restored !== undefined) this.#restore(restored);
  }

  get state(): GroupState {
    return this.#state;
  }

  get generation(): number {
    return this.#generation;
  }

  get protocolType(): string | null {
    return this.#protocolType;
  }

  get protocolName(): string | null {
    return this.#protocolName;
  }

  get members(): Iterable<GroupMember> {
    return this.#members.values();
  }

  /** When the last member went; `undefined` while there are members, and where there never was one. */
  get emptySinceMs(): number | undefined {
    return this.#emptySinceMs;
  }

  /** Whether any member subscribes to the topic; of members that are no consumers it counts as true. */
  subscribesTo(topic: string): boolean {
    for (const { protocols } of this.#members.values()) {
      const subscription = protocols[0] && readSubscription(protocols[0].metadata);
      if (subscription === undefined || subscription.topics.includes(topic)) return true;
    }
    return false;
  }

  get memberCount(): number {
    return this.#members.size;
  }

  /** Nothing here that its document does not hold. */
  get isIdle(): boolean {
    return this.#state === 'Empty' && this.#pending.size === 0;
  }

  /**
   * In this order: COORDINATOR_NOT_AVAILABLE, GROUP_MAX_SIZE_REACHED, INCONSISTENT_GROUP_PROTOCOL, FENCED_INSTANCE_ID,
   * UNKNOWN_MEMBER_ID, MEMBER_ID_REQUIRED. Otherwise the answer comes when the generation begins.
   */
  join(request: JoinRequest, answer: (answer: JoinAnswer) => void): void {
    const { memberId } = request;
    const refused = this.#refuseJoin(request);
    if (refused !== undefined) return answer(joinFailed(memberId, refused));
    if (memberId === '') return this.#joinAsNew(request, answer);
    const cancelPending = this.#pending.get(memberId);
    if (cancelPending !== undefined) {
      cancelPending();
      this.#pending.delete(memberId);
      return this.#add(memberId, request, answer);
    }
    const unknown = this.#refuseIdentity(request);
    if (unknown !== undefined) return answer(joinFailed(memberId, unknown));
    this.#rejoin(this.#members.get(memberId) as GroupMember, request, answer);
  }

  /**
   * In this order: COORDINATOR_NOT_AVAILABLE, FENCED_INSTANCE_ID, UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION,
   * INCONSISTENT_GROUP_PROTOCOL, REBALANCE_IN_PROGRESS. Otherwise the answer comes with the leader's assignment.
   */
  sync(request: SyncRequest, answer: (answer: SyncAnswer) => void): void {
    const refused = this.#refuseMember(request, request.generation) ?? this.#refuseProtocol(request);
    if (refused !== undefined) return answer(syncFailed(refused));
    const member = this.#members.get(request.memberId) as GroupMember;
    switch (this.#state) {
      case 'Empty':
      case 'Dead':
        return answer(syncFailed(errorCodes.UNKNOWN_MEMBER_ID));
      case 'PreparingRebalance':
        return answer(syncFailed(errorCodes.REBALANCE_IN_PROGRESS));
      case 'CompletingRebalance':
        member.syncAnswer = answer;
        this.#synced(member);
        if (member.memberId === this.#leaderId) this.#assign(request.assignments);
        return;
      case 'Stable':
        this.#synced(member);
        member.keepAlive();
        return answer(this.#assignmentOf(member));
    }
  }

  /** In the order of `sync`. */
  heartbeat(identity: MemberIdentity, generation: number): ErrorCode {
    const refused = this.#refuseMember(identity, generation);
    if (refused !== undefined) return refused;
    (this.#members.get(identity.memberId) as GroupMember).keepAlive();
    return this.#state === 'PreparingRebalance' ? errorCodes.REBALANCE_IN_PROGRESS : errorCodes.NONE;
  }

  /** A static member may be named by its instance alone. COORDINATOR_NOT_AVAILABLE, FENCED_INSTANCE_ID, UNKNOWN_MEMBER_ID. */
  leave({ memberId, instanceId }: MemberIdentity): ErrorCode {
    if (this.#state === 'Dead') return errorCodes.COORDINATOR_NOT_AVAILABLE;
    const known = memberId === '' && instanceId !== null ? (this.#memberIdByInstance.get(instanceId) ?? '') : memberId;
    const cancelPending = this.#pending.get(known);
    if (cancelPending !== undefined) {
      cancelPending();
      this.#pending.delete(known);
      this.#completeJoinIfAllAreHere();
      return errorCodes.NONE;
    }
    const refused = this.#refuseIdentity({ memberId: known, instanceId });
    if (refused !== undefined) return refused;
    this.#removeAndGoOn(this.#members.get(known) as GroupMember);
    return errorCodes.NONE;
  }

  /**
   * Whether this member may commit offsets. A client that is in no group (no member id, generation -1) may while the group
   * is empty. COORDINATOR_NOT_AVAILABLE, FENCED_INSTANCE_ID, UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS.
   */
  refuseCommit(identity: Pick<CommitRequest, 'memberId' | 'instanceId' | 'generation'>): ErrorCode | undefined {
    const { generation } = identity;
    if (this.#state === 'Dead') return errorCodes.COORDINATOR_NOT_AVAILABLE;
    const isSimple = generation < 0 && identity.memberId === '' && identity.instanceId === null;
    if (generation < 0 && this.#state === 'Empty') return undefined;
    if (isSimple) return errorCodes.UNKNOWN_MEMBER_ID;
    const refused = this.#refuseMember(identity, generation);
    if (refused !== undefined) return refused;
    (this.#members.get(identity.memberId) as GroupMember).keepAlive();
    // The member commits what it has of a generation that has not begun: it cannot own anything in it yet.
    return this.#state === 'CompletingRebalance' ? errorCodes.REBALANCE_IN_PROGRESS : undefined;
  }

  /** Lets all members join anew: something has changed of which they do not know. */
  requestRebalance(): void {
    if (this.#state === 'Stable' || this.#state === 'CompletingRebalance') this.#rebalance();
  }

  /** Somebody else has the group now: whoever waits is sent to look for it. */
  close(errorCode: ErrorCode): void {
    this.#state = 'Dead';
    this.#cancelJoinTimer?.();
    this.#cancelSyncTimer?.();
    for (const cancel of this.#pending.values()) cancel();
    this.#pending.clear();
    for (const member of this.#members.values()) {
      member.stopTimer();
      this.#answerJoin(member, joinFailed(member.memberId, errorCode));
      this.#answerSync(member, syncFailed(errorCode));
    }
  }

  document(): GroupDocument {
    return {
      generation: this.#generation,
      protocolType: this.#protocolType,
      protocolName: this.#protocolName,
      leaderId: this.#leaderId ?? null,
      ...(this.#emptySinceMs === undefined ? {} : { emptySinceMs: this.#emptySinceMs }),
      ...(this.#stateSinceMs === undefined ? {} : { stateSinceMs: this.#stateSinceMs }),
      members: [...this.#members.values()].map((member) => ({
        memberId: member.memberId,
        instanceId: member.instanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        sessionTimeoutMs: member.sessionTimeoutMs,
        rebalanceTimeoutMs: member.rebalanceTimeoutMs,
        protocols: member.protocols.map(({ name, metadata }) => ({ name, metadata: metadata.toString('base64') })),
        assignment: member.assignment.toString('base64'),
      })),
    };
  }

  #restore(document: GroupDocument): void {
    this.#generation = document.generation;
    this.#protocolType = document.protocolType;
    this.#protocolName = document.protocolName;
    this.#emptySinceMs = document.emptySinceMs;
    this.#stateSinceMs = document.stateSinceMs;
    if (document.members.length === 0) return;
    this.#leaderId = document.leaderId ?? undefined;
    this.#state = 'Stable';
    for (const kept of document.members) {
      const protocols = kept.protocols.map(({ name, metadata }) => ({
        name,
        metadata: Buffer.from(metadata, 'base64'),
      }));
      const member = this.#newMember(kept.memberId, { ...kept, protocols });
      member.assignment = Buffer.from(kept.assignment, 'base64');
      member.isNew = false;
      this.#hold(member);
      member.keepAlive();
    }
  }

  #refuseJoin({ memberId, instanceId, protocolType, protocols }: JoinRequest): ErrorCode | undefined {
    if (this.#state === 'Dead') return errorCodes.COORDINATOR_NOT_AVAILABLE;
    const isFull = this.#members.size + this.#pending.size >= this.#options.membersMax;
    const hasPlace =
      this.#members.has(memberId) || this.#pending.has(memberId) || this.#memberIdByInstance.has(instanceId ?? '');
    if (isFull && !hasPlace) return errorCodes.GROUP_MAX_SIZE_REACHED;
    const names = protocols.map(({ name }) => name);
    if (protocolType === '' || names.length === 0) return errorCodes.INCONSISTENT_GROUP_PROTOCOL;
    if (this.#members.size === 0) return undefined;
    const others = [...this.#members.values()].filter((member) => member.memberId !== memberId);
    const fits = protocolType === this.#protocolType && anySupportedByAll(names, others);
    return fits ? undefined : errorCodes.INCONSISTENT_GROUP_PROTOCOL;
  }

  #refuseIdentity({ memberId, instanceId }: MemberIdentity): ErrorCode | undefined {
    if (instanceId !== null) {
      const current = this.#memberIdByInstance.get(instanceId);
      if (current === undefined) return errorCodes.UNKNOWN_MEMBER_ID;
      // Another client came up with the same instance id, and this one has to give way.
      if (current !== memberId) return errorCodes.FENCED_INSTANCE_ID;
    }
    return this.#members.has(memberId) ? undefined : errorCodes.UNKNOWN_MEMBER_ID;
  }

  #refuseMember(identity: MemberIdentity, generation: number): ErrorCode | undefined {
    if (this.#state === 'Dead') return errorCodes.COORDINATOR_NOT_AVAILABLE;
    const unknown = this.#refuseIdentity(identity);
    if (unknown !== undefined) return unknown;
    return generation === this.#generation ? undefined : errorCodes.ILLEGAL_GENERATION;
  }

  #refuseProtocol({ protocolType, protocolName }: SyncRequest): ErrorCode | undefined {
    const other =
      (protocolType !== null && protocolType !== this.#protocolType) ||
      (protocolName !== null && protocolName !== this.#protocolName);
    return other ? errorCodes.INCONSISTENT_GROUP_PROTOCOL : undefined;
  }

  #joinAsNew(request: JoinRequest, answer: (answer: JoinAnswer) => void): void {
    const { instanceId, clientId } = request;
    const memberId = `${instanceId ?? clientId}-${this.#newId()}`;
    if (instanceId !== null) {
      const current = this.#members.get(this.#memberIdByInstance.get(instanceId) ?? '');
      if (current === undefined) this.#add(memberId, request, answer);
      else this.#replaceStatic(current, memberId, request, answer);
      return;
    }
    if (!request.requireKnownMemberId) return this.#add(memberId, request, answer);
    const cancel = this.#options.timers.after(request.sessionTimeoutMs, () => {
      this.#pending.delete(memberId);
      this.#completeJoinIfAllAreHere();
      if (this.isIdle) this.#options.becameIdle?.();
    });
    this.#pending.set(memberId, cancel);
    answer(joinFailed(memberId, errorCodes.MEMBER_ID_REQUIRED));
  }

  #add(memberId: string, request: JoinRequest, answer: (answer: JoinAnswer) => void): void {
    const member = this.#newMember(memberId, request);
    this.#protocolType = request.protocolType;
    this.#leaderId ??= memberId;
    this.#hold(member);
    member.joinAnswer = answer;
    member.keepAlive(NEW_MEMBER_JOIN_TIMEOUT_MS);
    if (this.#initialRebalance) this.#joinedDuringDelay = true;
    this.#rebalance();
  }

  /** A static member came back under its instance id: it takes the old one's place, if possible without a rebalance. */
  #replaceStatic(old: GroupMember, memberId: string, request: JoinRequest, answer: (answer: JoinAnswer) => void): void {
    const wasLeader = old.memberId === this.#leaderId;
    const formerLeaderId = this.#leaderId as string;
    const unchanged = old.matches(request.protocols);
    const { assignment } = old;
    old.stopTimer();
    this.#answerJoin(old, joinFailed(old.memberId, errorCodes.FENCED_INSTANCE_ID));
    this.#answerSync(old, syncFailed(errorCodes.FENCED_INSTANCE_ID));
    this.#members.delete(old.memberId);
    this.#pendingSync.delete(old.memberId);
    const member = this.#newMember(memberId, request);
    member.assignment = assignment;
    this.#hold(member);
    if (wasLeader) this.#leaderId = memberId;
    member.joinAnswer = answer;
    if (this.#state !== 'Stable' || !unchanged) {
      member.keepAlive(NEW_MEMBER_JOIN_TIMEOUT_MS);
      return this.#rebalance();
    }
    member.isNew = false;
    member.keepAlive();
    const skips = request.supportsSkippingAssignment;
    const current: JoinAnswer = {
      ...this.#generationFor(member),
      // A leader that would assign again is told of the old leader, in whom it does not know itself.
      leaderId: skips ? (this.#leaderId as string) : formerLeaderId,
      members: skips && wasLeader ? this.#describeMembers() : [],
      skipAssignment: skips && wasLeader,
    };
    this.#options.save(this.document()).then(
      () => this.#answerJoin(member, current),
      () => this.#answerJoin(member, joinFailed(memberId, errorCodes.COORDINATOR_NOT_AVAILABLE)),
    );
  }

  #rejoin(member: GroupMember, request: JoinRequest, answer: (answer: JoinAnswer) => void): void {
    const { protocols } = request;
    const isLeader = member.memberId === this.#leaderId;
    // The answer was lost, or the follower only asks: nothing has changed for the others.
    const repeats =
      (this.#state === 'CompletingRebalance' && member.matches(protocols)) ||
      (this.#state === 'Stable' && !isLeader && member.matches(protocols));
    if (repeats) {
      member.keepAlive();
      const describes = isLeader ? this.#describeMembers() : [];
      return answer({ ...this.#generationFor(member), members: describes });
    }
    if (this.#state === 'Empty' || this.#state === 'Dead')
      return answer(joinFailed(member.memberId, errorCodes.UNKNOWN_MEMBER_ID));
    this.#answerJoin(member, joinFailed(member.memberId, errorCodes.REBALANCE_IN_PROGRESS));
    member.protocols = protocols;
    member.sessionTimeoutMs = request.sessionTimeoutMs;
    member.rebalanceTimeoutMs = request.rebalanceTimeoutMs;
    member.joinAnswer = answer;
    this.#rebalance();
  }

  /** Begins a rebalance, or goes on with the one that has begun. */
  #rebalance(): void {
    if (this.#state === 'PreparingRebalance') return this.#completeJoinIfAllAreHere();
    if (this.#state === 'Dead') return;
    if (this.#state === 'CompletingRebalance') this.#refuseSyncs(errorCodes.REBALANCE_IN_PROGRESS);
    this.#cancelSyncTimer?.();
    this.#pendingSync.clear();
    this.#assignmentNumber += 1;
    this.#initialRebalance = this.#state === 'Empty';
    this.#state = 'PreparingRebalance';
    const timeoutMs = this.#rebalanceTimeoutMs();
    if (this.#initialRebalance) {
      this.#joinedDuringDelay = false;
      const delayMs = Math.min(this.#options.initialRebalanceDelayMs, timeoutMs);
      this.#waitForMore(delayMs, timeoutMs - delayMs);
    } else {
      this.#startJoinTimer(timeoutMs, () => this.#completeJoin());
      this.#completeJoinIfAllAreHere();
    }
  }

  /** A group that begins waits a little for more members, and again as long as some come. */
  #waitForMore(delayMs: number, leftMs: number): void {
    this.#startJoinTimer(delayMs, () => {
      if (!this.#joinedDuringDelay || leftMs <= 0) return this.#completeJoin();
      this.#joinedDuringDelay = false;
      const nextMs = Math.min(this.#options.initialRebalanceDelayMs, leftMs);
      this.#waitForMore(nextMs, leftMs - nextMs);
    });
  }

  #startJoinTimer(delayMs: number, run: () => void): void {
    this.#cancelJoinTimer?.();
    this.#cancelJoinTimer = this.#options.timers.after(delayMs, run);
  }

  #completeJoinIfAllAreHere(): void {
    if (this.#state !== 'PreparingRebalance' || this.#initialRebalance || this.#pending.size > 0) return;
    for (const { joinAnswer } of this.#members.values()) if (joinAnswer === undefined) return;
    this.#completeJoin();
  }

  #completeJoin(): void {
    this.#cancelJoinTimer?.();
    this.#cancelJoinTimer = undefined;
    this.#initialRebalance = false;
    for (const member of [...this.#members.values()]) {
      // A static member keeps its place until its session ends.
      if (member.joinAnswer === undefined && member.instanceId === null) this.#remove(member);
    }
    const leader = this.#members.get(this.#leaderId ?? '');
    if (leader?.joinAnswer === undefined) {
      const next = [...this.#members.values()].find(({ joinAnswer }) => joinAnswer !== undefined);
      if (next !== undefined) this.#leaderId = next.memberId;
      else if (this.#members.size > 0) {
        // Only static members that are away: wait until one comes back or their sessions end.
        return this.#startJoinTimer(this.#rebalanceTimeoutMs(), () => this.#completeJoin());
      }
    }
    this.#generation += 1;
    if (this.#members.size === 0) return this.#becomeEmpty();
    this.#protocolName = selectProtocol(this.#members.values()) ?? null;
    this.#state = 'CompletingRebalance';
    const described = this.#describeMembers();
    for (const member of this.#members.values()) {
      this.#pendingSync.add(member.memberId);
      member.isNew = false;
      member.keepAlive();
      const members = member.memberId === this.#leaderId ? described : [];
      this.#answerJoin(member, { ...this.#generationFor(member), members });
    }
    const generation = this.#generation;
    this.#cancelSyncTimer = this.#options.timers.after(this.#rebalanceTimeoutMs(), () =>
      this.#removeUnsynced(generation),
    );
  }

  #becomeEmpty(): void {
    this.#state = 'Empty';
    this.#protocolName = null;
    this.#leaderId = undefined;
    this.#emptySinceMs = this.#options.clock();
    this.#stateSinceMs = undefined;
    // Nobody waits for it; a failure means that the next owner sees a member that it will miss.
    this.#options.save(this.document()).catch(() => undefined);
  }

  /** Members that joined and never asked for their assignment would hold partitions that nobody reads. */
  #removeUnsynced(generation: number): void {
    if (generation !== this.#generation || this.#pendingSync.size === 0) return;
    if (this.#state !== 'CompletingRebalance' && this.#state !== 'Stable') return;
    for (const memberId of [...this.#pendingSync]) {
      const member = this.#members.get(memberId);
      if (member !== undefined) this.#remove(member);
    }
    this.#rebalance();
  }

  #synced(member: GroupMember): void {
    this.#pendingSync.delete(member.memberId);
    if (this.#pendingSync.size === 0) this.#cancelSyncTimer?.();
  }

  /** The leader has decided: once that is saved, all who wait get theirs. */
  #assign(assignments: ReadonlyMap<string, Buffer>): void {
    const number = ++this.#assignmentNumber;
    this.#stateSinceMs = this.#options.clock();
    for (const member of this.#members.values())
      member.assignment = assignments.get(member.memberId) ?? Buffer.alloc(0);
    const isCurrent = () => number === this.#assignmentNumber && this.#state === 'CompletingRebalance';
    this.#options.save(this.document()).then(
      () => {
        if (!isCurrent()) return;
        this.#state = 'Stable';
        for (const member of this.#members.values()) {
          if (member.syncAnswer === undefined) continue;
          member.keepAlive();
          this.#answerSync(member, this.#assignmentOf(member));
        }
      },
      () => {
        if (!isCurrent()) return;
        this.#refuseSyncs(errorCodes.COORDINATOR_NOT_AVAILABLE);
        this.#rebalance();
      },
    );
  }

  #refuseSyncs(errorCode: ErrorCode): void {
    for (const member of this.#members.values()) {
      member.assignment = Buffer.alloc(0);
      this.#answerSync(member, syncFailed(errorCode));
    }
  }

  #removeAndGoOn(member: GroupMember): void {
    this.#remove(member);
    if (this.#state === 'Stable' || this.#state === 'CompletingRebalance') this.#rebalance();
    else this.#completeJoinIfAllAreHere();
  }

  #remove(member: GroupMember): void {
    const { memberId, instanceId } = member;
    member.stopTimer();
    this.#members.delete(memberId);
    this.#pendingSync.delete(memberId);
    if (instanceId !== null && this.#memberIdByInstance.get(instanceId) === memberId)
      this.#memberIdByInstance.delete(instanceId);
    if (this.#leaderId === memberId) this.#leaderId = this.#members.keys().next().value;
    this.#answerJoin(member, joinFailed(memberId, errorCodes.UNKNOWN_MEMBER_ID));
    this.#answerSync(member, syncFailed(errorCodes.UNKNOWN_MEMBER_ID));
  }

  #newMember(
    memberId: string,
    request: Omit<
      JoinRequest,
      'memberId' | 'protocolType' | 'requireKnownMemberId' | 'supportsSkippingAssignment' | 'protocols'
    > & {
      readonly protocols: readonly GroupProtocol[];
    },
  ): GroupMember {
    return new GroupMember(memberId, request, this.#options.timers, (member) => this.#removeAndGoOn(member));
  }

  #hold(member: GroupMember): void {
    this.#members.set(member.memberId, member);
    this.#emptySinceMs = undefined;
    if (member.instanceId !== null) this.#memberIdByInstance.set(member.instanceId, member.memberId);
  }

  #generationFor(member: GroupMember): JoinAnswer {
    return {
      errorCode: errorCodes.NONE,
      generation: this.#generation,
      protocolType: this.#protocolType,
      protocolName: this.#protocolName,
      leaderId: this.#leaderId ?? '',
      memberId: member.memberId,
      skipAssignment: false,
      members: [],
    };
  }

  #describeMembers(): JoinAnswer['members'] {
    const protocolName = this.#protocolName ?? '';
    return [...this.#members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      metadata: member.metadata(protocolName),
    }));
  }

  #assignmentOf({ assignment }: GroupMember): SyncAnswer {
    return {
      errorCode: errorCodes.NONE,
      protocolType: this.#protocolType,
      protocolName: this.#protocolName,
      assignment,
    };
  }

  /** The slowest member decides. */
  #rebalanceTimeoutMs(): number {
    let longest = 0;
    for (const { rebalanceTimeoutMs } of this.#members.values()) longest = Math.max(longest, rebalanceTimeoutMs);
    return longest;
  }

  #answerJoin(member: GroupMember, answer: JoinAnswer): void {
    const waiting = member.joinAnswer;
    member.joinAnswer = undefined;
    waiting?.(answer);
  }

  #answerSync(member: GroupMember, answer: SyncAnswer): void {
    const waiting = member.syncAnswer;
    member.syncAnswer = undefined;
    waiting?.(answer);
  }
}
