import { readSettings, type Settings } from '@tailrace/service';
import { openStore } from '@tailrace/shard-core';
import { type KeyMethods, keyMethods } from './key-methods.ts';
import { connectKeys } from './key-socket.ts';

/**
 * Runs with the access keys of the deployment that the settings name: through the service that has the data directory, if
 * one runs, else in the store itself. Redis can be opened beside any number of services.
 */
export async function withKeys(run: (keys: KeyMethods, settings: Settings) => Promise<void>): Promise<void> {
  const { settings } = readSettings(process.env);
  const running = settings.store === 'embedded' ? await connectKeys(settings.dataDir) : undefined;
  if (running !== undefined) {
    await run(running, settings);
    return;
  }
  const store = await openStore(settings);
  try {
    await run(keyMethods(store.documents, settings.masterKeys), settings);
  } finally {
    await store.close();
  }
}
