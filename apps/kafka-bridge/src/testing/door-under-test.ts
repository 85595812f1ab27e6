import { type Store, StreamCatalog } from '@tailrace/shard-core';
import { openEmbeddedStore } from '@tailrace/shard-core/embedded';
import { createLogger } from '@tailrace/telemetry';
import { temporaryDirectory } from '@tailrace/testkit';
import { type Address, createKafkaDoor, type KafkaDoor, type KafkaDoorDeps, type KafkaDoorOptions } from '../door.ts';
import { WireClient } from './wire-client.ts';

const LOG_LINES_MAX = 1_000;

/** A door on a free port over an embedded store of its own, with its log lines. For specs. */
export interface DoorUnderTest {
  readonly door: KafkaDoor;
  readonly address: Address;
  readonly store: Store;
  readonly catalog: StreamCatalog;
  /** What was logged, the oldest first. */
  readonly logged: readonly Readonly<Record<string, unknown>>[];
  connect(clientId?: string): Promise<WireClient>;
  /** Closes the door and opens another one over what the first one left on disk. */
  restart(): Promise<DoorUnderTest>;
  close(): Promise<void>;
}

export interface DoorUnderTestOptions extends KafkaDoorOptions {
  /** Accounts and regions are kept apart. */
  readonly reservesOwnedNames?: boolean;
  readonly limits?: KafkaDoorDeps['limits'];
  readonly tls?: KafkaDoorDeps['tls'];
  /** Puts something between door and store. */
  readonly wrapStore?: ((store: Store) => Store) | undefined;
}

export async function openDoorUnderTest(options: DoorUnderTestOptions = {}): Promise<DoorUnderTest> {
  const directory = await temporaryDirectory();
  return open(directory.path, options, () => directory.remove());
}

async function open(
  dataDir: string,
  options: DoorUnderTestOptions,
  removed: () => Promise<void>,
): Promise<DoorUnderTest> {
  const { limits, tls, wrapStore = (same) => same, reservesOwnedNames = false, ...doorOptions } = options;
  const opened = await openEmbeddedStore({ dataDir, durability: 'relaxed' });
  const store = wrapStore(opened);
  const catalog = await StreamCatalog.open(store, Date.now, { reservesOwnedNames });
  const logged: Record<string, unknown>[] = [];
  const logger = createLogger({
    level: 'debug',
    readable: false,
    destination: {
      write(line: string) {
        if (logged.length < LOG_LINES_MAX) logged.push(JSON.parse(line) as Record<string, unknown>);
      },
    },
  });
  const door = createKafkaDoor({ store, catalog, limits, tls, logger }, doorOptions);
  const address = await door.listen({ host: '127.0.0.1', port: 0 });
  const shut = async () => {
    await door.close(1_000);
    await catalog.close();
    await opened.close();
  };
  return {
    door,
    address,
    store,
    catalog,
    logged,
    connect: (clientId) => WireClient.connect(address, clientId),
    async restart() {
      await shut();
      return open(dataDir, options, removed);
    },
    async close() {
      await shut();
      await removed();
    },
  };
}
