import { randomUUID } from 'node:crypto';
import { type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import {
  type Documents,
  GROUP_STATES_PREFIX,
  groupIdOfStateKey,
  groupStateKey,
  isGroupId,
  StoreUnavailable,
} from '@tailrace/shard-core';
import type { Logger } from '@tailrace/telemetry';
import type { BridgeOptions } from '../bridge-options.ts';
import type { BrokerRegistry } from '../brokers/broker-registry.ts';
import {
  ShareGroup,
  type ShareHeartbeat,
  type ShareHeartbeatAnswer,
  shareHeartbeatFailed,
} from '../share-groups/share-group.ts';
import type { ShareGroupDocument } from '../share-groups/share-group-document.ts';
import type { ShareGroupConfigs } from '../share-groups/share-group-settings.ts';
import { ClassicGroup } from './classic-group.ts';
import { ConsumerGroup } from './consumer-group.ts';
import type { ConsumerGroupDocument } from './consumer-group-document.ts';
import {
  type ConsumerHeartbeat,
  type ConsumerHeartbeatAnswer,
  heartbeatFailed,
  JOINING_EPOCH,
} from './consumer-group-requests.ts';
import { CONSUMER_PROTOCOL } from './consumer-protocol.ts';
import { toClassicGroup, toConsumerGroup } from './group-conversion.ts';
import { type AnyGroupDocument, type GroupDocument, parseGroupDocument } from './group-document.ts';
import type { GroupPaces } from './group-paces.ts';
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
import { GroupSaves, GroupTaken } from './group-saves.ts';
import { type AnyGroup, type ListedGroup, listedDocument, listedGroup, protocolTypeOf } from './listed-group.ts';
import { hasExpired } from './offset-expiry.ts';
import { COMMITS_PER_WRITE_MAX, type OffsetCommit, OffsetStore, type StoredOffset } from './offset-store.ts';
import type { SubscribableTopics } from './subscribable-topics.ts';
import type { Timers } from './timers.ts';

/** Groups listed with one request to the store. */
const LIST_PAGE = 1_000;
/** While the store takes no saves, every group fails at each of its changes: one warning in so many milliseconds says it. */
const UNSAVED_TOLD_EVERY_MS = 10_000;

/** Which share groups a sweep is about. */
export interface SweptShareGroups {
  readonly isOwned: (groupId: string) => boolean;
  readonly exists: (groupId: string) => Promise<boolean>;
}

/** What share groups have besides members. */
export interface ShareGroupsBehind {
  readonly settings: Pick<ShareGroupConfigs, 'of'>;
  /** Forgets what the group has read. Throws StoreUnavailable. */
  forgetStates(groupId: string): Promise<void>;
  /** Forgets what groups have read of topics that are gone, and what is left of groups that are gone. Throws StoreUnavailable. */
  sweepStates(groups: SweptShareGroups): Promise<void>;
}

export interface GroupCoordinatorOptions {
  readonly documents: Documents;
  readonly brokers: Pick<BrokerRegistry, 'ownsGroup' | 'onChange' | 'holdsLease'>;
  readonly topics: Pick<SubscribableTopics, 'find' | 'nameOf' | 'matching' | 'prepare' | 'version'>;
  readonly timers: Timers;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly paces: Pick<GroupPaces, 'of'>;
  readonly shareGroups: ShareGroupsBehind;
  readonly options: Pick<
    BridgeOptions,
    | 'initialRebalanceDelayMs'
    | 'sessionTimeoutMsMin'
    | 'sessionTimeoutMsMax'
    | 'groupMembersMax'
    | 'shareGroupMembersMax'
  >;
  readonly logger: Logger;
  /** Called when the groups are closed. */
  readonly onClose?: () => void;
}

/** A group in memory, with the writes of its document. */
interface HeldGroup {
  group: AnyGroup;
  readonly saves: GroupSaves;
}

/**
 * The groups that this bridge coordinates. A group belongs to the bridge that rendezvous hashing names; the others answer
 * NOT_COORDINATOR. Its state is loaded when somebody asks for the group and saved, compared with the version that was
 * loaded, before an assignment is handed out: of two bridges that both believe to own a group (for the moment in which
 * they see different brokers) only one can go on. Members keep their ids and generation across a change of bridge.
 *
 * A group is of the classic or of the consumer protocol, and becomes one of the other while it is in use: the first member
 * that speaks the consumer protocol makes it a consumer group, the last one that leaves makes it a classic one. A share group
 * (KIP-932) is one for good.
 *
 * Groups without members are not held in memory; offsets are never held (`offset-store.ts`).
 */
export class GroupCoordinator {
  readonly offsets: OffsetStore;
  readonly #options: GroupCoordinatorOptions;
  readonly #groups = new Map<string, HeldGroup>();
  readonly #loading = new Map<string, Promise<HeldGroup>>();
  readonly #id = randomUUID();
  #saves = 0;
  /** Saves that the store did not take and that no warning has told yet, and when the last one was told. */
  #unsavedUntold = 0;
  #unsavedToldAtMs = -Infinity;
  #closed = false;

  constructor(options: GroupCoordinatorOptions) {
    this.#options = options;
    this.offsets = new OffsetStore(options.documents);
    options.brokers.onChange(() => this.#letGoOfOthers());
  }

  /** Groups in memory: those with members, or with ids that were given out and not used yet. */
  get size(): number {
    return this.#groups.size;
  }

  /** INVALID_GROUP_ID, NOT_COORDINATOR, INVALID_SESSION_TIMEOUT, COORDINATOR_NOT_AVAILABLE (retry), then as `ClassicGroup.join`. */
  async join(groupId: string, request: JoinRequest): Promise<JoinAnswer> {
    const { sessionTimeoutMsMin, sessionTimeoutMsMax } = this.#options.options;
    const refused = this.#refuse(groupId);
    if (refused !== undefined) return joinFailed(request.memberId, refused);
    if (request.sessionTimeoutMs < sessionTimeoutMsMin || request.sessionTimeoutMs > sessionTimeoutMsMax) {
      return joinFailed(request.memberId, errorCodes.INVALID_SESSION_TIMEOUT);
    }
    const held = await this.#hold(groupId);
    if (held === undefined) return joinFailed(request.memberId, errorCodes.COORDINATOR_NOT_AVAILABLE);
    const joined = new Promise<JoinAnswer>((resolve) =>
      this.#use(groupId, held, (group, current) => {
        // An empty group is of the protocol of whoever comes.
        if (group.kind === 'consumer' && group.isIdle) this.#makeClassic(groupId, current);
        current.group.join(request, resolve);
      }),
    );
    return this.#durably(held, joined, (errorCode) => joinFailed(request.memberId, errorCode));
  }

  async sync(groupId: string, request: SyncRequest): Promise<SyncAnswer> {
    const refused = this.#refuse(groupId);
    if (refused !== undefined) return syncFailed(refused);
    const held = await this.#hold(groupId);
    if (held === undefined) return syncFailed(errorCodes.COORDINATOR_NOT_AVAILABLE);
    const synced = new Promise<SyncAnswer>((resolve) =>
      this.#use(groupId, held, (group) => group.sync(request, resolve)),
    );
    return this.#durably(held, synced, syncFailed);
  }

  /** Of a member of the classic protocol. */
  heartbeat(groupId: string, identity: MemberIdentity, generation: number): ErrorCode | Promise<ErrorCode> {
    return this.#with(groupId, (group) =>
      group.kind === 'classic' ? group.heartbeat(identity, generation) : group.classicHeartbeat(identity, generation),
    );
  }

  /**
   * Of a member of the consumer protocol; well-formed. NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE (retry),
   * INVALID_REGULAR_EXPRESSION, GROUP_ID_NOT_FOUND (another kind of group, or none), then as `ConsumerGroup.heartbeat`.
   * Answered when what it changed is durable.
   */
  async consumerHeartbeat(groupId: string, request: ConsumerHeartbeat): Promise<ConsumerHeartbeatAnswer> {
    const refused = this.#refuse(groupId);
    if (refused !== undefined) return heartbeatFailed(refused);
    if (request.subscribedTopicRegex) {
      const wrong = await this.#options.topics.prepare(request.subscribedTopicRegex);
      if (wrong !== undefined) {
        const message = `SubscribedTopicRegex \`${request.subscribedTopicRegex}\` is not a valid regular expression: ${wrong}.`;
        return heartbeatFailed(errorCodes.INVALID_REGULAR_EXPRESSION, message);
      }
    }
    const held = await this.#hold(groupId);
    if (held === undefined) return heartbeatFailed(errorCodes.COORDINATOR_NOT_AVAILABLE);
    const answer = this.#use(groupId, held, (group, current) => {
      if (group.kind === 'share')
        return heartbeatFailed(errorCodes.GROUP_ID_NOT_FOUND, `Group ${groupId} is not a consumer group.`);
      if (group.kind === 'classic') {
        const exists = current.saves.exists || !group.isIdle;
        if (request.memberEpoch !== JOINING_EPOCH || !this.#makeConsumer(groupId, current)) {
          return heartbeatFailed(
            errorCodes.GROUP_ID_NOT_FOUND,
            exists
              ? `Classic group ${groupId} does not become a consumer group: no new member asks for it, or its members are no consumers.`
              : `Group ${groupId} not found.`,
          );
        }
      }
      return (current.group as ConsumerGroup).heartbeat(request);
    });
    return this.#durably(this.#groups.get(groupId) ?? held, answer, heartbeatFailed);
  }

  /**
   * Of a member of a share group; well-formed. NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE (retry), GROUP_ID_NOT_FOUND (another
   * kind of group, or none), then as `ShareGroup.heartbeat`. Answered when what it changed is durable.
   */
  async shareHeartbeat(groupId: string, request: ShareHeartbeat): Promise<ShareHeartbeatAnswer> {
    const refused = this.#refuse(groupId);
    if (refused !== undefined) return shareHeartbeatFailed(refused);
    const held = await this.#hold(groupId);
    if (held === undefined) return shareHeartbeatFailed(errorCodes.COORDINATOR_NOT_AVAILABLE);
    const answer = this.#use(groupId, held, (group, current) => {
      if (group.kind === 'share') return group.heartbeat(request);
      if (current.saves.exists || !isNothing(group))
        return shareHeartbeatFailed(errorCodes.GROUP_ID_NOT_FOUND, `Group ${groupId} is not a share group.`);
      if (request.memberEpoch !== 0)
        return shareHeartbeatFailed(errorCodes.GROUP_ID_NOT_FOUND, `Group ${groupId} not found.`);
      const made = this.#newShare(groupId, current, undefined);
      current.group = made;
      return made.heartbeat(request);
    });
    return this.#durably(this.#groups.get(groupId) ?? held, answer, shareHeartbeatFailed);
  }

  /**
   * Makes an empty share group where there is no group of the name: an administrator has something to set for it. NOT_COORDINATOR,
   * COORDINATOR_NOT_AVAILABLE (retry), GROUP_ID_NOT_FOUND (a group of another kind). Answered when it is durable.
   */
  async makeShareGroup(groupId: string): Promise<ErrorCode> {
    return this.#with(groupId, (group, current): ErrorCode => {
      if (group.kind === 'share') return errorCodes.NONE;
      if (current.saves.exists || !isNothing(group)) return errorCodes.GROUP_ID_NOT_FOUND;
      const share = this.#newShare(groupId, current, undefined);
      current.group = share;
      share.establish();
      return errorCodes.NONE;
    });
  }

  /** One code for each member; for all of them when the group itself is refused. */
  async leave(groupId: string, members: readonly MemberIdentity[]): Promise<ErrorCode | readonly ErrorCode[]> {
    return this.#with(groupId, (group) => members.map((member) => group.leave(member)));
  }

  /** Commits durably, or answers why not; what a partition alone is refused for has been decided before. */
  async commit(groupId: string, request: CommitRequest, commits: readonly OffsetCommit[]): Promise<ErrorCode> {
    const admitted = await this.#admitCommit(groupId, request);
    if (typeof admitted === 'number') return admitted;
    if (commits.length === 0) return errorCodes.NONE;
    try {
      if (!admitted.saves.exists) await this.#makeKnown(admitted);
      await this.offsets.commit(groupId, commits);
      return errorCodes.NONE;
    } catch (error) {
      if (error instanceof StoreUnavailable) return errorCodes.COORDINATOR_NOT_AVAILABLE;
      throw error;
    }
  }

  /**
   * Whether a member may commit offsets in a transaction, as `commit`; NONE: it may. Who names no member is let through in
   * any state of the group: the transactional id fences it (before KIP-447 there was nothing else).
   */
  async checkTransactionalCommit(groupId: string, identity: MemberIdentity, generation: number): Promise<ErrorCode> {
    const isSimple = generation < 0 && identity.memberId === '' && identity.instanceId === null;
    const request = { ...identity, generation, partitions: undefined, understandsMemberEpochs: true };
    const admitted = await (isSimple ? this.#with(groupId, (_, held) => held) : this.#admitCommit(groupId, request));
    // Its generation is the one that is beginning, so it has seen what the rebalance was for.
    if (admitted === errorCodes.REBALANCE_IN_PROGRESS) return errorCodes.NONE;
    if (typeof admitted === 'number') return admitted;
    try {
      if (!admitted.saves.exists) await this.#makeKnown(admitted);
      return errorCodes.NONE;
    } catch (error) {
      if (error instanceof StoreUnavailable) return errorCodes.COORDINATOR_NOT_AVAILABLE;
      throw error;
    }
  }

  /** Whether this bridge may answer for the group at all. */
  refuseRead(groupId: string): ErrorCode | undefined {
    return this.#refuse(groupId);
  }

  /** Whether this member, if any, may ask for offsets. NOT_COORDINATOR, INVALID_GROUP_ID, then as `ConsumerGroup.refuseFetch`. */
  async refuseFetch(groupId: string, memberId: string | null, memberEpoch: number): Promise<ErrorCode | undefined> {
    const refused = this.#refuse(groupId);
    if (refused !== undefined || (memberId === null && memberEpoch < 0)) return refused;
    const answer = await this.#with(groupId, (group) =>
      group.kind === 'consumer' ? (group.refuseFetch(memberId, memberEpoch) ?? errorCodes.NONE) : errorCodes.NONE,
    );
    return answer === errorCodes.NONE ? undefined : answer;
  }

  /** The groups of this bridge, by id. Throws StoreUnavailable. */
  async list(): Promise<ListedGroup[]> {
    if (!this.#options.brokers.holdsLease) throw new StoreUnavailable('the lease of this bridge has ended');
    const listed = new Map<string, ListedGroup>();
    for await (const { groupId, document } of this.#owned()) {
      // One with members is loaded, so that those who are gone are missed.
      const held = document.members.length > 0 ? await this.#hold(groupId) : this.#groups.get(groupId);
      listed.set(groupId, held === undefined ? listedDocument(groupId, document) : listedGroup(groupId, held.group));
    }
    for (const [groupId, { group }] of this.#groups)
      if (!listed.has(groupId) && !isNothing(group)) listed.set(groupId, listedGroup(groupId, group));
    return [...listed.values()].sort((a, b) => (a.groupId < b.groupId ? -1 : 1));
  }

  /**
   * Lets `read` look at a group; `undefined` when there is none of the name. INVALID_GROUP_ID, NOT_COORDINATOR,
   * COORDINATOR_NOT_AVAILABLE.
   */
  async inspect<T>(
    groupId: string,
    read: (group: AnyGroup) => T,
  ): Promise<ErrorCode | { readonly found: T | undefined }> {
    const refused = this.#refuse(groupId);
    if (refused !== undefined) return refused;
    const held = await this.#hold(groupId);
    if (held === undefined) return errorCodes.COORDINATOR_NOT_AVAILABLE;
    return this.#use(groupId, held, (group, current) => ({
      found: !current.saves.exists && isNothing(group) ? undefined : read(group),
    }));
  }

  /** Forgets a group with its offsets. NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE, GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP. */
  async delete(groupId: string): Promise<ErrorCode> {
    if (!isGroupId(groupId)) return errorCodes.GROUP_ID_NOT_FOUND;
    const memberCount = await this.inspect(groupId, (group) => (group.state === 'Empty' ? 0 : group.memberCount));
    if (typeof memberCount === 'number') return memberCount;
    if (memberCount.found === undefined) return errorCodes.GROUP_ID_NOT_FOUND;
    if (memberCount.found > 0) return errorCodes.NON_EMPTY_GROUP;
    try {
      return await this.#forget(groupId);
    } catch (error) {
      if (error instanceof StoreUnavailable) return errorCodes.COORDINATOR_NOT_AVAILABLE;
      throw error;
    }
  }

  /**
   * Forgets what offsets have had their time, offsets of topics that are gone, empty groups that have none left, and what share
   * groups have read of what is gone.
   * Answers how many offsets. Throws StoreUnavailable.
   */
  async sweep(retentionMs: number, topicIdOf: (name: string) => Promise<string | undefined>): Promise<number> {
    let expiredCount = 0;
    for await (const { groupId, document } of this.#owned()) {
      const held = document.members.length > 0 ? await this.#hold(groupId) : undefined;
      const group = {
        hasMembers: (held?.group.memberCount ?? document.members.length) > 0,
        emptySinceMs: held?.group.emptySinceMs ?? document.emptySinceMs ?? undefined,
        isOfConsumers: (held?.group.protocolType ?? protocolTypeOf(document)) === CONSUMER_PROTOCOL,
        subscribesTo: (topic: string) => held?.group.subscribesTo(topic) ?? true,
      };
      const expired: StoredOffset[] = [];
      let left = 0;
      for await (const stored of this.offsets.stored(groupId)) {
        const isVoid = (await topicIdOf(stored.topic)) !== stored.committed.topicId;
        if (isVoid || hasExpired(stored, group, this.#options.clock(), retentionMs)) expired.push(stored);
        else left += 1;
      }
      await this.offsets.removeUnchanged(expired);
      expiredCount += expired.length;
      // A share group stays until somebody deletes it, with or without members.
      if (document.kind === 'share') continue;
      if (left === 0 && !group.hasMembers && !this.#groups.has(groupId)) await this.#forget(groupId, 'bare');
    }
    await this.#options.shareGroups.sweepStates({
      isOwned: (groupId) => this.#owns(groupId),
      exists: async (groupId) => (await this.#options.documents.get(groupStateKey(groupId))) !== undefined,
    });
    return expiredCount;
  }

  /** Lets go of all groups: members find the next coordinator, which loads what was saved. */
  close(): void {
    this.#closed = true;
    this.#options.onClose?.();
    for (const groupId of [...this.#groups.keys()]) this.#letGo(groupId);
  }

  /** The group, in which this member may commit; or why it may not. */
  async #admitCommit(groupId: string, request: CommitRequest): Promise<ErrorCode | HeldGroup> {
    return this.#with(groupId, (group, held) => {
      const isUnknown = !held.saves.exists && isNothing(group);
      if (isUnknown && request.generation >= 0)
        return request.understandsMemberEpochs ? errorCodes.GROUP_ID_NOT_FOUND : errorCodes.ILLEGAL_GENERATION;
      return group.refuseCommit(request) ?? held;
    });
  }

  /** Every group that has offsets has a document, by which it is listed. */
  async #makeKnown(held: HeldGroup): Promise<void> {
    try {
      await held.saves.save(held.group.document());
    } catch (error) {
      // Somebody else has made it known at the same moment.
      if (!(error instanceof GroupTaken)) throw error;
    }
  }

  /** `bare`: only if it has no offsets, also none that came a moment ago. */
  async #forget(groupId: string, which: 'any' | 'bare' = 'any'): Promise<ErrorCode> {
    const key = groupStateKey(groupId);
    const stored = await this.#options.documents.get(key);
    const held = this.#groups.get(groupId);
    if (held !== undefined && held.group.state !== 'Empty') return errorCodes.NON_EMPTY_GROUP;
    if (stored !== undefined && parseGroupDocument(stored.value).members.length > 0) return errorCodes.NON_EMPTY_GROUP;
    const offsets: StoredOffset[] = [];
    for await (const offset of this.offsets.stored(groupId)) offsets.push(offset);
    if (which === 'bare' && offsets.length > 0) return errorCodes.NONE;
    const first = offsets.splice(0, COMMITS_PER_WRITE_MAX - 1);
    // In one step with the document: a member that comes meanwhile makes it fail, and keeps the offsets.
    const written = await this.#options.documents.write([
      { key, value: undefined, expected: stored?.version ?? 'absent' },
      ...first.map(({ document }) => ({ key: document.key, value: undefined, expected: 'any' as const })),
    ]);
    if (!written.ok) return errorCodes.NON_EMPTY_GROUP;
    this.#letGo(groupId);
    await this.offsets.removeUnchanged(offsets);
    if (held?.group.kind === 'share' || (stored !== undefined && parseGroupDocument(stored.value).kind === 'share'))
      await this.#options.shareGroups.forgetStates(groupId);
    return errorCodes.NONE;
  }

  #refuse(groupId: string): ErrorCode | undefined {
    if (!isGroupId(groupId)) return errorCodes.INVALID_GROUP_ID;
    return this.#owns(groupId) ? undefined : errorCodes.NOT_COORDINATOR;
  }

  #owns(groupId: string): boolean {
    return !this.#closed && this.#options.brokers.ownsGroup(groupId);
  }

  #with<T>(groupId: string, ask: (group: AnyGroup, held: HeldGroup) => T): ErrorCode | T | Promise<ErrorCode | T> {
    const refused = this.#refuse(groupId);
    if (refused !== undefined) return refused;
    const held = this.#groups.get(groupId);
    if (held !== undefined) return this.#durablyOrNow(held, this.#use(groupId, held, ask));
    return this.#hold(groupId).then((loaded) =>
      loaded === undefined
        ? errorCodes.COORDINATOR_NOT_AVAILABLE
        : this.#durablyOrNow(loaded, this.#use(groupId, loaded, ask)),
    );
  }

  /** The answer, when what it rests on is durable; at once where it is already. */
  #durablyOrNow<T>(held: HeldGroup, answer: T): T | Promise<ErrorCode | T> {
    if (held.saves.pending === undefined) return answer;
    return this.#durably<ErrorCode | T>(held, answer, (errorCode) => errorCode);
  }

  /** The answer when all changes up to now are durable; `failed` when they will not be. */
  async #durably<T>(held: HeldGroup, answer: T | Promise<T>, failed: (errorCode: ErrorCode) => T): Promise<T> {
    const given = await answer;
    try {
      await held.saves.pending;
      return given;
    } catch (error) {
      if (error instanceof GroupTaken) return failed(errorCodes.NOT_COORDINATOR);
      if (error instanceof StoreUnavailable) return failed(errorCodes.COORDINATOR_NOT_AVAILABLE);
      throw error;
    }
  }

  /**
   * Lets `ask` do something with the group in one step. Between loading and this the group may have been idle and been
   * forgotten, or even been loaded again: there is one in memory at a time, and this is it.
   */
  #use<T>(groupId: string, loaded: HeldGroup, ask: (group: AnyGroup, held: HeldGroup) => T): T {
    let held = this.#groups.get(groupId);
    if (held === undefined) {
      held = loaded;
      if (held.group.state !== 'Dead') this.#groups.set(groupId, held);
    }
    const answer = ask(held.group, held);
    this.#forgetIfIdle(groupId, held);
    return answer;
  }

  /** The group, loaded if it is not here. `undefined`: the store is away, or the group went elsewhere meanwhile. */
  async #hold(groupId: string): Promise<HeldGroup | undefined> {
    const held = this.#groups.get(groupId);
    if (held !== undefined) return held;
    let loading = this.#loading.get(groupId);
    if (loading === undefined) {
      loading = this.#load(groupId).finally(() => this.#loading.delete(groupId));
      this.#loading.set(groupId, loading);
    }
    try {
      return await loading;
    } catch (error) {
      if (error instanceof StoreUnavailable || error instanceof GroupTaken) return undefined;
      throw error;
    }
  }

  async #load(groupId: string): Promise<HeldGroup> {
    const stored = await this.#options.documents.get(groupStateKey(groupId));
    const document = stored && parseGroupDocument(stored.value);
    if (document?.kind === 'consumer') await this.#prepareRegexes(document);
    if (!this.#owns(groupId)) throw new GroupTaken(groupId);
    const held: HeldGroup = {
      group: undefined as unknown as AnyGroup,
      saves: this.#savesOf(groupId, () => held, stored?.version ?? 0),
    };
    if (document?.kind === 'consumer') held.group = this.#newConsumer(groupId, held, document);
    else if (document?.kind === 'share') held.group = this.#newShare(groupId, held, document);
    else held.group = this.#newClassic(groupId, held, document);
    this.#groups.set(groupId, held);
    return held;
  }

  /** What members subscribe to by expression is looked up before their group goes on. */
  async #prepareRegexes({ members }: ConsumerGroupDocument): Promise<void> {
    const regexes = new Set(members.map(({ topicRegex }) => topicRegex));
    regexes.delete('');
    for (const regex of regexes) await this.#options.topics.prepare(regex);
  }

  /**
   * Time for one group. When this bridge was paused for long, what is due is not done: who was missed has perhaps been
   * with the next coordinator, and finding that out lets go of the group.
   */
  #timersOf(groupId: string): Timers {
    const { timers } = this.#options;
    return {
      now: () => timers.now(),
      after: (delayMs, run) =>
        timers.after(delayMs, () => {
          if (this.#owns(groupId)) run();
        }),
    };
  }

  #newClassic(groupId: string, held: HeldGroup, document: GroupDocument | undefined): ClassicGroup {
    const { clock, options } = this.#options;
    const timers = this.#timersOf(groupId);
    const callbacks = {
      save: (state: GroupDocument) => held.saves.save(state),
      becameIdle: () => this.#forgetIfIdle(groupId, held),
    };
    const { initialRebalanceDelayMs, groupMembersMax: membersMax } = options;
    return new ClassicGroup({ timers, clock, initialRebalanceDelayMs, membersMax, ...callbacks }, document);
  }

  #newConsumer(groupId: string, held: HeldGroup, document: ConsumerGroupDocument): ConsumerGroup {
    const { clock, topics, paces, options } = this.#options;
    const timers = this.#timersOf(groupId);
    const group = new ConsumerGroup(
      {
        groupId,
        timers,
        clock,
        topics,
        membersMax: options.groupMembersMax,
        pace: () => paces.of(groupId),
        changed: () => {
          if (held.group === group) held.saves.saveSoon();
        },
        onlyClassicLeft: () => {
          if (held.group === group) this.#makeClassic(groupId, held);
        },
      },
      document,
    );
    return group;
  }

  #newShare(groupId: string, held: HeldGroup, document: ShareGroupDocument | undefined): ShareGroup {
    const { clock, topics, shareGroups, options } = this.#options;
    const timers = this.#timersOf(groupId);
    const group = new ShareGroup(
      {
        groupId,
        timers,
        clock,
        topics,
        membersMax: options.shareGroupMembersMax,
        settings: () => shareGroups.settings.of(groupId),
        changed: () => {
          if (held.group === group) held.saves.saveSoon();
        },
      },
      document,
    );
    return group;
  }

  /** Makes a consumer group of a classic one, if its members can be taken along; those who wait are told to join anew. */
  #makeConsumer(groupId: string, held: HeldGroup): boolean {
    const classic = held.group as ClassicGroup;
    const document = toConsumerGroup(classic.document(), this.#options.topics);
    if (document === undefined) return false;
    held.group = this.#newConsumer(groupId, held, document);
    classic.close(errorCodes.REBALANCE_IN_PROGRESS);
    if (document.members.length > 0)
      this.#options.logger.info({ door: 'kafka', group: groupId }, 'a classic group became a consumer group');
    return true;
  }

  #makeClassic(groupId: string, held: HeldGroup): void {
    const consumer = held.group as ConsumerGroup;
    const document = toClassicGroup(consumer.document(), this.#options.topics);
    consumer.close();
    const classic = this.#newClassic(groupId, held, document);
    held.group = classic;
    held.saves.saveSoon();
    if (document.members.length === 0) return;
    this.#options.logger.info({ door: 'kafka', group: groupId }, 'a consumer group became a classic group');
    classic.requestRebalance();
  }

  /** Of a group just loaded. */
  #savesOf(groupId: string, held: () => HeldGroup, version: number): GroupSaves {
    return new GroupSaves(version, {
      documents: this.#options.documents,
      key: groupStateKey(groupId),
      nextMark: () => `${this.#id}/${++this.#saves}`,
      current: () => {
        const { group } = held();
        if (group.state === 'Dead') throw new GroupTaken(groupId);
        return group.document();
      },
      failed: (error) => this.#saveFailed(groupId, held(), error),
      ended: () => this.#forgetIfIdle(groupId, held()),
    });
  }

  /** A group that another bridge has written is let go of; all but a classic one are loaded again. */
  #saveFailed(groupId: string, held: HeldGroup, error: unknown): void {
    const { logger } = this.#options;
    if (error instanceof GroupTaken) {
      if (held.group.state !== 'Dead')
        logger.warn({ door: 'kafka', group: groupId }, 'another bridge has taken over the group');
      this.#letGo(groupId, held);
      return;
    }
    // Whoever waits for the save is answered COORDINATOR_NOT_AVAILABLE, and comes again.
    if (error instanceof StoreUnavailable) this.#warnOfUnsaved(groupId, error);
    else logger.error({ door: 'kafka', group: groupId, err: error }, 'the state of a group could not be saved');
    if (held.group.kind !== 'classic') this.#letGo(groupId, held);
  }

  #warnOfUnsaved(groupId: string, error: StoreUnavailable): void {
    const { clock, logger } = this.#options;
    this.#unsavedUntold += 1;
    const nowMs = clock();
    if (nowMs - this.#unsavedToldAtMs < UNSAVED_TOLD_EVERY_MS) return;
    const fields = { door: 'kafka', group: groupId, saves: this.#unsavedUntold, err: error } as const;
    logger.warn(fields, 'the state of a group could not be saved: the store is not available');
    this.#unsavedUntold = 0;
    this.#unsavedToldAtMs = nowMs;
  }

  #forgetIfIdle(groupId: string, held: HeldGroup): void {
    if (held.group.isIdle && held.saves.areDone && this.#groups.get(groupId) === held) this.#groups.delete(groupId);
  }

  #letGoOfOthers(): void {
    for (const groupId of [...this.#groups.keys()]) if (!this.#owns(groupId)) this.#letGo(groupId);
  }

  #letGo(groupId: string, held = this.#groups.get(groupId)): void {
    if (held === undefined) return;
    if (this.#groups.get(groupId) === held) this.#groups.delete(groupId);
    held.group.close(errorCodes.NOT_COORDINATOR);
  }

  /** The documents of the groups of this bridge. */
  async *#owned(): AsyncGenerator<{ readonly groupId: string; readonly document: AnyGroupDocument }> {
    for (let after: string | undefined; ;) {
      const options = { limit: LIST_PAGE, ...(after === undefined ? {} : { after }) };
      const page = await this.#options.documents.list(GROUP_STATES_PREFIX, options);
      for (const { key, value } of page) {
        const groupId = groupIdOfStateKey(key);
        if (this.#owns(groupId)) yield { groupId, document: parseGroupDocument(value) };
      }
      if (page.length < LIST_PAGE) return;
      after = page.at(-1)?.key;
    }
  }
}

/** Nobody has ever been in it. */
function isNothing(group: AnyGroup): boolean {
  return group.kind === 'classic' && group.isIdle && group.generation === 0;
}
