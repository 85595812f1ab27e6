import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { logger } from '@tailrace/telemetry';
import { temporaryDirectory, type TemporaryDirectory } from '@tailrace/testkit';
import type { Store } from '../contract/store.ts';
import { type EmbeddedStoreOptions, openEmbeddedStore } from '../embedded/index.ts';
import { FaultFileSystem, type Survival } from './fault-file-system.ts';

/** So small that a short test passes through several. */
export const SMALL_SEGMENTS = { segmentBytesMin: 16 * 1024, segmentBytesMax: 16 * 1024 };

// Stores that are crashed on purpose have much to complain of.
logger.level = 'silent';

let directories = 0;

/** An embedded store on a faulty disk, that can be crashed and opened again as often as one likes. */
export class CrashingStore {
  readonly files: FaultFileSystem;
  readonly store: Store;
  readonly #directory: TemporaryDirectory;
  readonly #options: Partial<EmbeddedStoreOptions>;
  readonly #dataDir: string;
  #keptDatabase: string | undefined;

  private constructor(
    store: Store,
    files: FaultFileSystem,
    directory: TemporaryDirectory,
    dataDir: string,
    options: Partial<EmbeddedStoreOptions>,
  ) {
    this.store = store;
    this.files = files;
    this.#directory = directory;
    this.#dataDir = dataDir;
    this.#options = options;
  }

  static async open(options: Partial<EmbeddedStoreOptions> = {}): Promise<CrashingStore> {
    const directory = await temporaryDirectory();
    return CrashingStore.#openAt(directory, directory.path, new FaultFileSystem(), options);
  }

  static async #openAt(
    directory: TemporaryDirectory,
    dataDir: string,
    files: FaultFileSystem,
    options: Partial<EmbeddedStoreOptions>,
  ): Promise<CrashingStore> {
    const store = await openEmbeddedStore({
      durability: 'sync',
      ...SMALL_SEGMENTS,
      ...options,
      dataDir,
      fileSystem: files,
    });
    return new CrashingStore(store, files, directory, dataDir, options);
  }

  /**
   * Opens what the next process would find if this one died now (`power`: and the machine with it). This one lives on,
   * so that many such ends can be tried; each lies in a directory of its own.
   */
  async opened(power?: Survival): Promise<CrashingStore> {
    const path = join(this.#directory.path, `crash-${directories++}`);
    mkdirSync(path);
    this.#copyDatabase(this.#keptDatabase ?? this.#dataDir, path);
    // Paths of segments carry the directory: the files move with it.
    const files = this.files.afterCrash(power).moved(join(this.#dataDir, 'log'), join(path, 'log'));
    return CrashingStore.#openAt(this.#directory, path, files, this.#options);
  }

  /** From now on those that are opened find the database as it is now, however it changes: it was not synced since. */
  keepDatabase(): void {
    const kept = join(this.#directory.path, `kept-${directories++}`);
    mkdirSync(kept);
    this.#copyDatabase(this.#dataDir, kept);
    this.#keptDatabase = kept;
  }

  #copyDatabase(from: string, to: string): void {
    for (const name of ['tailrace.db', 'tailrace.db-wal']) {
      if (existsSync(join(from, name))) copyFileSync(join(from, name), join(to, name));
    }
  }

  async close(): Promise<void> {
    await this.store.close();
  }

  /** Ends it as a crash would; nothing when it is closed already. */
  async end(): Promise<void> {
    this.files.kill();
    // It cannot end well.
    await this.store.close().catch(() => {});
  }

  /** Ends it so, and forgets the data of all that were opened from it. */
  async remove(): Promise<void> {
    await this.end();
    await this.#directory.remove();
  }
}
