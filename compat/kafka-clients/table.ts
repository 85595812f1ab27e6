import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLIENTS } from './clients.ts';

/** What a client is asked to do, in this order. */
export const STEPS = ['produce', 'group', 'consumer-protocol', 'admin', 'transactions'] as const;
export type Step = (typeof STEPS)[number];

export interface Outcome {
  readonly state: 'passed' | 'failed' | 'not there';
  readonly reason: string;
}
export type Results = Record<string, Partial<Record<Step, Outcome>>>;

const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'kafka-clients.md');

/** Writes docs/kafka-clients.md: what each client was seen to do. */
export function writeTable(results: Results, steps: readonly Step[]): void {
  const failures: string[] = [];
  const rows = CLIENTS.map(({ name, library }) => {
    const cells = steps.map((step) => {
      const outcome = results[name]?.[step];
      if (outcome?.state === 'failed') failures.push(`- ${library}, ${step}: ${outcome.reason}`);
      return { passed: 'yes', failed: '**no**', 'not there': '–', undefined: 'not run' }[String(outcome?.state)];
    });
    return `| ${library} | ${cells.join(' | ')} |`;
  });
  writeFileSync(
    PAGE,
    `# Kafka clients that were seen to work

Written by \`node compat/kafka-clients/run.ts --write\`; every cell is a run with a check of every byte. A dash: the client has no such thing.

- *produce*: 1,000 records with keys, nulls, headers and all compressions that the client has, read and compared by a client of another make.
- *group*: two members share four partitions, read what another client wrote, compare it, and commit.
- *consumer-protocol*: the same by the consumer group protocol (KIP-848).
- *admin*: topics, configs, partitions, offsets, records and groups are made, changed, listed and deleted, as far as the client can.
- *transactions*: two are committed and one is aborted; a reader of committed records sees just the two.

| Client | ${steps.join(' | ')} |
|---|${steps.map(() => '---|').join('')}
${rows.join('\n')}
${failures.length === 0 ? '' : `\n${failures.join('\n')}\n`}`,
  );
}
