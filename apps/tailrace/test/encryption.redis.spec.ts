import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from '@jest/globals';
import { type RedisServer, startRedis } from '@tailrace/testkit';
import { encryptionScenarios } from './encryption-scenarios.ts';

describe('encryption at rest, in Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis({ appendonly: true });
  });
  afterAll(() => redis.stop());

  encryptionScenarios(
    () => Promise.resolve({ TAILRACE_STORE: 'redis', TAILRACE_REDIS_URL: redis.url }),
    async () => {
      const entries = await readdir(redis.directory, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile());
      return Buffer.concat(await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name)))));
    },
  );
});
