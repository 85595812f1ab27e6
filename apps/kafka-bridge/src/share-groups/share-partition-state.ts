/**
 * What has become of a record, for one share group. `available`: nobody has it. `acquired`: locked for one member. Behind the
 * two others it never comes back: `acknowledged` (accepted), and `archived` (rejected, delivered too often, or nothing to deliver).
 */
export type DeliveryState = 'available' | 'acquired' | 'acknowledged' | 'archived';

/** Neighbouring records with which the same has been done. Offsets are Numbers here: exact to 2^53, as in the Redis engine. */
export interface DeliveryRun {
  readonly first: number;
  /** Inclusive. */
  readonly last: number;
  readonly state: DeliveryState;
  /** How often they were handed out. */
  readonly deliveryCount: number;
  /** Of those that are acquired; otherwise empty and 0. */
  readonly memberId: string;
  readonly lockedUntilMs: number;
}

/** What a member says of records. Kafka's acknowledge types. */
export const ACKNOWLEDGE = { gap: 0, accept: 1, release: 2, reject: 3, renew: 4 } as const;

/** Neighbouring records that a member speaks of: one type for all of them, or one for each. */
export interface AcknowledgedRange {
  readonly first: number;
  /** Inclusive. */
  readonly last: number;
  readonly types: readonly number[];
}

/** Offsets that a read found, and whether their records are for members: those of markers and of aborted transactions are not. */
export interface FoundBatch {
  readonly first: number;
  /** Inclusive. */
  readonly last: number;
  readonly deliverable: boolean;
}

export interface AcquireRequest {
  readonly memberId: string;
  readonly lockedUntilMs: number;
  /** How many records are wanted; the last batch may exceed it, unless `strict`. */
  readonly recordsMax: number;
  readonly strict: boolean;
  /** Records from the first that is not done to the last that was handed out. */
  readonly recordLocksMax: number;
  readonly deliveryCountMax: number;
  /** Where the read began: what lies between there and the first batch does not exist. */
  readonly from: number;
  /** In the order of their offsets; offsets between them do not exist. */
  readonly batches: readonly FoundBatch[];
}

/** Records that were handed out. */
export interface AcquiredRange {
  readonly first: number;
  /** Inclusive. */
  readonly last: number;
  readonly deliveryCount: number;
}

export type KeptRun = Pick<DeliveryRun, 'first' | 'last' | 'state' | 'deliveryCount'>;

/** What is kept of a share-partition. */
export interface SharePartitionSnapshot {
  readonly startOffset: number;
  /** From the start offset on, without a gap; nobody has any of them. */
  readonly runs: readonly KeptRun[];
}

export type AcknowledgeOutcome =
  | 'ok'
  /** Some record is not locked for this member. */
  | 'invalidState'
  /** Some record was never handed out. */
  | 'unknownRecord';

const NOBODY = { memberId: '', lockedUntilMs: 0 } as const;
/** From so many deliveries on records come in smaller and smaller portions, as in Kafka: at least. */
const SUSPECT_DELIVERIES_MIN = 2;

/**
 * Where one share group stands in one partition: a start offset below which everything is done, and runs of records from
 * there to the end of what was handed out. Without clock, store and log. No record that is acknowledged or archived is ever
 * handed out again, and none below the end is forgotten before it is one of these.
 */
export class SharePartitionState {
  #startOffset: number;
  /** From the start offset to the end, without a gap. The first one is not done. */
  #runs: DeliveryRun[];

  constructor({ startOffset, runs }: SharePartitionSnapshot) {
    this.#startOffset = startOffset;
    this.#runs = runs.map((run) => ({ ...run, ...NOBODY }));
    this.#advance();
  }

  /** The first record that is not done. */
  get startOffset(): number {
    return this.#startOffset;
  }

  /** Behind the last record that was ever handed out or passed over. */
  get endOffset(): number {
    const last = this.#runs.at(-1);
    return last === undefined ? this.#startOffset : last.last + 1;
  }

