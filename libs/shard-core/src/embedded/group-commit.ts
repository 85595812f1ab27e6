import { type EmbeddedBounds, STAGED_BATCH_BYTES_MAX, STAGING_BYTES, WRITE_BUFFERS_MAX } from './bounds.ts';
import { batchCrcAt, ENTRY_HEADER_BYTES, writeEntryHeader } from './entry.ts';
import { writeWhole } from './file-system.ts';
import type { PendingAppend } from './pending-append.ts';
import type { Segment } from './segment.ts';
import type { SegmentSupply } from './segment-supply.ts';

/** Where the log ends: the next entry lies here and names this chain. */
export interface LogPosition {
  readonly generation: number;
  readonly position: number;
  readonly chain: number;
}

/** Appends that are written together. */
export interface AppendGroup {
  readonly appends: readonly PendingAppend[];
  /** `undefined` when there was nothing to write. */
  readonly segment: Segment | undefined;
  /** Where the log ends behind it. */
  readonly end: LogPosition;
  readonly byteCount: number;
}

export interface GroupCommitEvents {
  /** The group is as durable as was asked for. Groups come in the order in which they were written. */
  durable(group: AppendGroup): void;
  /** Nothing of these was made durable; the newest comes first. */
  failed(appends: readonly PendingAppend[], error: Error): void;
  /** The segment takes no more entries, and all that it took are durable. */
  closed(segment: Segment): void;
}

/**
 * Writes appends to the log in groups: one write and one sync are under way at a time, and the write of the next group
 * overlaps the sync of the last. What comes while a write is under way goes with the next one. When a sync returns, all
 * groups that were written before it began are durable.
 *
 * A write that fails takes with it everything that was let in behind it, because offsets were given in that order. The
 * next group is written to the same place. A sync that fails may have lost what it was to write, and a second one would
 * not tell: its groups fail, and the log goes on in another segment.
 */
export class GroupCommit {
  readonly #supply: SegmentSupply;
  readonly #bounds: EmbeddedBounds;
  readonly #syncs: boolean;
  readonly #events: GroupCommitEvents;
  readonly #staging = Buffer.allocUnsafeSlow(STAGING_BYTES);
  #queue: PendingAppend[] = [];
  /** Where the written part of the log ends. */
  #end: LogPosition;
  #active: Segment | undefined;
  /** Left for another, and not all durable yet. */
  #leaving: Segment[] = [];
  #scheduled = false;
  #writing = false;
  #written: AppendGroup[] = [];
  #syncing: AppendGroup[] = [];
  #durableEnd: LogPosition;
  /** A sync has failed while a write was under way: when that is over, everything fails. */
  #syncFailure: Error | undefined;
  #idle: (() => void)[] = [];

  constructor(
    supply: SegmentSupply,
    bounds: EmbeddedBounds,
    options: { readonly syncs: boolean; readonly end: LogPosition },
    events: GroupCommitEvents,
  ) {
    this.#supply = supply;
    this.#bounds = bounds;
    this.#syncs = options.syncs;
    this.#events = events;
    this.#end = options.end;
    this.#durableEnd = options.end;
  }

  get active(): Segment | undefined {
    return this.#active;
  }

  /** Where the durable part of the log ends. */
  get durableEnd(): LogPosition {
    return this.#durableEnd;
  }

  submit(append: PendingAppend): void {
    this.#queue.push(append);
    this.#schedule();
  }

  /** Returns when nothing is under way. */
  drained(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Takes the active segment away, when nothing is under way. */
  leave(): Segment | undefined {
    const segment = this.#active;
    this.#active = undefined;
    return segment;
  }

  #isIdle(): boolean {
    return this.#queue.length === 0 && !this.#writing && this.#written.length === 0 && this.#syncing.length === 0;
  }

