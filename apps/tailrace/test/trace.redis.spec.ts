import { expect } from '@jest/globals';
import { type RedisServer, startRedis } from '@tailrace/testkit';
import { openBothDoors } from './both-doors.ts';
import { describeTraces } from './trace-scenarios.ts';

let redis: RedisServer;

describeTraces({
  name: 'redis',
  async open() {
    redis = await startRedis();
    const doors = await openBothDoors({
      TAILRACE_STORE: 'redis',
      TAILRACE_REDIS_URL: redis.url,
      TAILRACE_LIMITS: 'off',
    });
    return {
      ...doors,
      async close() {
        await doors.close();
        await redis.stop();
      },
    };
  },
  storeSpans: (under) => [
    {
      name: 'EVALSHA append-batch',
      kind: 'client',
      spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
      parentSpanId: under,
      attributes: {
        'db.system.name': 'redis',
        'db.operation.name': 'EVALSHA',
        'db.stored_procedure.name': 'append-batch',
        'db.namespace': '0',
        'server.address': '127.0.0.1',
        'server.port': redis.port,
      },
      links: [],
      error: undefined,
    },
  ],
});
