import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { credentialOfPassword, Users } from '@tailrace/identity';
import {
  alterClientQuotasApi,
  alterUserScramCredentialsApi,
  createAclsApi,
  createTopicsApi,
  deleteAclsApi,
  errorCodes,
  produceApi,
} from '@tailrace/kafka-protocol';
import { type Store, StreamCatalog } from '@tailrace/shard-core';
import { openRedisStore } from '@tailrace/shard-core/redis';
import { createLogger } from '@tailrace/telemetry';
import { eventually, type RedisServer, startRedis } from '@tailrace/testkit';
import { type Address, createKafkaDoor, type KafkaDoor } from '../src/index.ts';
import { batchOf } from '../src/testing/records.ts';
import { authenticate } from '../src/testing/sasl-client.ts';
import { WireClient } from '../src/testing/wire-client.ts';

const { NONE, SASL_AUTHENTICATION_FAILED, TOPIC_AUTHORIZATION_FAILED } = errorCodes;
const KIB = 1024;
const SCRAM_SHA_256 = 1;
const [TOPIC, LITERAL, WRITE, DENY, ALLOW] = [2, 3, 4, 2, 3];
/** What docs/security.md promises of the other bridge. */
const HOLDS_WITHIN_MS = 1_000;

interface Bridge {
  readonly store: Store;
  readonly catalog: StreamCatalog;
  readonly door: KafkaDoor;
  readonly address: Address;
  /** Authenticated as who may do everything. */
  readonly admin: WireClient;
}

describe('what is changed through one of two bridges over Redis', () => {
  let redis: RedisServer;
  let a: Bridge;
  let b: Bridge;

  async function open(): Promise<Bridge> {
    const store = await openRedisStore({ url: redis.url });
    const catalog = await StreamCatalog.open(store);
    const security = { mechanisms: ['PLAIN'] as const, superUsers: ['User:admin'], failureDelayMs: 1 };
    const door = createKafkaDoor({ store, catalog, logger: createLogger({ level: 'silent' }) }, { security });
    const address = await door.listen({ host: '127.0.0.1', port: 0 });
    const admin = await WireClient.connect(address, 'admin');
    expect((await authenticate(admin, 'PLAIN', 'admin', 'admin-secret')).errorCode).toBe(NONE);
    return { store, catalog, door, address, admin };
  }

  beforeAll(async () => {
    redis = await startRedis();
    const seed = await openRedisStore({ url: redis.url });
    const users = await Users.open(seed.documents);
    await users.change('admin', [
      { mechanism: 'SCRAM-SHA-256', credential: await credentialOfPassword('SCRAM-SHA-256', 'admin-secret') },
    ]);
    await users.close();
    await seed.close();
    [a, b] = [await open(), await open()];
    const topics = [{ name: 'orders', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }];
    await a.admin.request(createTopicsApi, 7, { topics, timeoutMs: 5_000, validateOnly: false });
  }, 60_000);
  afterAll(async () => {
    for (const { admin, door, catalog, store } of [a, b]) {
      admin.close();
      await door.close(1_000);
      await catalog.close();
      await store.close();
    }
    await redis.stop();
  });

  const setPassword = async (by: Bridge, name: string, password: string) => {
    const salt = randomBytes(16);
    const saltedPassword = pbkdf2Sync(password, salt, 4_096, 32, 'sha256');
    const { results } = await by.admin.request(alterUserScramCredentialsApi, 0, {
      deletions: [],
      upsertions: [{ name, mechanism: SCRAM_SHA_256, iterations: 4_096, salt, saltedPassword }],
    });
    expect(results.map(({ errorCode }) => errorCode)).toEqual([NONE]);
  };
  const signIn = async ({ address }: Bridge, name: string, password: string) => {
    const client = await WireClient.connect(address, 'client');
    return { client, errorCode: (await authenticate(client, 'PLAIN', name, password)).errorCode };
  };
  const produce = async (client: WireClient, bytes = 1) => {
    const topicData = [{ name: 'orders', partitionData: [{ index: 0, records: batchOf(['x'.repeat(bytes)]) }] }];
    const answer = await client.request(produceApi, 9, { acks: -1, timeoutMs: 5_000, topicData });
    return { errorCode: answer.responses[0]?.partitionResponses[0]?.errorCode, throttleMs: answer.throttleTimeMs };
  };
  /** Looks until it is so, and says how long that took. */
  const heldAfterMs = async (check: () => Promise<boolean>) => {
    const begin = performance.now();
    await eventually(check);
    return performance.now() - begin;
  };
  const entry = (permissionType: number) => ({
    resourceType: TOPIC,
    resourceName: 'orders',
    resourcePatternType: LITERAL,
    principal: 'User:shop',
    host: '*',
    operation: WRITE,
    permissionType,
  });

  it('holds at the other within a second: users, their passwords, entries and quotas', async () => {
    const took: Record<string, number> = {};
    await setPassword(a, 'shop', 'first');
    took['user'] = await heldAfterMs(async () => (await signIn(b, 'shop', 'first')).errorCode === NONE);
    await setPassword(b, 'shop', 'second');
    took['password'] = await heldAfterMs(
      async () => (await signIn(a, 'shop', 'first')).errorCode === SASL_AUTHENTICATION_FAILED,
    );
    const { client } = await signIn(b, 'shop', 'second');
    expect((await produce(client)).errorCode).toBe(TOPIC_AUTHORIZATION_FAILED);

    await a.admin.request(createAclsApi, 3, { creations: [entry(ALLOW)] });
    took['allowed'] = await heldAfterMs(async () => (await produce(client)).errorCode === NONE);
    const { client: atA } = await signIn(a, 'shop', 'second');
    await b.admin.request(createAclsApi, 3, { creations: [entry(DENY)] });
    took['denied'] = await heldAfterMs(async () => (await produce(atA)).errorCode === TOPIC_AUTHORIZATION_FAILED);
    const { resourceType, resourceName, resourcePatternType, principal, host, operation } = entry(DENY);
    await a.admin.request(deleteAclsApi, 3, {
      filters: [
        {
          resourceTypeFilter: resourceType,
          resourceNameFilter: resourceName,
          patternTypeFilter: resourcePatternType,
          principalFilter: principal,
          hostFilter: host,
          operation,
          permissionType: DENY,
        },
      ],
    });
    took['allowed again'] = await heldAfterMs(async () => (await produce(client)).errorCode === NONE);

    const quota = (value: number, remove: boolean) => ({
      entity: [{ entityType: 'user', entityName: 'shop' }],
      ops: [{ key: 'producer_byte_rate', value, remove }],
    });
    await a.admin.request(alterClientQuotasApi, 1, { entries: [quota(16 * KIB, false)], validateOnly: false });
    took['quota'] = await heldAfterMs(async () => (await produce(client, 24 * KIB)).throttleMs > 0);
    await b.admin.request(alterClientQuotasApi, 1, { entries: [quota(0, true)], validateOnly: false });
    took['no quota'] = await heldAfterMs(async () => (await produce(atA, 24 * KIB)).throttleMs === 0);
    for (const one of [client, atA]) one.close();
    const late = Object.entries(took).filter(([, ms]) => ms > HOLDS_WITHIN_MS);
    expect(late).toEqual([]);
  }, 60_000);
});
