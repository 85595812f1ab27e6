import type { Store } from '../contract/store.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import type { StreamCatalog } from '../streams/stream-catalog.ts';
import { encryptedLog } from './encrypted-log.ts';
import type { KeyRing } from './key-ring.ts';
import { KeyUse, type KeyUseOptions } from './key-use.ts';

export interface EncryptedStoreOptions extends KeyUseOptions {
  readonly keyRing: KeyRing;
}

/** The store as doors get it: records of encrypted streams lie sealed, and come out as they went in. */
export interface EncryptedStore {
  readonly store: Store;
  /** Before the engine's store is closed. */
  close(): Promise<void>;
}

/**
 * Puts encryption between a store and the doors, whether there are keys or not: without the key of an encrypted stream
 * nothing of it is given out. What a stream's document says is a look-up in memory, and all that a stream costs that was
 * never encrypted. Throws StoreUnavailable.
 */
export async function openEncryptedStore(
  store: Store,
  catalog: StreamCatalog,
  { keyRing, ...options }: EncryptedStoreOptions,
): Promise<EncryptedStore> {
  const keyUse = await KeyUse.open(store.documents, keyRing.ids, options);
  const streamOf = (shard: ShardKey) => catalog.peekById(shard.slice(0, shard.lastIndexOf('/')));
  const documentOf = (shard: ShardKey) => streamOf(shard)?.document;
  const log = encryptedLog(store.log, {
    keyRing,
    keyOf: (shard) => documentOf(shard)?.encryption?.key,
    ...(store.log.requireEncryption && {
      refresh: async (shard) => {
        const stream = streamOf(shard);
        if (stream !== undefined) await catalog.refresh(stream.name);
      },
    }),
    // Beside others over the same store, our picture of a stream may be older than what they have written.
    // A stream that is just being deleted is unknown here already, and its log may still be there.
    mayBeSealed:
      store.engine !== 'embedded'
        ? () => true
        : (shard) => {
            const document = documentOf(shard);
            return document === undefined || document.wasEncrypted === true;
          },
    onSealed: (keyId) => keyUse.count(keyId),
  });
  const { engine, documents, leases, tokenBuckets } = store;
  return {
    store: {
      engine,
      log,
      documents,
      leases,
      tokenBuckets,
      keyRing,
      health: () => store.health(),
      close: () => store.close(),
    },
    close: () => keyUse.close(),
  };
}
