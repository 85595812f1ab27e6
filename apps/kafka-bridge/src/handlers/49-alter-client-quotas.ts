import { alterClientQuotasApi, type AlterClientQuotasRequest, errorCodes } from '@tailrace/kafka-protocol';
import {
  CLIENT_QUOTA_KEYS,
  type ClientQuotaChange,
  type ClientQuotaEntity,
  type ClientQuotaKey,
} from '@tailrace/identity';
import type { Bridge } from '../bridge.ts';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import { handler } from './handler.ts';

type Entry = AlterClientQuotasRequest['entries'][number];

/**
 * AlterClientQuotas: set and remove quotas of users and client ids; each entity by itself, its values in one step. They count at
 * this bridge with the answer, at others within a second.
 * Per entity: INVALID_REQUEST (an unknown part, a part named twice, an unknown or repeated key, a value out of range);
 * REQUEST_TIMED_OUT, retryable, when the store is away.
 */
export const alterClientQuotas = handler({
  api: alterClientQuotasApi,
  versions: alterClientQuotasApi.advertised,
  async run({ entries, validateOnly }, exchange, bridge) {
    const answers: (Awaited<ReturnType<typeof alter>> & { readonly entity: Entry['entity'] })[] = [];
    // One after the other: a request may name an entity twice, and the later change counts.
    for (const entry of entries) {
      const answer = await alter(entry, validateOnly, bridge);
      exchange.noteError(answer.errorCode);
      answers.push({ ...answer, entity: entry.entity });
    }
    return { throttleTimeMs: 0, entries: answers };
  },
});

async function alter(
  entry: Entry,
  validateOnly: boolean,
  { security }: Bridge,
): Promise<{ readonly errorCode: number; readonly errorMessage: string | null }> {
  const entity = entityOf(entry);
  if (typeof entity === 'string') return { errorCode: errorCodes.INVALID_REQUEST, errorMessage: entity };
  const changes = changesOf(entry);
  if (typeof changes === 'string') return { errorCode: errorCodes.INVALID_REQUEST, errorMessage: changes };
  const problem = security.quotas.problemOf(entity, changes);
  if (problem !== undefined) return { errorCode: errorCodes.INVALID_REQUEST, errorMessage: problem };
  if (validateOnly) return { errorCode: errorCodes.NONE, errorMessage: null };
  const outcome = await unlessUnavailable(security.quotas.change(entity, changes), () => undefined);
  if (outcome === undefined) {
    return { errorCode: errorCodes.REQUEST_TIMED_OUT, errorMessage: 'The store is not available.' };
  }
  if (!outcome.ok) return { errorCode: errorCodes.INVALID_REQUEST, errorMessage: outcome.problem };
  return { errorCode: errorCodes.NONE, errorMessage: null };
}

/** A sentence where it is none. */
function entityOf({ entity }: Entry): ClientQuotaEntity | string {
  const parts: { user?: string | null; clientId?: string | null } = {};
  for (const { entityType, entityName } of entity) {
    const part = entityType === 'user' ? 'user' : entityType === 'client-id' ? 'clientId' : undefined;
    if (part === undefined) {
      return entityType === 'ip'
        ? 'Quotas of addresses are not kept'
        : `Unhandled client quota entity type: ${entityType}`;
    }
    if (parts[part] !== undefined) return `Duplicate ${entityType} in the client quota entity`;
    parts[part] = entityName;
  }
  return parts;
}

/** A sentence where they are none. */
function changesOf({ ops }: Entry): ClientQuotaChange[] | string {
  const changes = new Map<ClientQuotaKey, ClientQuotaChange>();
  for (const { key, value, remove } of ops) {
    const known = CLIENT_QUOTA_KEYS.find((one) => one === key);
    if (known === undefined) return `Invalid configuration key ${key}`;
    if (changes.has(known)) return `Duplicate quota key ${key}`;
    changes.set(known, { key: known, value: remove ? undefined : value });
  }
  return [...changes.values()];
}
