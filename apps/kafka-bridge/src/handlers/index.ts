import { produce } from './00-produce.ts';
import { fetch } from './01-fetch.ts';
import { listOffsets } from './02-list-offsets.ts';
import { metadata } from './03-metadata.ts';
import { offsetCommit } from './08-offset-commit.ts';
import { offsetFetch } from './09-offset-fetch.ts';
import { findCoordinator } from './10-find-coordinator.ts';
import { joinGroup } from './11-join-group.ts';
import { heartbeat } from './12-heartbeat.ts';
import { leaveGroup } from './13-leave-group.ts';
import { syncGroup } from './14-sync-group.ts';
import { saslHandshake } from './17-sasl-handshake.ts';
import { apiVersionsHandler } from './18-api-versions.ts';
import { createTopics } from './19-create-topics.ts';
import { deleteTopics } from './20-delete-topics.ts';
import { initProducerId } from './22-init-producer-id.ts';
import { saslAuthenticate } from './36-sasl-authenticate.ts';
import type { Handler } from './handler.ts';

/** Every operation of this door, in the order of the keys. ApiVersions is computed from it. */
export const handlers: readonly Handler[] = [
  produce,
  fetch,
  listOffsets,
  metadata,
  offsetCommit,
  offsetFetch,
  findCoordinator,
  joinGroup,
  heartbeat,
  leaveGroup,
  syncGroup,
  saslHandshake,
  apiVersionsHandler(() => handlers),
  createTopics,
  deleteTopics,
  initProducerId,
  saslAuthenticate,
];

/** The same, each at the index of its key. */
export const handlersByKey: readonly (Handler | undefined)[] = byKey();

function byKey(): (Handler | undefined)[] {
  const table: (Handler | undefined)[] = [];
  for (const one of handlers) table[one.api.key] = one;
  return table;
}
