import type { DeliveryState, SharePartitionSnapshot } from './share-partition-state.ts';

/** What is kept of a share-partition, as JSON. */
export interface SharePartitionDocument {
  /** Grows with each bridge that takes the share-partition over, and each time that somebody puts it elsewhere. */
  readonly epoch: number;
  /** The first record that is not done; in decimal. */
  readonly start: string;
  /** What has become of records from there on, run by run: `a3.2` (3 available, delivered twice), `k10` (accepted), `x1` (archived). */
  readonly runs: string;
}

const LETTERS = { available: 'a', acknowledged: 'k', archived: 'x' } as const;
const STATES: Readonly<Record<string, DeliveryState>> = { a: 'available', k: 'acknowledged', x: 'archived' };

/** At most as many runs as records may be out at once (10,000), of some ten characters: far below what a document holds. */
export function formatSharePartition(snapshot: SharePartitionSnapshot, epoch: number): string {
  const runs = snapshot.runs.map(({ first, last, state, deliveryCount }) => {
    if (state === 'acquired') throw new Error('a record that is out has no place in a snapshot');
    const counted = state === 'available' && deliveryCount > 0 ? `.${deliveryCount}` : '';
    return `${LETTERS[state]}${last - first + 1}${counted}`;
  });
  const document: SharePartitionDocument = { epoch, start: String(snapshot.startOffset), runs: runs.join(' ') };
  return JSON.stringify(document);
}

export function parseSharePartition(text: string): {
  readonly snapshot: SharePartitionSnapshot;
  readonly epoch: number;
} {
  const { epoch, start, runs } = JSON.parse(text) as SharePartitionDocument;
  const startOffset = Number(start);
  let first = startOffset;
  const parsed =
    runs === ''
      ? []
      : runs.split(' ').map((run) => {
          const [count = '', deliveryCount = '0'] = run.slice(1).split('.');
          const last = first + Number(count) - 1;
          const state = STATES[run.charAt(0)];
          if (state === undefined || !(last >= first)) throw new Error(`${run} is no run of records`);
          const one = { first, last, state, deliveryCount: Number(deliveryCount) };
          first = last + 1;
          return one;
        });
  return { snapshot: { startOffset, runs: parsed }, epoch };
}

/** Records from the start to an end that are not done. */
export function lagOf({ startOffset, runs }: SharePartitionSnapshot, endOffset: number): number {
  let lag = Math.max(0, endOffset - startOffset);
  for (const { first, last, state } of runs) if (state !== 'available') lag -= last - first + 1;
  return Math.max(0, lag);
}
