export {
  accepted,
  append,
  appendRequest,
  compactTo,
  makeBatch,
  type MakeBatchOptions,
  newShardKey,
  openNewShard,
  readAll,
  type ReadRecord,
  readValues,
  recordsOf,
  verdictsFor,
} from './batches.ts';
export { type ConformanceOptions, storeConformance, type StoreUnderTest } from './store-conformance.ts';
