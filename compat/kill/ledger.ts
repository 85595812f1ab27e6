/** What was sent and what was acknowledged, per key. Values are `key/number`, the numbers of a key grow. */
export class Ledger {
  readonly #next = new Map<string, number>();
  readonly #acknowledged = new Map<string, Set<string>>();
  acknowledgedCount = 0;

  next(key: string): string {
    const number = this.#next.get(key) ?? 0;
    this.#next.set(key, number + 1);
    return `${key}/${number}`;
  }

  acknowledged(key: string, value: string): void {
    let values = this.#acknowledged.get(key);
    if (!values) this.#acknowledged.set(key, (values = new Set()));
    values.add(value);
    this.acknowledgedCount += 1;
  }

  /** Every acknowledged record that is missing; every record that is there twice, out of order, or was never sent. */
  problems(read: readonly { readonly key: string; readonly value: string }[]): string[] {
    const problems: string[] = [];
    const last = new Map<string, number>();
    const seen = new Set<string>();
    for (const { key, value } of read) {
      const number = Number(value.slice(key.length + 1));
      if (value !== `${key}/${number}` || number >= (this.#next.get(key) ?? 0))
        problems.push(`${value}: was never sent`);
      if (seen.has(value)) problems.push(`${value}: there twice`);
      else if (number < (last.get(key) ?? -1)) problems.push(`${value}: behind ${key}/${last.get(key)}`);
      seen.add(value);
      last.set(key, Math.max(number, last.get(key) ?? -1));
    }
    for (const values of this.#acknowledged.values()) {
      for (const value of values) if (!seen.has(value)) problems.push(`${value}: acknowledged and lost`);
    }
    return problems;
  }
}
