import type { Store } from './contract/store.ts';

export interface StoreSettings {
  readonly store: 'embedded' | 'redis';
  readonly dataDir: string;
  readonly durability: 'sync' | 'relaxed';
  readonly redisUrl: string;
  readonly minInsyncReplicas: number;
}

/** Opens the engine that the settings name; only that one is loaded. */
export async function openStore(settings: StoreSettings): Promise<Store> {
  if (settings.store === 'redis') {
    const { openRedisStore } = await import('./redis/index.ts');
    return openRedisStore({ url: settings.redisUrl, minInsyncReplicas: settings.minInsyncReplicas });
  }
  const { openEmbeddedStore } = await import('./embedded/index.ts');
  return openEmbeddedStore({ dataDir: settings.dataDir, durability: settings.durability });
}
