import { fdatasync, open, close as closeFile } from 'node:fs';
import { promisify } from 'node:util';
import type { DatabaseSync } from 'node:sqlite';
import { StoreUnavailable } from '../contract/refusal.ts';
import { WAITING_CHANGES_MAX } from './bounds.ts';
import { type DataDirectory, DataDirectoryLocked, DataDirectoryUnusable, reasonOf } from './data-directory.ts';

// Asked for at run time: jest 30 looks for `node:sqlite` among the packages and does not find it.
const sqliteModule = process.getBuiltinModule('node:sqlite');

/** Raised when the tables change; an older or newer directory is refused rather than misread. */
const SCHEMA_VERSION = 3;
/** What this one takes over: the first had no transactions, and knew producers without their partitions; the second did not compact. */
const SCHEMA_VERSION_MIN = 1;
const SQLITE_BUSY = 5;
const APPLICATION_ID = 0x7461_696c; // "tail"

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS document (key TEXT PRIMARY KEY, value TEXT NOT NULL, version INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS shard (
    slot INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    startOffset INTEGER NOT NULL,
    endOffset INTEGER NOT NULL,
    -- Where it was closed; null while it is open.
    sealedEnd INTEGER,
    appendTimeMs INTEGER NOT NULL,
    producers TEXT NOT NULL
  );
  -- Transactions that were aborted, with what readers must pass over (shard-transactions.ts).
  CREATE TABLE IF NOT EXISTS aborted (
    slot INTEGER NOT NULL,
    lastOffset INTEGER NOT NULL,
    producerId TEXT NOT NULL,
    firstOffset INTEGER NOT NULL,
    stableOffset INTEGER NOT NULL,
    PRIMARY KEY (slot, lastOffset, producerId)
  ) WITHOUT ROWID;
  -- Transactions of closed shards that ended elsewhere: nothing in the log tells of it.
  CREATE TABLE IF NOT EXISTS released (
    slot INTEGER NOT NULL,
    producerId TEXT NOT NULL,
    commits INTEGER NOT NULL,
    PRIMARY KEY (slot, producerId)
  ) WITHOUT ROWID;
  -- Kafka partitions whose appends an open shard does not take any more.
  CREATE TABLE IF NOT EXISTS departed (
    slot INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    PRIMARY KEY (slot, partition)
  ) WITHOUT ROWID;
  -- Up to where shards were compacted, and the segments that have taken the place of what lay before.
  CREATE TABLE IF NOT EXISTS compaction (slot INTEGER PRIMARY KEY, endOffset INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS compacted (generation INTEGER PRIMARY KEY, slot INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS segment (generation INTEGER PRIMARY KEY, end INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS checkpoint (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL,
    position INTEGER NOT NULL,
    chain INTEGER NOT NULL
  );
`;

interface Change {
  readonly run: (sqlite: DatabaseSync) => unknown;
  /** Called once, when the change is durable or has failed. */
  readonly settle: (error: Error | undefined, value?: unknown) => void;
}

const openFile = promisify(open);
const syncFile = promisify(fdatasync);

/**
 * Everything that is not log, in SQLite (WAL). The database is also the lock of the data directory: it is held
 * exclusively, by a lock of the operating system that ends with the process.
 *
 * A transaction takes all changes of one tick. SQLite itself is told not to sync (`synchronous = NORMAL`, about 10 µs
 * a commit); what it wrote to its write-ahead log is then synced from here without blocking the process (200 µs), and
 * only then are the changes answered. Before a checkpoint SQLite syncs by itself.
 */
export class Database {
  readonly sqlite: DatabaseSync;
  readonly #walPath: string;
  readonly #syncs: boolean;
  #walFile: number | undefined;
  #waiting: Change[] = [];
  #scheduled = false;
  /** What the sync under way serves. */
  #beingSynced: ((error?: Error) => void)[] = [];
  /** Committed since it began: the next one serves them all. */
  #committed: ((error?: Error) => void)[] = [];
  #syncing: Promise<void> | undefined;
  #closed = false;

  private constructor(sqlite: DatabaseSync, path: string, syncs: boolean) {
    this.sqlite = sqlite;
    this.#walPath = `${path}-wal`;
    this.#syncs = syncs;
  }

  /** Throws DataDirectoryLocked and DataDirectoryUnusable. */
  static open(directory: DataDirectory, syncs: boolean): Database {
    let sqlite: DatabaseSync | undefined;
    try {
      sqlite = new sqliteModule.DatabaseSync(directory.database, { timeout: 0 });
      sqlite.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
      // In this mode the lock comes with the first write, and stays.
      sqlite.exec('BEGIN IMMEDIATE');
      const version = (sqlite.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
      if (version !== 0 && (version < SCHEMA_VERSION_MIN || version > SCHEMA_VERSION)) {
        throw new Error(`it was written by another version (layout ${version}, this one has ${SCHEMA_VERSION})`);
      }
      sqlite.exec(SCHEMA);
      sqlite.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
      return new Database(sqlite, directory.database, syncs);
    } catch (error) {
      sqlite?.close();
      if ((error as { errcode?: number }).errcode === SQLITE_BUSY) {
        throw new DataDirectoryLocked(directory.path, { cause: error });
      }
      throw new DataDirectoryUnusable(directory.path, reasonOf(error), { cause: error });
    }
  }

  /**
   * Runs the change in the next transaction, and answers its value when that is durable. The change must throw before
   * its first write or not at all; whatever it throws fails the whole transaction. Throws StoreUnavailable.
   */
  change<T>(run: (database: DatabaseSync) => T): Promise<T> {
    if (this.#closed) return Promise.reject(new StoreUnavailable('the store is closed'));
    if (this.#waiting.length >= WAITING_CHANGES_MAX) {
      return Promise.reject(new StoreUnavailable(`more than ${WAITING_CHANGES_MAX} changes wait for the database`));
    }
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ run, settle: (error, value) => (error ? reject(error) : resolve(value as T)) });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => this.#commit());
    });
  }

  /** Waits until what a read can see is durable, so that nobody is shown what a power loss could take back. */
  settled(): Promise<void> | undefined {
    if (this.#syncing === undefined) return undefined;
    const newest = this.#committed.length > 0 ? this.#committed : this.#beingSynced;
    return new Promise((resolve) => newest.push(() => resolve()));
  }

  #commit(): void {
    this.#scheduled = false;
    const changes = this.#waiting;
    if (changes.length === 0) return;
    this.#waiting = [];
    const values: unknown[] = [];
    try {
      this.sqlite.exec('BEGIN IMMEDIATE');
      for (const { run } of changes) values.push(run(this.sqlite));
      this.sqlite.exec('COMMIT');
    } catch (error) {
      if (this.sqlite.isTransaction) this.sqlite.exec('ROLLBACK');
      const failure = new StoreUnavailable(`the database could not be written: ${reasonOf(error)}`, { cause: error });
      for (const { settle } of changes) settle(failure);
      return;
    }
    for (const [i, { settle }] of changes.entries()) this.#committed.push((error) => settle(error, values[i]));
    this.#syncing ??= this.#syncCommitted();
  }

  /** One sync at a time; what is committed meanwhile goes with the next. */
  async #syncCommitted(): Promise<void> {
    while (this.#committed.length > 0) {
      const settles = this.#committed;
      this.#beingSynced = settles;
      this.#committed = [];
      let failure: StoreUnavailable | undefined;
      try {
        await this.#sync();
      } catch (error) {
        failure = new StoreUnavailable(`the database could not be synced: ${reasonOf(error)}`, { cause: error });
      }
      for (const settle of settles) settle(failure);
    }
    this.#syncing = undefined;
  }

  /**
   * Makes lasting what was changed, also where changes are answered before they are: what is given up because of them must not be
   * missed when a power loss takes them back. Throws StoreUnavailable.
   */
  async lasting(): Promise<void> {
    if (this.#syncs || this.#closed) return;
    try {
      await this.#syncFile();
    } catch (error) {
      throw new StoreUnavailable(`the database could not be synced: ${reasonOf(error)}`, { cause: error });
    }
  }

  async #sync(): Promise<void> {
    if (this.#syncs) await this.#syncFile();
  }

  async #syncFile(): Promise<void> {
    try {
      // On a descriptor of our own: SQLite holds no locks on this file, and never replaces it while it is open.
      this.#walFile ??= await openFile(this.#walPath, 'r+');
      await syncFile(this.#walFile);
    } catch (error) {
      // A second sync of the same pages would succeed without having written them. SQLite writes them anew instead.
      this.sqlite.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#commit();
    this.#closed = true;
    await this.#syncing;
    if (this.#walFile !== undefined) await promisify(closeFile)(this.#walFile);
    this.sqlite.close();
  }
}
