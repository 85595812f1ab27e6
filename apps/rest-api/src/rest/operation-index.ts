import type { RestOperation } from './operation.ts';
import { appendRecords } from './operations/append-records.ts';
import { createStream } from './operations/create-stream.ts';
import { deleteStream } from './operations/delete-stream.ts';
import { describeGroup } from './operations/describe-group.ts';
import { describeStream } from './operations/describe-stream.ts';
import { followEvents } from './operations/follow-events.ts';
import { healthLive } from './operations/health-live.ts';
import { healthReady } from './operations/health-ready.ts';
import { listStreams } from './operations/list-streams.ts';
import { openapi } from './operations/openapi.ts';
import { readRecords } from './operations/read-records.ts';
import { welcome } from './operations/welcome.ts';

/** Everything that the REST API does: the router and the OpenAPI document are made of this list. */
export const restOperations: readonly RestOperation[] = [
  createStream,
  listStreams,
  describeStream,
  deleteStream,
  describeGroup,
  appendRecords,
  readRecords,
  followEvents,
  healthLive,
  healthReady,
  openapi,
  welcome,
];
