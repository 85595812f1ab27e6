import { type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import { type Documents, StoreUnavailable, type TailPosition } from '@tailrace/shard-core';
import type { Logger } from '@tailrace/telemetry';
import { Deadline } from '../groups/deadline.ts';
import type { Timers } from '../groups/timers.ts';
import type { ShareGroupSettings } from './share-group-settings.ts';
import { type SharePartitionKey, shareStateKey } from './share-group-keys.ts';
import { formatSharePartition } from './share-partition-document.ts';
import {
  type AcknowledgedRange,
  type AcquiredRange,
  type AcquireRequest,
  type FoundBatch,
  SharePartitionState,
  type SharePartitionSnapshot,
} from './share-partition-state.ts';
import { WaitingLine } from './waiting-line.ts';

export interface SharePartitionOptions {
  readonly key: SharePartitionKey;
  readonly documents: Pick<Documents, 'write'>;
  readonly timers: Timers;
  /** As they are at the moment. */
  readonly settings: () => ShareGroupSettings;
  readonly logger: Logger;
  /** Called once when the share-partition is of no more use here: nobody uses it, or it cannot go on. */
  readonly gone: (partition: SharePartition) => void;
}

/** What was loaded, or made. */
export interface LoadedSharePartition {
  readonly snapshot: SharePartitionSnapshot;
  readonly epoch: number;
  readonly version: number;
}

/** What a member wants of one partition. */
export interface MemberFetch {
  readonly memberId: string;
  readonly recordsMax: number;
  readonly strict: boolean;
}

/** Somebody else has written the share-partition's document: it is theirs. */
class SharePartitionTaken extends Error {
  override readonly name = 'SharePartitionTaken';
}

/**
 * One share group in one partition, at the bridge that leads it: its state in memory, the locks' time, and its document in the
 * store, which is written before an acknowledgement is answered. Handing out records is not written: who takes the partition
 * over hands them out again.
 *
 * Writes are compared with the version that was read or written last. When one finds another version, or is not answered, the
 * share-partition is `gone`: what is asked of it from then on fails, and the next one is loaded anew.
 */
export class SharePartition {
  readonly key: SharePartitionKey;
  readonly #options: SharePartitionOptions;
  readonly #state: SharePartitionState;
  readonly #epoch: number;
  #version: number;
  /** Members whose sessions have it. */
  readonly #members = new Set<string>();
  readonly #line = new WaitingLine();
  /** Where a read found nothing, and where to wait for more from there on. */
  #empty: { readonly from: number; readonly tail: TailPosition | undefined } | undefined;
  /** Too many records were out when somebody looked last. */
  #isFull = false;
  readonly #locks: Deadline;
  /** Reads run one behind the other, so that no two of them fetch the same records. */
  #reading: Promise<void> = Promise.resolve();
  #saving: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #savesUnderWay = 0;
  #gone = false;

  constructor(options: SharePartitionOptions, loaded: LoadedSharePartition) {
    this.key = options.key;
    this.#options = options;
    this.#state = new SharePartitionState(loaded.snapshot);
    this.#epoch = loaded.epoch;
    this.#version = loaded.version;
    this.#locks = new Deadline(options.timers, () => this.#expire());
  }

  get isGone(): boolean {
    return this.#gone;
  }

  get startOffset(): bigint {
    return BigInt(this.#state.startOffset);
  }

  /** Where to read for what can be handed out next; `undefined` while too many records are out. */
  get nextFetchOffset(): bigint | undefined {
    const next = this.#state.nextFetchOffset(this.#options.settings().recordLocksMax);
    return next === undefined ? undefined : BigInt(next);
  }

  /** A session has it from now on. */
  join(memberId: string): void {
    this.#members.add(memberId);
  }

  /** The member's session ended or has the partition no longer. What is locked for the member is taken back if it ended. */
  leave(memberId: string, release: boolean): Promise<void> {
    this.#members.delete(memberId);
    const { deliveryCountMax } = this.#options.settings();
    const released = release && !this.#gone && this.#state.releaseMember(memberId, deliveryCountMax);
    const saved = released ? this.#changed() : Promise.resolve();
    this.goIfUnused();
    return saved;
  }

  /** Lets nobody else read meanwhile. */
  exclusively<T>(read: () => Promise<T>): Promise<T> {
    const done = this.#reading.then(read);
    this.#reading = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  /** Hands out records of what a read from an offset on found. */
  acquire(member: MemberFetch, from: bigint, batches: readonly FoundBatch[]): readonly AcquiredRange[] {
    if (this.#gone) return [];
    const { lockDurationMs, recordLocksMax, deliveryCountMax } = this.#options.settings();
    const request: AcquireRequest = {
      ...member,
      lockedUntilMs: this.#options.timers.now() + lockDurationMs,
      recordLocksMax,
      deliveryCountMax,
      from: Number(from),
      batches,
    };
    const acquired = this.#state.acquire(request);
    if (acquired.length > 0) this.#watchLocks();
    this.#isFull = this.#state.nextFetchOffset(recordLocksMax) === undefined;
    return acquired;
  }

  /**
   * Takes what a member says of its records, and answers when that is durable. In this order: NOT_LEADER_OR_FOLLOWER,
   * INVALID_RECORD_STATE, INVALID_REQUEST (records that were never handed out); KAFKA_STORAGE_ERROR when the store is away.
   */
  async acknowledge(memberId: string, ranges: readonly AcknowledgedRange[]): Promise<ErrorCode> {
    if (this.#gone) return errorCodes.NOT_LEADER_OR_FOLLOWER;
    const { deliveryCountMax, lockDurationMs } = this.#options.settings();
    const renewedUntilMs = this.#options.timers.now() + lockDurationMs;
    const outcome = this.#state.acknowledge(memberId, ranges, deliveryCountMax, renewedUntilMs);
    if (outcome === 'invalidState') return errorCodes.INVALID_RECORD_STATE;
    if (outcome === 'unknownRecord') return errorCodes.INVALID_REQUEST;
    try {
      await this.#changed();
      return errorCodes.NONE;
    } catch (error) {
      if (error instanceof SharePartitionTaken) return errorCodes.NOT_LEADER_OR_FOLLOWER;
      if (error instanceof StoreUnavailable) return errorCodes.KAFKA_STORAGE_ERROR;
      throw error;
    }
  }

  /** The log begins here now. */
  moveStart(logStartOffset: bigint): void {
    if (!this.#gone && this.#state.moveStart(Number(logStartOffset))) this.#changed().catch(() => undefined);
  }

  /** Requests that wait. The first of them looks for all; it is woken when records come back, and when there is room again. */
  get line(): WaitingLine {
    return this.#line;
  }

  /** A read from there on found nothing. `tail` is where to wait for more; `undefined` where nothing comes. */
  foundNothing(from: bigint, tail: TailPosition | undefined): void {
    const isNews = tail !== undefined && this.#empty?.tail === undefined;
    this.#empty = { from: Number(from), tail };
    // The first one may wait without a position, because nothing could come when it looked.
    if (isNews) this.#line.wakeFirst();
  }

  /**
   * What whoever is first in the line has to do: read (`look`), wait in the log for what is appended at a position, or (`undefined`)
   * wait until it is woken.
   */
  get outlook(): 'look' | TailPosition | undefined {
    const { recordLocksMax, isolation } = this.#options.settings();
    const next = this.#state.nextFetchOffset(recordLocksMax);
    if (next === undefined) return undefined;
    if (this.#empty === undefined) return 'look';
    const { from, tail } = this.#empty;
    if (tail !== undefined && tail.isolation !== isolation) return 'look';
    if (next === from) return tail;
    // What was found since has been handed out: there may be more behind it, of which the log tells.
    if (next === this.#state.endOffset && tail !== undefined) return { ...tail, offset: BigInt(next) };
    return 'look';
  }

  /** Another bridge leads the partition, or this one ends: nothing is written any more. */
  close(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#locks.clear();
    this.#options.gone(this);
    this.#line.wakeAll();
  }

  /** Forgets it when no session has it and nothing is out or being written. */
  goIfUnused(): void {
    if (this.#members.size === 0 && this.#savesUnderWay === 0 && !this.#state.hasAcquired) this.close();
  }

  #expire(): void {
    const { timers, settings, logger } = this.#options;
    // Times are sums that are rounded: where none has ended yet, the next look is a moment later.
    if (!this.#state.expire(timers.now(), settings().deliveryCountMax)) return this.#watchLocks();
    this.#changed().catch((error: unknown) => {
      logger.debug({ door: 'kafka', ...this.key, err: error }, 'locks of records ended, which could not be kept');
    });
  }

  /** Settles when the state as it is now is durable. */
  #changed(): Promise<void> {
    this.#watchLocks();
    const next = this.#state.nextFetchOffset(this.#options.settings().recordLocksMax);
    // Whoever waits for new records hears of them from the log: only what came back, and room again, is news.
    if (next !== undefined && (this.#isFull || next < this.#state.endOffset)) this.#line.wakeFirst();
    this.#isFull = next === undefined;
    return this.#save();
  }

  #watchLocks(): void {
    const atMs = this.#state.nextExpiryMs;
    if (atMs === undefined || this.#gone) this.#locks.clear();
    else this.#locks.set(Math.max(0, atMs - this.#options.timers.now()));
  }

  /** One write is under way and one waits behind it: changes that come meanwhile travel together. */
  #save(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    const save = this.#saving.then(() => {
      this.#next = undefined;
      return this.#write();
    });
    this.#next = save;
    this.#savesUnderWay += 1;
    const ended = () => {
      this.#savesUnderWay -= 1;
      this.goIfUnused();
    };
    this.#saving = save.then(ended, (error: unknown) => {
      this.#failed(error);
      ended();
    });
    return save;
  }

  async #write(): Promise<void> {
    if (this.#gone) throw new SharePartitionTaken('the share-partition was given up');
    const { documents, settings } = this.#options;
    const value = formatSharePartition(this.#state.snapshot(settings().deliveryCountMax), this.#epoch);
    const written = await documents.write([{ key: shareStateKey(this.key), value, expected: this.#version }]);
    if (!written.ok) throw new SharePartitionTaken('somebody else has written the state');
    this.#version = written.versions[0] as number;
  }

  #failed(error: unknown): void {
    if (this.#gone) return;
    const taken = error instanceof SharePartitionTaken;
    const level = taken ? 'info' : error instanceof StoreUnavailable ? 'warn' : 'error';
    this.#options.logger[level](
      { door: 'kafka', ...this.key, ...(taken ? {} : { err: error }) },
      taken ? 'another bridge has taken over a share-partition' : 'the state of a share-partition could not be kept',
    );
    this.close();
  }
}
