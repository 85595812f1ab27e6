export { Ingest, type IngestDependencies } from './ingest.ts';
export type { IngestRecord, IngestRefusal, Placed, PutOutcome } from './put-outcome.ts';
