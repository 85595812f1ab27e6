import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';

const PATIENCE_MS = 180_000;

/** The counts that a program under test writes to the topic `counts`: of each word they must be 1, 2, 3 …, none twice, none left out. */
export class WordCounts {
  readonly #kafka: Kafka;
  readonly #countOf: (value: Buffer) => number;
  readonly #counts = new Map<string, number>();
  readonly problems: string[] = [];
  #seen = 0;

  /** `countOf` reads the count that is written by a record's value; NaN: there is none. */
  constructor(kafka: Kafka, countOf: (value: Buffer) => number) {
    this.#kafka = kafka;
    this.#countOf = countOf;
  }

  /** How many counts have come. */
  get seen(): number {
    return this.#seen;
  }

  get words(): number {
    return this.#counts.size;
  }

  /** Checks every count of a committed transaction as it comes. Answers how to stop. */
  async read(): Promise<() => Promise<void>> {
    const consumer = this.#kafka.consumer({ groupId: 'reader', maxWaitTimeInMs: 100 });
    await consumer.connect();
    await consumer.subscribe({ topic: 'counts', fromBeginning: true });
    await consumer.run({
      eachMessage: ({ message: { key, value } }) => {
        const word = String(key);
        const expected = (this.#counts.get(word) ?? 0) + 1;
        const found = value === null ? NaN : this.#countOf(value);
        if (found !== expected) this.problems.push(`${word}: ${found} instead of ${expected}`);
        this.#counts.set(word, expected);
        this.#seen += 1;
        return Promise.resolve();
      },
    });
    return () => consumer.disconnect();
  }

  /** Throws after three minutes, or with the first problem. */
  async until(what: string, done: () => boolean | Promise<boolean>): Promise<void> {
    for (const begin = performance.now(); !(await done()); await sleep(50)) {
      if (this.problems.length > 0) throw new Error(this.problems[0]);
      if (performance.now() - begin > PATIENCE_MS) throw new Error(`${what}: ${this.#seen} after ${PATIENCE_MS} ms`);
    }
  }

  /** Call it at the end: each word must have been counted so often. */
  expectEach(count: number): void {
    const wrong = [...this.#counts.values()].filter((found) => found !== count);
    if (wrong.length > 0) this.problems.push(`${wrong.length} words have another count at the end`);
  }
}
