/** What a writer did, and what it knows of how it ended. */
export interface WrittenTransaction {
  readonly writer: string;
  readonly outcome: 'committed' | 'aborted' | 'unknown';
  readonly records: readonly {
    readonly value: string;
    readonly partition: number;
    readonly offset: number | undefined;
  }[];
}

export interface ReadRecord {
  readonly offset: number;
  readonly value: string;
}

/** What was seen while everything was killed and paused, and what is wrong with it. */
export class Observations {
  readonly #written: WrittenTransaction[] = [];
  /** By reader and place (`topic/partition`), in the order of reading. */
  readonly #read = new Map<string, Map<string, ReadRecord[]>>();

  wrote(transaction: WrittenTransaction): void {
    this.#written.push(transaction);
  }

  read(reader: string, place: string, record: ReadRecord): void {
    const places = this.#read.get(reader) ?? new Map<string, ReadRecord[]>();
    this.#read.set(reader, places);
    const records = places.get(place);
    if (records === undefined) places.set(place, [record]);
    else records.push(record);
  }

  get counts() {
    const of = (outcome: string) => this.#written.filter((one) => one.outcome === outcome).length;
    return { committed: of('committed'), aborted: of('aborted'), unknown: of('unknown') };
  }

  recordsOf(reader: string): number {
    return [...(this.#read.get(reader)?.values() ?? [])].reduce((sum, { length }) => sum + length, 0);
  }

  /** Every anomaly, in words; `final` is the reader that read all of it at the end. */
  anomalies(final: string, from: string, to: string): readonly string[] {
    return [
      ...this.#nonMonotonicPolls(),
      ...this.#skipsAndInconsistentOffsets(final),
      ...this.#lostDuplicatedAndAborted(final, from, to),
      ...this.#wrongAcknowledgements(final, from),
    ];
  }

  *#nonMonotonicPolls(): Generator<string> {
    for (const [reader, places] of this.#read) {
      for (const [place, records] of places) {
        for (let i = 1; i < records.length; i++) {
          const [before, after] = [records[i - 1] as ReadRecord, records[i] as ReadRecord];
          if (after.offset <= before.offset)
            yield `non-monotonic poll: ${reader} read ${place} at ${after.offset} behind ${before.offset}`;
        }
      }
    }
  }

  /** What any reader read is the beginning of what the last one read, record for record. */
  *#skipsAndInconsistentOffsets(final: string): Generator<string> {
    for (const [reader, places] of this.#read) {
      for (const [place, records] of places) {
        const all = this.#read.get(final)?.get(place) ?? [];
        for (const [i, record] of records.entries()) {
          const expected = all[i];
          if (expected?.offset === record.offset && expected.value === record.value) continue;
          const other = all.find(({ offset }) => offset === record.offset);
          yield other !== undefined && other.value !== record.value
            ? `inconsistent offset: ${reader} read ${record.value} at ${place} ${record.offset}, the last reader ${other.value}`
            : `poll skip: ${reader} read ${place} ${record.offset} where ${expected?.offset ?? 'nothing'} was to come`;
          break;
        }
      }
    }
  }

  *#lostDuplicatedAndAborted(final: string, from: string, to: string): Generator<string> {
    const counts = (topic: string) => {
      const found = new Map<string, number>();
      for (const [place, records] of this.#read.get(final) ?? []) {
        if (!place.startsWith(`${topic}/`)) continue;
        for (const { value } of records) found.set(value, (found.get(value) ?? 0) + 1);
      }
      return found;
    };
    const [written, copied] = [counts(from), counts(to)];
    for (const { outcome, records, writer } of this.#written) {
      const there = records.filter(({ value }) => written.has(value));
      if (outcome === 'committed' && there.length < records.length)
        yield `lost write: ${records.length - there.length} records of a committed transaction of ${writer}, ${records[0]?.value}`;
      if (outcome === 'aborted' && there.length > 0)
        yield `aborted read: ${there.length} records of an aborted transaction of ${writer}, ${there[0]?.value}`;
      if (outcome === 'unknown' && there.length > 0 && there.length < records.length)
        yield `torn transaction: ${there.length} of ${records.length} records of ${writer}, ${records[0]?.value}`;
    }
    for (const [value, count] of written) {
      if (count > 1) yield `duplicate: ${value} is there ${count} times`;
      if (!copied.has(value)) yield `lost write: ${value} was not copied`;
    }
    for (const [value, count] of copied) {
      if (count > 1) yield `duplicate: ${value} was copied ${count} times`;
      if (!written.has(value)) yield `aborted read: ${value} was copied and is not there`;
    }
    const values = new Set([...written.keys(), ...copied.keys()]);
    for (const [reader, places] of this.#read) {
      for (const records of places.values()) {
        for (const { value } of records) if (!values.has(value)) yield `aborted read: ${reader} read ${value}`;
      }
    }
  }

  /** A record that was acknowledged with an offset is there, if it is anywhere. */
  *#wrongAcknowledgements(final: string, from: string): Generator<string> {
    const places = new Map<string, string>();
    for (const [place, records] of this.#read.get(final) ?? []) {
      for (const { offset, value } of records) places.set(`${place} ${offset}`, value);
    }
    for (const { outcome, records } of this.#written) {
      if (outcome !== 'committed') continue;
      for (const { value, partition, offset } of records) {
        if (offset === undefined) continue;
        const found = places.get(`${from}/${partition} ${offset}`);
        if (found !== value)
          yield `inconsistent offset: ${value} was acknowledged at ${partition} ${offset}, where ${found ?? 'nothing'} is`;
      }
    }
  }
}
