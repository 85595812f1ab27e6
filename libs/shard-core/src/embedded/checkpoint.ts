import type { DatabaseSync } from 'node:sqlite';
import type { ShardKey } from '../contract/shard-key.ts';
import type { LogPosition } from './group-commit.ts';
import type { SavedProducers, ShardRow, ShardState } from './shard-state.ts';
import { type AbortedRange, insertAborted } from './shard-transactions.ts';

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
  /** By slot: where the newest aborted transaction ends. */
  readonly lastAborted: ReadonlyMap<number, number>;
  /** By slot. */
  readonly departed: readonly { readonly slot: number; readonly partition: number }[];
  readonly released: readonly ReleasedRow[];
  /** By slot: up to where the shard was compacted. */
  readonly compactedEnds: ReadonlyMap<number, number>;
  /** By generation of the segments that hold what is left: the slot. */
  readonly compacted: ReadonlyMap<number, number>;
}

/** A transaction of a closed shard that ended elsewhere. */
export interface ReleasedRow {
  readonly slot: number;
  readonly producerId: string;
  readonly commits: number;
}

const BEGINNING: LogPosition = { generation: 0, position: 0, chain: 0 };

export function readCheckpoint(sqlite: DatabaseSync): Checkpoint {
  const position = sqlite.prepare('SELECT generation, position, chain FROM checkpoint').get();
  const segments = sqlite.prepare('SELECT generation, end FROM segment ORDER BY generation').all();
  const shards = sqlite.prepare('SELECT * FROM shard').all();
  const lastAborted = sqlite.prepare('SELECT slot, max(lastOffset) AS lastOffset FROM aborted GROUP BY slot').all();
  const compactions = sqlite.prepare('SELECT slot, endOffset FROM compaction').all();
  const compacted = sqlite.prepare('SELECT generation, slot FROM compacted').all();
  return {
    position: position === undefined ? BEGINNING : { ...(position as unknown as LogPosition) },
    segments: segments as unknown as SegmentRow[],
    shards: shards as unknown as ShardRow[],
    lastAborted: new Map(lastAborted.map(({ slot, lastOffset }) => [slot as number, lastOffset as number])),
    departed: sqlite.prepare('SELECT slot, partition FROM departed').all() as unknown as Checkpoint['departed'],
    released: sqlite.prepare('SELECT * FROM released').all() as unknown as ReleasedRow[],
    compactedEnds: new Map(compactions.map(({ slot, endOffset }) => [slot as number, endOffset as number])),
    compacted: new Map(compacted.map(({ generation, slot }) => [generation as number, slot as number])),
  };
}

/** Makes a shard's row; answers the row that is there already if there is one. */
export function insertShard(sqlite: DatabaseSync, key: ShardKey, startOffset: number, producers: string): ShardRow {
  sqlite
    .prepare('INSERT INTO shard VALUES (NULL, ?, ?, ?, NULL, 0, ?) ON CONFLICT (key) DO NOTHING')
    .run(key, startOffset, startOffset, producers);
  return sqlite.prepare('SELECT * FROM shard WHERE key = ?').get(key) as unknown as ShardRow;
}

/** The marker of an aborted transaction: where it stood, and whose it was. */
export interface DroppedMarker {
  readonly offset: number;
  readonly producerId: bigint;
}

/** Puts compacted segments in the place of all that lay before `endOffset`. */
export function writeCompaction(
  sqlite: DatabaseSync,
  slot: number,
  endOffset: number,
  segments: readonly SegmentRow[],
  markers: readonly DroppedMarker[],
): void {
  sqlite.prepare('DELETE FROM segment WHERE generation IN (SELECT generation FROM compacted WHERE slot = ?)').run(slot);
  sqlite.prepare('DELETE FROM compacted WHERE slot = ?').run(slot);
  for (const { generation, end } of segments) {
    sqlite.prepare('INSERT INTO segment VALUES (?, ?)').run(generation, end);
    sqlite.prepare('INSERT INTO compacted VALUES (?, ?)').run(generation, slot);
  }
  sqlite
    .prepare('INSERT INTO compaction VALUES (?, ?) ON CONFLICT (slot) DO UPDATE SET endOffset = excluded.endOffset')
    .run(slot, endOffset);
  const forget = sqlite.prepare('DELETE FROM aborted WHERE slot = ? AND lastOffset = ? AND producerId = ?');
  for (const { offset, producerId } of markers) forget.run(slot, offset, String(producerId));
}

/** What changes in a shard's row at a checkpoint, copied while it is right. */
export interface ShardSnapshot {
  readonly slot: number;
  readonly endOffset: number;
  readonly appendTimeMs: number;
  readonly producers: string;
  /** Since the last checkpoint. */
  readonly aborted: readonly AbortedRange[];
}

export function snapshotOf(shard: ShardState): ShardSnapshot {
  const { slot, durableEnd: endOffset, appendTimeMs, producers, transactions } = shard;
  const { open = [], aborted = [] } = transactions?.save() ?? {};
  const saved: SavedProducers = { producers: producers.save(), open };
  return { slot, endOffset, appendTimeMs, producers: JSON.stringify(saved), aborted };
}

export function writeCheckpoint(
  sqlite: DatabaseSync,
  position: LogPosition,
  segments: readonly SegmentRow[],
  shards: readonly ShardSnapshot[],
): void {
  const updateShard = sqlite.prepare('UPDATE shard SET endOffset = ?, appendTimeMs = ?, producers = ? WHERE slot = ?');
  for (const { slot, endOffset, appendTimeMs, producers, aborted } of shards) {
    updateShard.run(endOffset, appendTimeMs, producers, slot);
    insertAborted(sqlite, slot, aborted);
  }
  const insertSegment = sqlite.prepare('INSERT INTO segment VALUES (?, ?) ON CONFLICT (generation) DO NOTHING');
  for (const { generation, end } of segments) insertSegment.run(generation, end);
  sqlite
    .prepare(
      'INSERT INTO checkpoint VALUES (1, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET generation = excluded.generation, position = excluded.position, chain = excluded.chain',
    )
    .run(position.generation, position.position, position.chain);
}