  get runs(): readonly DeliveryRun[] {
    return this.#runs;
  }

  get hasAcquired(): boolean {
    return this.#runs.some(({ state }) => state === 'acquired');
  }

  /** When the first lock ends. */
  get nextExpiryMs(): number | undefined {
    let next = Number.POSITIVE_INFINITY;
    for (const run of this.#runs) if (run.state === 'acquired' && run.lockedUntilMs < next) next = run.lockedUntilMs;
    return next === Number.POSITIVE_INFINITY ? undefined : next;
  }

  /** Where to read for what can be handed out next; `undefined` while too many records are out. */
  nextFetchOffset(recordLocksMax: number): number | undefined {
    for (const run of this.#runs) if (run.state === 'available') return run.first;
    const { endOffset } = this;
    return endOffset - this.#startOffset < recordLocksMax ? endOffset : undefined;
  }

  /** Hands out records of what a read found. Whatever it found that is no record for members is done with at once. */
  acquire(request: AcquireRequest): AcquiredRange[] {
    const acquired: AcquiredRange[] = [];
    let left = request.recordsMax;
    let at = Math.max(request.from, this.#startOffset);
    for (const { first, last, deliverable } of request.batches) {
      if (last < at) continue;
      if (left <= 0) break;
      if (first > at && !this.#pass(at, first - 1, request.recordLocksMax)) break;
      at = Math.max(at, first);
      if (!deliverable) {
        if (!this.#pass(at, last, request.recordLocksMax)) break;
        at = last + 1;
        continue;
      }
      const handedOut = this.#handOut(at, last, request.strict ? left : Number.POSITIVE_INFINITY, request, acquired);
      left -= handedOut.count;
      if (handedOut.stopped) break;
      at = last + 1;
    }
    this.#tidy();
    return acquired;
  }

  /** Takes what a member says of its records: all of it, or nothing. */
  acknowledge(
    memberId: string,
    ranges: readonly AcknowledgedRange[],
    deliveryCountMax: number,
    renewedUntilMs: number,
  ): AcknowledgeOutcome {
    const { endOffset } = this;
    for (const { first, last } of ranges) {
      // What lies below the start is done already, for instance because its records were deleted.
      if (last < this.#startOffset) continue;
      if (first >= endOffset) return 'invalidState';
      if (last >= endOffset) return 'unknownRecord';
      for (let i = this.#indexOf(Math.max(first, this.#startOffset)); i < this.#runs.length; i++) {
        const run = this.#runs[i] as DeliveryRun;
        if (run.first > last) break;
        if (run.state !== 'acquired' || run.memberId !== memberId) return 'invalidState';
      }
    }
    for (const { first, last, types } of ranges) {
      for (let at = first; at <= last;) {
        const type = types.length === 1 ? types[0] : types[at - first];
        let end = types.length === 1 ? last : at;
        while (end < last && types[end + 1 - first] === type) end += 1;
        if (end >= this.#startOffset) {
          this.#change(Math.max(at, this.#startOffset), end, (run) => {
            if (type === ACKNOWLEDGE.accept) return done(run, 'acknowledged');
            if (type === ACKNOWLEDGE.release) return givenBack(run, deliveryCountMax);
            if (type === ACKNOWLEDGE.renew) return { ...run, lockedUntilMs: renewedUntilMs };
            return done(run, 'archived');
          });
        }
        at = end + 1;
      }
    }
    this.#tidy();
    return 'ok';
  }

  /** Takes back what a member has, if it has anything. */
  releaseMember(memberId: string, deliveryCountMax: number): boolean {
    return this.#takeBack((run) => run.memberId === memberId, deliveryCountMax);
  }

  /** Takes back what was locked until now, if anything was. */
  expire(nowMs: number, deliveryCountMax: number): boolean {
    return this.#takeBack((run) => run.lockedUntilMs <= nowMs, deliveryCountMax);
  }

  /** Records below are gone. */
  moveStart(logStartOffset: number): boolean {
    if (logStartOffset <= this.#startOffset) return false;
    if (logStartOffset >= this.endOffset) {
      this.#startOffset = logStartOffset;
      this.#runs = [];
      return true;
    }
    this.#splitAt(logStartOffset);
    this.#runs = this.#runs.slice(this.#indexOf(logStartOffset));
    this.#startOffset = logStartOffset;
    this.#advance();
    return true;
  }

  /**
   * What to keep. Of records that are out it is kept that they were delivered so often; but whoever dies with them in hand
   * does not use up the last delivery, so that no record is given up that nobody was seen to fail on.
   */
  snapshot(deliveryCountMax: number): SharePartitionSnapshot {
    const runs: KeptRun[] = [];
    for (const { first, last, ...run } of this.#runs) {
      const isOut = run.state === 'acquired';
      const state = isOut ? 'available' : run.state;
      const deliveryCount = isOut ? Math.min(run.deliveryCount, deliveryCountMax - 1) : run.deliveryCount;
      const before = runs.at(-1);
      if (before?.state === state && before.deliveryCount === deliveryCount)
        runs[runs.length - 1] = { ...before, last };
      else runs.push({ first, last, state, deliveryCount });
    }
    return { startOffset: this.#startOffset, runs };
  }

  /** Hands out what is available of `first` to `last`, new or not, up to `countMax` records. */
  #handOut(
    first: number,
    last: number,
    countMax: number,
    request: AcquireRequest,
    acquired: AcquiredRange[],
  ): { readonly count: number; readonly stopped: boolean } {
    const { memberId, lockedUntilMs, recordLocksMax, deliveryCountMax } = request;
    const room = this.#startOffset + recordLocksMax - this.endOffset;
    const newLast = Math.min(last, this.endOffset + Math.max(0, room) - 1);
    if (newLast >= this.endOffset)
      this.#runs.push({ first: this.endOffset, last: newLast, state: 'available', deliveryCount: 0, ...NOBODY });
    const end = Math.min(last, this.endOffset - 1);
    let count = 0;
    let at = first;
    let suspect = false;
    while (at <= end && count < countMax && !suspect) {
      const run = this.#runs[this.#indexOf(at)] as DeliveryRun;
      const runLast = Math.min(run.last, end);
      if (run.state !== 'available') {
        at = runLast + 1;
        continue;
      }
      const whole = runLast - at + 1;
      const portion = portionOf(whole, run.deliveryCount, deliveryCountMax);
      suspect = portion < whole;
      const taken = Math.min(portion, countMax - count);
      const deliveryCount = run.deliveryCount + 1;
      this.#change(at, at + taken - 1, (one) => ({
        ...one,
        state: 'acquired',
        deliveryCount,
        memberId,
        lockedUntilMs,
      }));
      const before = acquired.at(-1);
      if (before !== undefined && before.last + 1 === at && before.deliveryCount === deliveryCount)
        acquired[acquired.length - 1] = { ...before, last: at + taken - 1 };
      else acquired.push({ first: at, last: at + taken - 1, deliveryCount });
      count += taken;
      at += taken;
    }
    this.#dropUntouched();
    return { count, stopped: suspect || at <= last };
  }

  /** Offsets without a record for members: done. Answers false where too many records are out to go on behind them. */
  #pass(first: number, last: number, recordLocksMax: number): boolean {
    const { endOffset } = this;
    if (first < endOffset) {
      this.#change(first, Math.min(last, endOffset - 1), (run) =>
        run.state === 'available' ? done(run, 'archived') : run,
      );
    }
    let to = last;
    if (last >= endOffset) {
      // With nothing out there is no bound to keep: the start goes along.
      if (this.#runs.length > 0) to = Math.min(last, this.#startOffset + recordLocksMax - 1);
      if (to >= endOffset)
        this.#runs.push({ first: endOffset, last: to, state: 'archived', deliveryCount: 0, ...NOBODY });
    }
    this.#advance();
    return to === last;
  }

  /** What was opened for handing out and not taken. Nothing else is available that was never delivered. */
  #dropUntouched(): void {
    const last = this.#runs.at(-1);
    if (last?.state === 'available' && last.deliveryCount === 0) this.#runs.pop();
  }

