export {
  createHttpDoor,
  type HttpDoor,
  type HttpDoorDependencies,
  type HttpDoorOptions,
  type RestListener,
} from './http/http-door.ts';
export {
  Ingest,
  type IngestDependencies,
  type IngestRecord,
  type IngestRefusal,
  type Placed,
  type PutOutcome,
} from './ingest/index.ts';
export { createRestApi, type RestApiDependencies, type RestApiOptions } from './rest-api.ts';
