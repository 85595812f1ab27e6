import { describe, expect, it } from '@jest/globals';
import { formatSharePartition, lagOf, parseSharePartition } from './share-partition-document.ts';
import { ACKNOWLEDGE, type FoundBatch, SharePartitionState } from './share-partition-state.ts';

const HISTORIES = 100;
const STEPS = 250;
const MEMBERS = ['m1', 'm2', 'm3'];
const LOCK_MS = 50;

/** Numbers that are the same in every run (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** What the model knows of one offset of the log. */
interface ModelRecord {
  /** A record that members are to get; the others are markers, aborted, or do not exist. */
  readonly wanted: boolean;
  owner: string | undefined;
  lockedUntilMs: number;
  deliveries: number;
  done: 'accepted' | 'rejected' | 'givenUp' | 'deleted' | undefined;
}

/** A log, and beside it record by record what may be done with it: the plainest description of a share-partition. */
class Model {
  readonly records: ModelRecord[] = [];
  readonly batches: FoundBatch[] = [];
  readonly #random: (below: number) => number;
  readonly #limit: number;
  readonly #locks: number;
  state = new SharePartitionState({ startOffset: 0, runs: [] });
  #checked = 0;
  logStart = 0;
  nowMs = 0;

  constructor(seed: number) {
    this.#random = randomFrom(seed);
    this.#limit = 2 + this.#random(4);
    this.#locks = 10 + this.#random(40);
  }

  step(): void {
    switch (this.#random(12)) {
      case 0:
      case 1:
        return this.append();
      case 2:
        return this.#expire();
      case 3:
        return this.#random(6) === 0 ? this.#deleteRecords() : undefined;
      case 4:
        return this.#random(4) === 0 ? this.#reload() : undefined;
      case 5:
        return this.#random(3) === 0 ? this.#release() : undefined;
      case 6:
      case 7:
      case 8:
        this.fetch();
        return;
      default:
        return this.acknowledge();
    }
  }

  append(): void {
    const count = 1 + this.#random(12);
    const kind = this.#random(10);
    const first = this.records.length;
    for (let i = 0; i < count; i++)
      this.records.push({ wanted: kind < 8, owner: undefined, lockedUntilMs: 0, deliveries: 0, done: undefined });
    // Some offsets were never written, or were compacted away: nothing tells of them.
    if (kind !== 9) this.batches.push({ first, last: first + count - 1, deliverable: kind < 8 });
  }