  #takeBack(isMeant: (run: DeliveryRun) => boolean, deliveryCountMax: number): boolean {
    let any = false;
    this.#runs = this.#runs.map((run) => {
      if (run.state !== 'acquired' || !isMeant(run)) return run;
      any = true;
      return givenBack(run, deliveryCountMax);
    });
    if (any) this.#tidy();
    return any;
  }

  /** Changes all of `first` to `last`, which lie between start and end. */
  #change(first: number, last: number, change: (run: DeliveryRun) => DeliveryRun): void {
    this.#splitAt(first);
    this.#splitAt(last + 1);
    for (let i = this.#indexOf(first); i < this.#runs.length; i++) {
      const run = this.#runs[i] as DeliveryRun;
      if (run.first > last) break;
      this.#runs[i] = change(run);
    }
  }

  #splitAt(offset: number): void {
    if (offset <= this.#startOffset || offset >= this.endOffset) return;
    const index = this.#indexOf(offset);
    const run = this.#runs[index] as DeliveryRun;
    if (run.first === offset) return;
    this.#runs.splice(index, 1, { ...run, last: offset - 1 }, { ...run, first: offset });
  }

  /** Of the run that holds the offset. */
  #indexOf(offset: number): number {
    let low = 0;
    let high = this.#runs.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#runs[middle] as DeliveryRun).last < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Joins neighbours that are alike, and moves the start behind what is done. */
  #tidy(): void {
    const runs: DeliveryRun[] = [];
    for (const run of this.#runs) {
      const before = runs.at(-1);
      if (before !== undefined && areAlike(before, run)) runs[runs.length - 1] = { ...before, last: run.last };
      else runs.push(run);
    }
    this.#runs = runs;
    this.#advance();
  }

  #advance(): void {
    let count = 0;
    for (const run of this.#runs) {
      if (run.state !== 'acknowledged' && run.state !== 'archived') break;
      this.#startOffset = run.last + 1;
      count += 1;
    }
    if (count > 0) this.#runs = this.#runs.slice(count);
  }
}

