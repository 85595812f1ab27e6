/** What may have become of a record: its writer was told that it is there, or was not told. */
const SENT = 1;
const ACKNOWLEDGED = 2;

interface KeyLedger {
  readonly fates: number[];
}

/** Who reads keeps one of these: how often it has seen each record of each key, and in which order. */
export class Sightings {
  readonly name: string;
  readonly #counts = new Map<string, number[]>();
  readonly #last = new Map<string, number>();
  readonly problems: string[] = [];
  records = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** `order`: within which records of one key must come in their order. */
  see(value: string, order = ''): void {
    const [key = '', text = ''] = value.split('|', 2);
    const number = Number(text);
    const counts = this.#counts.get(key) ?? [];
    this.#counts.set(key, counts);
    counts[number] = (counts[number] ?? 0) + 1;
    this.records++;
    if (counts[number] > 1) this.#problem(`${key}|${number} came ${counts[number]} times`);
    const place = `${order}/${key}`;
    const last = this.#last.get(place) ?? -1;
    if (number <= last) this.#problem(`${key}|${number} came behind ${last}${order === '' ? '' : ` in ${order}`}`);
    else this.#last.set(place, number);
  }

  count(key: string, number: number): number {
    return this.#counts.get(key)?.[number] ?? 0;
  }

  #problem(text: string): void {
    if (this.problems.length < 20) this.problems.push(`${this.name}: ${text}`);
  }
}

/** All records that were sent, by key and number. Values are `key|number|filling`. */
export class Ledger {
  readonly #keys = new Map<string, KeyLedger>();
  acknowledged = 0;
  sent = 0;

  /** The next record of a key. */
  next(key: string): { readonly number: number; readonly value: string } {
    const ledger = this.#keys.get(key) ?? { fates: [] };
    this.#keys.set(key, ledger);
    const number = ledger.fates.push(SENT) - 1;
    this.sent++;
    return { number, value: `${key}|${number}|${'.'.repeat((number * 37) % 400)}` };
  }

  acknowledge(key: string, number: number): void {
    (this.#keys.get(key) as KeyLedger).fates[number] = ACKNOWLEDGED;
    this.acknowledged++;
  }

  /** Acknowledged records that a reader has not seen. */
  missing(seen: Sightings): string[] {
    const missing: string[] = [];
    for (const [key, { fates }] of this.#keys) {
      for (const [number, fate] of fates.entries()) {
        if (fate === ACKNOWLEDGED && seen.count(key, number) === 0) missing.push(`${key}|${number}`);
      }
    }
    return missing;
  }
}