  fetch(recordsMax = 1 + this.#random(20), memberId = MEMBERS[this.#random(MEMBERS.length)] as string): number {
    const { state } = this;
    const from = state.nextFetchOffset(this.#locks);
    if (from === undefined) return 0;
    const strict = this.#random(2) === 0;
    const behind = this.batches.findIndex(({ last }) => last >= from);
    const batches = behind < 0 ? [] : this.batches.slice(behind, behind + 1 + this.#random(5));
    const acquired = state.acquire({
      memberId,
      lockedUntilMs: this.nowMs + LOCK_MS,
      recordsMax,
      strict,
      recordLocksMax: this.#locks,
      deliveryCountMax: this.#limit,
      from,
      batches,
    });
    let count = 0;
    for (const { first, last, deliveryCount } of acquired) {
      for (let offset = first; offset <= last; offset++) {
        const record = this.records[offset] as ModelRecord;
        same(`${offset} is a record that nobody has`, record.wanted && record.owner === undefined, true);
        same(`${offset} is handed out again`, record.done, undefined);
        record.deliveries += 1;
        same(`deliveries of ${offset}`, deliveryCount, record.deliveries);
        same(`deliveries of ${offset} are within the limit`, deliveryCount <= this.#limit, true);
        record.owner = memberId;
        record.lockedUntilMs = this.nowMs + LOCK_MS;
        count += 1;
      }
    }
    if (strict) same('no more than asked for', count <= recordsMax, true);
    return count;
  }

  acknowledge(memberId = MEMBERS[this.#random(MEMBERS.length)] as string, only?: number): void {
    const mine = this.records.flatMap(({ owner }, offset) => (owner === memberId ? [offset] : []));
    if (mine.length === 0) return this.#acknowledgeOthers(memberId);
    const begin = this.#random(mine.length);
    let end = begin;
    while (end + 1 < mine.length && mine[end + 1] === (mine[end] as number) + 1 && this.#random(8) > 0) end += 1;
    const [first, last] = [mine[begin] as number, mine[end] as number];
    const each = this.#random(2) === 0;
    const types = Array.from({ length: each ? last - first + 1 : 1 }, () => only ?? this.#random(5));
    expect(this.state.acknowledge(memberId, [{ first, last, types }], this.#limit, this.nowMs + LOCK_MS)).toBe('ok');
    for (let offset = first; offset <= last; offset++) {
      const record = this.records[offset] as ModelRecord;
      const type = types.length === 1 ? types[0] : types[offset - first];
      if (type === ACKNOWLEDGE.renew) record.lockedUntilMs = this.nowMs + LOCK_MS;
      else {
        record.owner = undefined;
        if (type === ACKNOWLEDGE.accept) record.done = 'accepted';
        else if (type !== ACKNOWLEDGE.release) record.done = 'rejected';
        else this.#giveUp(record);
      }
    }
  }

  check(): void {
    const { state } = this;
    // What is not done lies between start and end, and nothing below the start is wanted.
    for (; this.#checked < state.startOffset && this.#checked < this.records.length; this.#checked++) {
      const { wanted, done } = this.records[this.#checked] as ModelRecord;
      same(`done below the start: ${this.#checked}`, wanted && done === undefined, false);
    }
    let at = state.startOffset;
    let open = 0;
    for (const run of state.runs) {
      same('runs follow each other', run.first, at);
      same('runs are not empty', run.last >= run.first, true);
      at = run.last + 1;
      const isDone = run.state === 'acknowledged' || run.state === 'archived';
      if (!isDone) open += run.last - run.first + 1;
      for (let offset = run.first; offset <= run.last; offset++) {
        const { wanted, owner, done, deliveries } = this.records[offset] as ModelRecord;
        same(`owner of ${offset}`, run.state === 'acquired' ? run.memberId : undefined, owner);
        same(`${offset} is done`, isDone, done !== undefined || !wanted);
        if (!isDone) same(`deliveries of ${offset}`, run.deliveryCount, deliveries);
      }
    }
    same('the first run is not done', ['acknowledged', 'archived'].includes(state.runs[0]?.state ?? ''), false);
    same('records out', state.endOffset - state.startOffset <= this.#locks, true);
    same('lag', lagOf(state.snapshot(this.#limit), state.endOffset), open);
  }

  /** Accepts all that is left. */
  drain(): void {
    for (const memberId of MEMBERS) this.#releaseOf(memberId);
    for (let idle = 0; idle < 20; idle++) {
      if (this.fetch(1_000, 'm1') > 0) idle = 0;
      const { startOffset, endOffset } = this.state;
      for (let offset = startOffset; offset < endOffset; offset++) {
        const record = this.records[offset] as ModelRecord;
        if (record.owner !== 'm1') continue;
        const outcome = this.state.acknowledge('m1', [{ first: offset, last: offset, types: [1] }], this.#limit, 0);
        same('accepted at the end', outcome, 'ok');
        record.owner = undefined;
        record.done = 'accepted';
      }
      this.check();
    }
  }

  get lost(): number {
    return this.records.filter(({ wanted, done }) => wanted && done === undefined).length;
  }

  #giveUp(record: ModelRecord): void {
    record.owner = undefined;
    if (record.deliveries >= this.#limit) record.done = 'givenUp';
  }

  /** What a member says of records that are not its own changes nothing. */
  #acknowledgeOthers(memberId: string): void {
    const offset = this.state.startOffset + this.#random(this.#locks + 2);
    const before = JSON.stringify(this.state.runs);
    const outcome = this.state.acknowledge(memberId, [{ first: offset, last: offset, types: [1] }], this.#limit, 0);
    expect([outcome, JSON.stringify(this.state.runs)]).toEqual(['invalidState', before]);
  }

  #expire(): void {
    this.nowMs += this.#random(LOCK_MS);
    this.state.expire(this.nowMs, this.#limit);
    for (const record of this.records)
      if (record.owner !== undefined && record.lockedUntilMs <= this.nowMs) this.#giveUp(record);
  }

  #release(): void {
    this.#releaseOf(MEMBERS[this.#random(MEMBERS.length)] as string);
  }

  #releaseOf(memberId: string): void {
    this.state.releaseMember(memberId, this.#limit);
    for (const record of this.records) if (record.owner === memberId) this.#giveUp(record);
  }

  #deleteRecords(): void {
    this.logStart += this.#random(Math.max(1, this.records.length - this.logStart));
    this.state.moveStart(this.logStart);
    for (const record of this.records.slice(0, this.logStart)) {
      record.owner = undefined;
      record.done ??= 'deleted';
    }
    while ((this.batches[0]?.last ?? this.logStart) < this.logStart) this.batches.shift();
  }

  /** The bridge dies, and another one goes on with what was kept. */
  #reload(): void {
    const kept = formatSharePartition(this.state.snapshot(this.#limit), 1);
    this.state = new SharePartitionState(parseSharePartition(kept).snapshot);
    expect(formatSharePartition(this.state.snapshot(this.#limit), 1)).toBe(kept);
    for (const record of this.records) {
      if (record.owner === undefined) continue;
      record.owner = undefined;
      record.deliveries = Math.min(record.deliveries, this.#limit - 1);
    }
  }
}

/** `expect` takes microseconds, of which there are millions here. */
function same(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${what}: ${String(actual)} where ${String(expected)} is expected`);
}

describe('a share-partition in random histories', () => {
  it('never hands out what is done, forgets nothing, and counts right; kept and read again it is the same', () => {
    let delivered = 0;
    for (let seed = 1; seed <= HISTORIES; seed++) {
      const model = new Model(seed);
      for (let step = 0; step < STEPS; step++) {
        model.step();
        model.check();
      }
      model.drain();
      expect([seed, model.lost]).toEqual([seed, 0]);
      delivered += model.records.filter(({ deliveries }) => deliveries > 1).length;
    }
    // The histories are of the kind that is meant: much is delivered again.
    expect(delivered).toBeGreaterThan(HISTORIES * 20);
  });
});
