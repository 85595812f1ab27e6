import { setTimeout as delay } from 'node:timers/promises';
import { zonesOf } from '@tailrace/replication';
import type { Store, StoreHealth } from '@tailrace/shard-core';
import { z } from 'zod';
import { JSON_MEDIA_TYPE } from '../media-type.ts';
import { operation } from '../operation.ts';
import { noParameters } from '../query-schema.ts';

/** A store that takes longer to say how it is, is not ready. */
const HEALTH_TIMEOUT_MS = 2000;

const healthView = z
  .strictObject({
    status: z.enum(['ready', 'notReady']),
    store: z.strictObject({ engine: z.enum(['embedded', 'redis']), detail: z.string() }),
  })
  .meta({ id: 'Health' });

/** Whether records can be written and read now. 503 with the reason when not. */
export const healthReady = operation({
  id: 'healthReady',
  method: 'get',
  route: '/health/ready',
  tag: 'service',
  summary: 'Can records be written and read?',
  path: noParameters,
  query: noParameters,
  answers: {
    200: { description: 'Yes.', content: { [JSON_MEDIA_TYPE]: { schema: healthView } } },
    503: { description: 'Not now, and why.', content: { [JSON_MEDIA_TYPE]: { schema: healthView } } },
  },
  problems: [],
  async run(_input, { store, minInsyncReplicas, logger }) {
    const health = await healthOf(store, (cause) => {
      logger.warn({ err: cause }, 'the store did not say how it is');
    });
    const { writable, detail } = zonesOf(health, minInsyncReplicas);
    return {
      status: writable ? 200 : 503,
      headers: { 'Cache-Control': 'no-store' },
      json: { status: writable ? 'ready' : 'notReady', store: { engine: store.engine, detail } },
    };
  },
});

async function healthOf(store: Store, failed: (cause: unknown) => void): Promise<StoreHealth> {
  const timer = new AbortController();
  const timedOut = delay(HEALTH_TIMEOUT_MS, undefined, { signal: timer.signal }).then(
    () => ({ ready: false, detail: `The store did not answer within ${HEALTH_TIMEOUT_MS} ms.` }),
    () => ({ ready: false, detail: '' }),
  );
  try {
    return await Promise.race([store.health(), timedOut]);
  } catch (error) {
    failed(error);
    return { ready: false, detail: 'The store cannot be asked how it is.' };
  } finally {
    timer.abort();
  }
}
