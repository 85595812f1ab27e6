import type { Store, StoreHealth } from '../contract/store.ts';
import { TailCache } from '../tail-cache.ts';
import { AppendWaiters } from './append-waiters.ts';
import { CLOSE_TIMEOUT_MS, DEFAULT_BOUNDS, type EmbeddedBounds, TAIL_CACHE_BATCH_BYTES_MAX } from './bounds.ts';
import { readCheckpoint } from './checkpoint.ts';
import { Database } from './database.ts';
import { DataDirectoryUnusable, prepareDataDirectory, reasonOf } from './data-directory.ts';
import { EmbeddedDocuments } from './documents.ts';
import { EmbeddedLog } from './embedded-log.ts';
import { type FileSystem, nodeFileSystem } from './file-system.ts';
import { GroupCommit } from './group-commit.ts';
import { IndexCache } from './index-cache.ts';
import { EmbeddedLeases } from './leases.ts';
import { LogReader } from './log-reader.ts';
import { OpenFiles } from './open-files.ts';
import { indexSegment, recover } from './recovery.ts';
import type { Segment } from './segment.ts';
import { SegmentKeeper } from './segment-keeper.ts';
import { SegmentSupply } from './segment-supply.ts';
import { ShardCompaction } from './shard-compaction.ts';
import { ShardDirectory } from './shard-directory.ts';
import { SlabPool } from './slab-pool.ts';
import type { SparseIndex } from './sparse-index.ts';
import { EmbeddedTokenBuckets } from './token-buckets.ts';

export interface EmbeddedStoreOptions extends Partial<EmbeddedBounds> {
  /** Made when it is not there. One process at a time uses it. */
  readonly dataDir: string;
  /** `sync`: an append is on the disk before it is acknowledged. `relaxed`: it is with the operating system, and survives the death of the process but not of the machine. */
  readonly durability: 'sync' | 'relaxed';
  /** Milliseconds since 1970: append times. */
  readonly clock?: () => number;
  /** Milliseconds that only grow: leases and token buckets. */
  readonly monotonicClock?: () => number;
  /** Where the segments lie; specs put faults in here. */
  readonly fileSystem?: FileSystem;
}

/** Opens a data directory. Throws DataDirectoryLocked and DataDirectoryUnusable, with a sentence for the operator. */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<Store> {
  const { dataDir, durability, clock = Date.now, monotonicClock = () => performance.now() } = options;
  const directory = prepareDataDirectory(dataDir);
  const database = Database.open(directory, durability === 'sync');
  try {
    const { fileSystem = nodeFileSystem } = options;
    // The database syncs what is in its files, not their names.
    if (durability === 'sync') for (const path of directory.changed) await fileSystem.syncDirectory(path);
    const log = await openLog(options, directory.segments, database, clock);
    return {
      engine: 'embedded',
      log: log.log,
      documents: new EmbeddedDocuments(database),
      leases: new EmbeddedLeases(database, monotonicClock),
      tokenBuckets: new EmbeddedTokenBuckets(monotonicClock),
      health: async () => healthOf(dataDir, log.log),
      close: once(async () => {
        try {
          await within(CLOSE_TIMEOUT_MS, log.close());
        } finally {
          // Whatever the disk says: the next process must be able to open the directory.
          await database.close();
        }
      }),
    };
  } catch (error) {
    await database.close();
    if (error instanceof DataDirectoryUnusable) throw error;
    throw new DataDirectoryUnusable(dataDir, reasonOf(error), { cause: error });
  }
}

async function openLog(
  { durability, fileSystem = nodeFileSystem, ...options }: EmbeddedStoreOptions,
  directory: string,
  database: Database,
  clock: () => number,
): Promise<{ log: EmbeddedLog; close(): Promise<void> }> {
  const bounds: EmbeddedBounds = { ...DEFAULT_BOUNDS, ...options };
  const recovered = await recover(fileSystem, directory, readCheckpoint(database.sqlite), bounds);
  const supply = new SegmentSupply(fileSystem, directory, bounds, recovered.nextGeneration);
  if (recovered.unused) await supply.adopt(recovered.unused.generation, recovered.unused.byteCount);
  const shards = new ShardDirectory(database, recovered.shards.values());
  const files = new OpenFiles(fileSystem, bounds.openFilesMax);
  const indexes = new IndexCache(fileSystem, directory, bounds.indexCacheBytesMax, async (segment) => {
    const { extents } = await indexSegment(fileSystem, directory, segment, bounds);
    const bySlot = new Map([...extents].map(([slot, extent]) => [slot, extent.index as SparseIndex]));
    const byteCount = [...bySlot.values()].reduce((sum, { points }) => sum + points.length * 8, 0);
    return { bySlot, byteCount };
  });
  const syncs = durability === 'sync';
  const writer: GroupCommit = new GroupCommit(
    supply,
    bounds,
    { syncs, end: recovered.end },
    {
      durable: (group) => log.durable(group),
      failed: (appends, error) => log.failed(appends, error),
      closed: (segment) => keeper.closed(segment),
    },
  );
  const keeper = new SegmentKeeper(
    {
      fileSystem,
      directory,
      database,
      supply,
      files,
      indexes,
      shards: () => shards.all(),
      segmentBytesMin: bounds.segmentBytesMin,
      durableEnd: () => writer.durableEnd,
      syncWritten: (segments) => (syncs ? Promise.resolve() : syncAll([...segments, writer.active], files)),
    },
    recovered.segments,
    recovered.nextRemainsGeneration,
  );
  const waiters = new AppendWaiters(bounds.waitersMax);
  const tail = new TailCache({ bytesMax: bounds.tailCacheBytesMax, batchBytesMax: TAIL_CACHE_BATCH_BYTES_MAX });
  const reader = new LogReader(files, indexes, new SlabPool(bounds.slabPoolBytesMax), bounds);
  const { segmentBytesMax, droppedMarkersMax } = bounds;
  const parts = { fileSystem, directory, database, shards, keeper, reader, segmentBytesMax, droppedMarkersMax };
  const compaction = new ShardCompaction(parts);
  const log = new EmbeddedLog({ bounds, clock, shards, writer, keeper, reader, compaction, tail, waiters });
  await keeper.checkpoint();
  const close = async () => {
    await log.close();
    await keeper.finish(writer.leave());
    try {
      await supply.close();
    } finally {
      await files.closeAll();
      tail.clear();
    }
  };
  return { log, close };
}

/** Also those whose files were closed meanwhile, to keep few open: what was written to them may be with the system only. */
async function syncAll(segments: readonly (Segment | undefined)[], files: OpenFiles): Promise<void> {
  await Promise.all(
    segments.map(async (segment) => {
      if (segment === undefined) return;
      // As a reader does, so that the file stays open until it is synced.
      segment.hold();
      try {
        await (segment.file ?? (await files.of(segment))).sync();
      } finally {
        segment.letGo();
      }
    }),
  );
}

function healthOf(dataDir: string, { failure }: EmbeddedLog): StoreHealth {
  return failure === undefined
    ? { ready: true, detail: `embedded engine in ${dataDir}` }
    : { ready: false, detail: `embedded engine in ${dataDir}: ${failure.message}` };
}

function once(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => (running ??= work());
}

/** Gives up waiting after a while: what hangs on a dead disk must not keep the process. */
async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  try {
    await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}
