import type { DatabaseSync } from 'node:sqlite';
import type { ShardKey } from '../contract/shard-key.ts';
import type { LogPosition } from './group-commit.ts';
import type { ShardRow, ShardState } from './shard-state.ts';

/** A closed segment, as the database knows it. */
export interface SegmentRow {
  readonly generation: number;
  readonly end: number;
}

/** What is known without looking at a segment: recovery begins here. */
export interface Checkpoint {
  readonly position: LogPosition;
  readonly segments: readonly SegmentRow[];
  readonly shards: readonly ShardRow[];
}

const BEGINNING: LogPosition = { generation: 0, position: 0, chain: 0 };

export function readCheckpoint(sqlite: DatabaseSync): Checkpoint {
  const position = sqlite.prepare('SELECT generation, position, chain FROM checkpoint').get();
  const segments = sqlite.prepare('SELECT generation, end FROM segment ORDER BY generation').all();
  const shards = sqlite.prepare('SELECT * FROM shard').all();
  return {
    position: position === undefined ? BEGINNING : { ...(position as unknown as LogPosition) },
    segments: segments as unknown as SegmentRow[],
    shards: shards as unknown as ShardRow[],
  };
}

/** Makes a shard's row; answers the row that is there already if there is one. */
export function insertShard(sqlite: DatabaseSync, key: ShardKey, startOffset: number): ShardRow {
  sqlite
    .prepare('INSERT INTO shard VALUES (NULL, ?, ?, ?, NULL, 0, ?) ON CONFLICT (key) DO NOTHING')
    .run(key, startOffset, startOffset, '[]');
  return sqlite.prepare('SELECT * FROM shard WHERE key = ?').get(key) as unknown as ShardRow;
}

/** What changes in a shard's row at a checkpoint, copied while it is right. */
export interface ShardSnapshot {
  readonly slot: number;
  readonly endOffset: number;
  readonly appendTimeMs: number;
  readonly producers: string;
}

export function snapshotOf(shard: ShardState): ShardSnapshot {
  const { slot, durableEnd: endOffset, appendTimeMs, producers } = shard;
  return { slot, endOffset, appendTimeMs, producers: producers.save() };
}

export function writeCheckpoint(
  sqlite: DatabaseSync,
  position: LogPosition,
  segments: readonly SegmentRow[],
  shards: readonly ShardSnapshot[],
): void {
  const updateShard = sqlite.prepare('UPDATE shard SET endOffset = ?, appendTimeMs = ?, producers = ? WHERE slot = ?');
  for (const { slot, endOffset, appendTimeMs, producers } of shards) {
    updateShard.run(endOffset, appendTimeMs, producers, slot);
  }
  const insertSegment = sqlite.prepare('INSERT INTO segment VALUES (?, ?) ON CONFLICT (generation) DO NOTHING');
  for (const { generation, end } of segments) insertSegment.run(generation, end);
  sqlite
    .prepare(
      'INSERT INTO checkpoint VALUES (1, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET generation = excluded.generation, position = excluded.position, chain = excluded.chain',
    )
    .run(position.generation, position.position, position.chain);
}
