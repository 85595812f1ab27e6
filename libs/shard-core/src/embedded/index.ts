export { DEFAULT_BOUNDS, type EmbeddedBounds } from './bounds.ts';
export { DataDirectoryLocked, DataDirectoryUnusable } from './data-directory.ts';
export { type FileSystem, type LogFile, nodeFileSystem } from './file-system.ts';
export { type EmbeddedStoreOptions, openEmbeddedStore } from './open-embedded-store.ts';