  #schedule(): void {
    if (this.#scheduled || this.#writing || this.#queue.length === 0) return;
    this.#scheduled = true;
    // Behind the events of this turn of the loop, so that all requests that came together are written together.
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#writing) void this.#writeNext();
    });
  }

  async #writeNext(): Promise<void> {
    const first = this.#queue[0];
    if (first === undefined) return;
    this.#writing = true;
    let group: AppendGroup | undefined;
    try {
      const needed = first.batch === undefined ? 0 : ENTRY_HEADER_BYTES + first.batch.length;
      const segment = needed === 0 ? this.#active : await this.#segmentFor(needed);
      const buffers: Buffer[] = [];
      group = this.#form(segment, buffers);
      if (buffers.length > 0)
        await writeWhole((segment as Segment).file!, buffers, group.end.position - group.byteCount);
      this.#writing = false;
    } catch (error) {
      this.#writing = false;
      const failed = group === undefined ? this.#queue : [...group.appends, ...this.#queue];
      this.#queue = [];
      if (this.#syncFailure) this.#failAll(failed);
      else this.#events.failed(failed.toReversed(), error as Error);
      this.#settleIdle();
      return;
    }
    if (this.#syncFailure) {
      this.#failAll([...group.appends, ...this.#takeQueue()]);
    } else {
      this.#end = group.end;
      this.#written.push(group);
      if (this.#syncs) this.#startSync();
      else this.#acknowledge(this.#takeWritten());
    }
    this.#schedule();
    this.#settleIdle();
  }

  /** The active segment, or the next one when it is full, or when it grows and a prepared one waits. */
  async #segmentFor(byteCount: number): Promise<Segment> {
    const active = this.#active;
    if (active !== undefined) {
      const end = this.#end.position;
      const fits = end + byteCount <= active.capacity;
      if (fits && !(active.grows && end > 0 && this.#supply.hasPrepared(byteCount))) return active;
    }
    const next = await this.#supply.take(byteCount, active === undefined ? 0 : this.#end.position);
    this.#supply.prepare();
    this.#active = next;
    this.#end = { generation: next.generation, position: 0, chain: this.#end.chain };
    if (active !== undefined) {
      this.#leaving.push(active);
      this.#closeLeft();
    }
    return next;
  }

  /** Takes from the queue what fits into one write, and gives each entry its place. */
  #form(segment: Segment | undefined, buffers: Buffer[]): AppendGroup {
    const queue = this.#queue;
    const room =
      segment === undefined ? 0 : Math.min(segment.capacity - this.#end.position, this.#bounds.groupBytesMax);
    let count = 0;
    let byteCount = 0;
    let staged = 0;
    let bufferCount = 1;
    let severalShards = false;
    for (; count < queue.length; count++) {
      const { batch, shard } = queue[count] as PendingAppend;
      if (batch === undefined) continue;
      const size = ENTRY_HEADER_BYTES + batch.length;
      const small = batch.length <= STAGED_BATCH_BYTES_MAX;
      staged += small ? size : ENTRY_HEADER_BYTES;
      if (!small) bufferCount += 2;
      // The first goes in any case: the segment was chosen for it.
      if (count > 0 && (byteCount + size > room || staged > STAGING_BYTES || bufferCount > WRITE_BUFFERS_MAX)) break;
      byteCount += size;
      severalShards ||= shard !== (queue[0] as PendingAppend).shard;
    }
    const appends = queue.splice(0, count);
    // Runs of one shard make long reads. The order within each shard stays.
    if (severalShards) appends.sort((a, b) => a.shard.slot - b.shard.slot);
    const chain = segment === undefined ? this.#end.chain : this.#encode(segment, appends, buffers);
    const end = byteCount === 0 ? this.#end : { ...this.#end, position: this.#end.position + byteCount, chain };
    return { appends, segment: byteCount === 0 ? undefined : segment, end, byteCount };
  }

  #encode(segment: Segment, appends: readonly PendingAppend[], buffers: Buffer[]): number {
    const staging = this.#staging;
    let { position, chain } = this.#end;
    let staged = 0;
    let runStart = 0;
    for (const append of appends) {
      const { batch, shard, baseOffset, appendTimeMs, partition } = append;
      if (batch === undefined) continue;
      batch.writeUInt32BE(Math.floor(baseOffset / 0x1_0000_0000), 0);
      batch.writeUInt32BE(baseOffset >>> 0, 4);
      // Leader epoch: there is one leader.
      batch.writeUInt32BE(0, 12);
      chain = writeEntryHeader(
        staging,
        staged,
        segment.generation,
        chain,
        batch.length,
        batchCrcAt(batch, 0),
        shard.slot,
        baseOffset,
        appendTimeMs,
        partition,
      );
      staged += ENTRY_HEADER_BYTES;
      append.position = position;
      position += ENTRY_HEADER_BYTES + batch.length;
      if (batch.length <= STAGED_BATCH_BYTES_MAX) {
        batch.copy(staging, staged);
        staged += batch.length;
      } else {
        buffers.push(staging.subarray(runStart, staged), batch);
        runStart = staged;
      }
    }
    if (staged > runStart) buffers.push(staging.subarray(runStart, staged));
    return chain;
  }

  #startSync(): void {
    if (this.#syncing.length > 0 || this.#written.length === 0) return;
    this.#syncing = this.#takeWritten();
    const segments = new Set<Segment>();
    for (const { segment } of this.#syncing) if (segment !== undefined) segments.add(segment);
    const syncs = [...segments].map((segment) => segment.file!.sync());
    Promise.all(syncs).then(
      () => {
        const groups = this.#syncing;
        this.#syncing = [];
        this.#acknowledge(groups);
        this.#startSync();
        this.#settleIdle();
      },
      (error: Error) => {
        this.#syncFailure = error;
        if (!this.#writing) {
          this.#failAll(this.#takeQueue());
          this.#settleIdle();
        }
      },
    );
  }

  #acknowledge(groups: readonly AppendGroup[]): void {
    for (const group of groups) {
      this.#durableEnd = group.end;
      if (group.segment !== undefined) group.segment.end = group.end.position;
      this.#events.durable(group);
    }
    this.#closeLeft();
  }

  /** A sync failed: nothing that is not durable yet will be, and the segment is left behind at its durable end. */
  #failAll(newest: readonly PendingAppend[]): void {
    const error = this.#syncFailure as Error;
    this.#syncFailure = undefined;
    const groups = [...this.#syncing, ...this.#takeWritten()];
    this.#syncing = [];
    const appends = [...groups.flatMap((group) => group.appends), ...newest];
    if (this.#active !== undefined) this.#leaving.push(this.#active);
    this.#active = undefined;
    this.#end = this.#durableEnd;
    this.#events.failed(appends.toReversed(), error);
    this.#closeLeft();
  }

  #closeLeft(): void {
    while (this.#leaving.length > 0) {
      const [segment] = this.#leaving as [Segment];
      const inUse = (group: AppendGroup) => group.segment === segment;
      if (this.#syncing.some(inUse) || this.#written.some(inUse)) return;
      this.#leaving.shift();
      this.#events.closed(segment);
    }
  }

  #takeWritten(): AppendGroup[] {
    const written = this.#written;
    this.#written = [];
    return written;
  }

  #takeQueue(): PendingAppend[] {
    const queue = this.#queue;
    this.#queue = [];
    return queue;
  }

  #settleIdle(): void {
    if (this.#idle.length === 0 || !this.#isIdle()) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
