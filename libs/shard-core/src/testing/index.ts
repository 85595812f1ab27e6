export {
  accepted,
  append,
  appendRequest,
  makeBatch,
  type MakeBatchOptions,
  newShardKey,
  openNewShard,
  readAll,
  type ReadRecord,
  readValues,
  recordsOf,
} from './batches.ts';
export { type ConformanceOptions, storeConformance, type StoreUnderTest } from './store-conformance.ts';
