/** What the command line shows: as JSON, or as text. */
export interface Shown {
  readonly json: unknown;
  readonly text: () => string;
}

/** Streams at the HTTP door, by whichever of its protocols. Everything throws ReadableFailure. */
export interface StreamService {
  list(): Promise<Shown>;
  create(name: string, shards: number): Promise<Shown>;
  describe(name: string): Promise<Shown>;
  delete(name: string): Promise<Shown>;
}

export const NO_STREAMS = 'No streams yet. `tailrace streams create NAME` makes one.\n';

export function madeText(name: string, shards: number): string {
  return `Made stream ${name} with ${shards} ${shards === 1 ? 'shard' : 'shards'}.\n`;
}

export function deleted(name: string): Shown {
  return { json: { deleted: name }, text: () => `Deleted stream ${name}.\n` };
}