function done(run: DeliveryRun, state: 'acknowledged' | 'archived'): DeliveryRun {
  // Nobody asks any more how often: so that neighbours become one.
  return { ...run, ...NOBODY, state, deliveryCount: 0 };
}

function givenBack(run: DeliveryRun, deliveryCountMax: number): DeliveryRun {
  if (run.deliveryCount >= deliveryCountMax) return done(run, 'archived');
  return { ...run, ...NOBODY, state: 'available' };
}

function areAlike(one: DeliveryRun, other: DeliveryRun): boolean {
  return (
    one.state === other.state &&
    one.deliveryCount === other.deliveryCount &&
    one.memberId === other.memberId &&
    one.lockedUntilMs === other.lockedUntilMs
  );
}

/**
 * How many of some records that were given back so often are handed out together: one record that kills its consumers must
 * not take its neighbours with it to the delivery limit. The last delivery is of single records.
 */
function portionOf(count: number, deliveryCount: number, deliveryCountMax: number): number {
  const suspectFrom = Math.max(SUSPECT_DELIVERIES_MIN, Math.ceil(deliveryCountMax / 2));
  if (deliveryCount < suspectFrom) return count;
  if (deliveryCount >= deliveryCountMax - 1) return 1;
  return Math.max(1, count >> (deliveryCount - suspectFrom + 1));
}
