import { randomUUID } from 'node:crypto';
import { type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import { type Documents, StoreUnavailable } from '@tailrace/shard-core';
import type { Logger } from '@tailrace/telemetry';
import type { BridgeOptions } from '../bridge.ts';
import type { BrokerRegistry } from '../brokers/broker-registry.ts';
import { ClassicGroup } from './classic-group.ts';
import { formatGroupDocument, type GroupDocument, parseGroupDocument } from './group-document.ts';
import { groupStateKey, isGroupId } from './group-keys.ts';
import {
  type JoinAnswer,
  joinFailed,
  type JoinRequest,
  type MemberIdentity,
  type SyncAnswer,
  syncFailed,
  type SyncRequest,
} from './group-requests.ts';
import { type OffsetCommit, OffsetStore } from './offset-store.ts';
import type { Timers } from './timers.ts';

export interface GroupCoordinatorOptions {
  readonly documents: Documents;
  readonly brokers: Pick<BrokerRegistry, 'ownsGroup' | 'onChange'>;
  readonly timers: Timers;
  readonly options: Pick<
    BridgeOptions,
    'initialRebalanceDelayMs' | 'sessionTimeoutMsMin' | 'sessionTimeoutMsMax' | 'groupMembersMax'
  >;
  readonly logger: Logger;
}

/** A group in memory, with the version of its document: whoever writes first with it wins. */
interface HeldGroup {
  readonly group: ClassicGroup;
  /** 0: there is no document yet. */
  version: number;
  /** What was written last, while it is not known whether it went through. */
  unanswered: string | undefined;
  /** Saves run one behind the other. */
  saving: Promise<void>;
  savesWaiting: number;
}

/** Somebody else has written the group's document: the group is theirs. */
class GroupTaken extends Error {
  override readonly name = 'GroupTaken';
}

/**
 * The groups that this bridge coordinates. A group belongs to the bridge that rendezvous hashing names; the others answer
 * NOT_COORDINATOR. Its state is loaded when somebody asks for the group and saved, compared with the version that was
 * loaded, before an assignment is handed out: of two bridges that both believe to own a group (for the moment in which
 * they see different brokers) only one can go on. Members keep their ids and generation across a change of bridge.
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
    return new Promise((resolve) => this.#use(groupId, held, (group) => group.join(request, resolve)));
  }

  async sync(groupId: string, request: SyncRequest): Promise<SyncAnswer> {
    const refused = this.#refuse(groupId);
    if (refused !== undefined) return syncFailed(refused);
    const held = await this.#hold(groupId);
    if (held === undefined) return syncFailed(errorCodes.COORDINATOR_NOT_AVAILABLE);
    return new Promise((resolve) => this.#use(groupId, held, (group) => group.sync(request, resolve)));
  }

  heartbeat(groupId: string, identity: MemberIdentity, generation: number): ErrorCode | Promise<ErrorCode> {
    return this.#with(groupId, (group) => group.heartbeat(identity, generation));
  }

  /** One code for each member; for all of them when the group itself is refused. */
  async leave(groupId: string, members: readonly MemberIdentity[]): Promise<ErrorCode | readonly ErrorCode[]> {
    return this.#with(groupId, (group) => members.map((member) => group.leave(member)));
  }

  /** Commits durably, or answers why not; what a partition alone is refused for has been decided before. */
  async commit(
    groupId: string,
    identity: MemberIdentity,
    generation: number,
    commits: readonly OffsetCommit[],
  ): Promise<ErrorCode> {
    const refused = await this.#with(groupId, (group) => group.refuseCommit(identity, generation) ?? errorCodes.NONE);
    if (refused !== errorCodes.NONE || commits.length === 0) return refused;
    try {
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
    if (isSimple) return this.#refuse(groupId) ?? errorCodes.NONE;
    const refused = await this.#with(groupId, (group) => group.refuseCommit(identity, generation) ?? errorCodes.NONE);
    // Its generation is the one that is beginning, so it has seen what the rebalance was for.
    return refused === errorCodes.REBALANCE_IN_PROGRESS ? errorCodes.NONE : refused;
  }

  /** Whether this bridge may answer for the group at all. */
  refuseRead(groupId: string): ErrorCode | undefined {
    return this.#refuse(groupId);
  }

  /** Lets go of all groups: members find the next coordinator, which loads what was saved. */
  close(): void {
    this.#closed = true;
    for (const groupId of [...this.#groups.keys()]) this.#letGo(groupId);
  }

  #refuse(groupId: string): ErrorCode | undefined {
    if (!isGroupId(groupId)) return errorCodes.INVALID_GROUP_ID;
    return this.#owns(groupId) ? undefined : errorCodes.NOT_COORDINATOR;
  }

  #owns(groupId: string): boolean {
    return !this.#closed && this.#options.brokers.ownsGroup(groupId);
  }

  #with<T>(groupId: string, ask: (group: ClassicGroup) => T): ErrorCode | T | Promise<ErrorCode | T> {
    const refused = this.#refuse(groupId);
    if (refused !== undefined) return refused;
    const held = this.#groups.get(groupId);
    if (held !== undefined) return this.#use(groupId, held, ask);
    return this.#hold(groupId).then((loaded) =>
      loaded === undefined ? errorCodes.COORDINATOR_NOT_AVAILABLE : this.#use(groupId, loaded, ask),
    );
  }

  /**
   * Lets `ask` do something with the group in one step. Between loading and this the group may have been idle and been
   * forgotten, or even been loaded again: there is one in memory at a time, and this is it.
   */
  #use<T>(groupId: string, loaded: HeldGroup, ask: (group: ClassicGroup) => T): T {
    let held = this.#groups.get(groupId);
    if (held === undefined) {
      held = loaded;
      if (held.group.state !== 'Dead') this.#groups.set(groupId, held);
    }
    const answer = ask(held.group);
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
    const { documents, timers, options } = this.#options;
    const stored = await documents.get(groupStateKey(groupId));
    if (!this.#owns(groupId)) throw new GroupTaken(groupId);
    const group = new ClassicGroup(
      {
        timers,
        initialRebalanceDelayMs: options.initialRebalanceDelayMs,
        membersMax: options.groupMembersMax,
        save: (document) => this.#save(groupId, held, document),
        becameIdle: () => this.#forgetIfIdle(groupId, held),
      },
      stored && parseGroupDocument(stored.value),
    );
    const held: HeldGroup = {
      group,
      version: stored?.version ?? 0,
      unanswered: undefined,
      saving: Promise.resolve(),
      savesWaiting: 0,
    };
    this.#groups.set(groupId, held);
    return held;
  }

  async #save(groupId: string, held: HeldGroup, document: GroupDocument): Promise<void> {
    held.savesWaiting += 1;
    const saved = held.saving.then(() => this.#write(groupId, held, document));
    held.saving = saved.catch(() => undefined);
    try {
      await saved;
    } catch (error) {
      if (error instanceof GroupTaken) {
        this.#options.logger.warn({ door: 'kafka', group: groupId }, 'another bridge has taken over the group');
        this.#letGo(groupId);
      } else {
        this.#options.logger.error(
          { door: 'kafka', group: groupId, err: error },
          'the state of a group could not be saved',
        );
      }
      throw error;
    } finally {
      held.savesWaiting -= 1;
      this.#forgetIfIdle(groupId, held);
    }
  }

  async #write(groupId: string, held: HeldGroup, document: GroupDocument): Promise<void> {
    const key = groupStateKey(groupId);
    const value = formatGroupDocument(document, `${this.#id}/${++this.#saves}`);
    for (;;) {
      const unanswered = held.unanswered;
      held.unanswered = value;
      const expected = held.version === 0 ? 'absent' : held.version;
      const written = await this.#options.documents.write([{ key, value, expected }]);
      held.unanswered = undefined;
      if (written.ok) {
        held.version = written.versions[0] as number;
        return;
      }
      const { current } = written.conflict;
      // A write of ours that went through although its answer was lost: the group is still ours.
      if (current === undefined || current.value !== unanswered) throw new GroupTaken(groupId);
      held.version = current.version;
    }
  }

  #forgetIfIdle(groupId: string, held: HeldGroup): void {
    if (held.group.isIdle && held.savesWaiting === 0 && this.#groups.get(groupId) === held)
      this.#groups.delete(groupId);
  }

  #letGoOfOthers(): void {
    for (const groupId of [...this.#groups.keys()]) if (!this.#owns(groupId)) this.#letGo(groupId);
  }

  #letGo(groupId: string): void {
    const held = this.#groups.get(groupId);
    this.#groups.delete(groupId);
    held?.group.close(errorCodes.NOT_COORDINATOR);
  }
}
