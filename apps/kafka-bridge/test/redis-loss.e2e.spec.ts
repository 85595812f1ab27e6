import { describe, expect, it } from '@jest/globals';
import {
  errorCodes,
  errorName,
  fetchApi,
  metadataApi,
  offsetCommitApi,
  produceApi,
  retriableErrors,
} from '@tailrace/kafka-protocol';
import { StreamCatalog } from '@tailrace/shard-core';
import { openRedisStore } from '@tailrace/shard-core/redis';
import { createLogger } from '@tailrace/telemetry';
import { eventually, startRedis } from '@tailrace/testkit';
import { createKafkaDoor } from '../src/index.ts';
import { batchOf } from '../src/testing/records.ts';
import { WireClient } from '../src/testing/wire-client.ts';

describe('the door over a Redis that goes away', () => {
  it('answers errors on which clients retry, keeps the connection, and goes on by itself', async () => {
    const redis = await startRedis({ appendonly: true, config: { appendfsync: 'always' } });
    const store = await openRedisStore({ url: redis.url });
    const catalog = await StreamCatalog.open(store);
    const door = createKafkaDoor({ store, catalog, logger: createLogger({ level: 'silent' }) });
    const client = await WireClient.connect(await door.listen({ host: '127.0.0.1', port: 0 }));
    const topics = [{ name: 'orders' }];
    expect((await client.request(metadataApi, 9, { topics })).topics[0]?.errorCode).toBe(0);
    const produce = async (value: string) => {
      const partitionData = [{ index: 0, records: batchOf([value]) }];
      const { responses } = await client.request(produceApi, 9, {
        acks: -1,
        timeoutMs: 500,
        topicData: [{ name: 'orders', partitionData }],
      });
      return responses[0]?.partitionResponses[0];
    };
    expect((await produce('before'))?.baseOffset).toBe(0n);

    await redis.kill9();
    const failed = await produce('lost');
    const partitions = [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1_000 }];
    const fetch = () =>
      client.request(fetchApi, 12, { maxWaitMs: 100, minBytes: 1, topics: [{ topic: 'orders', partitions }] });
    const commit = async () => {
      const committed = [{ partitionIndex: 0, committedOffset: 1n, committedMetadata: null }];
      const request = {
        groupId: 'g',
        memberId: '',
        generationIdOrMemberEpoch: -1,
        topics: [{ name: 'orders', partitions: committed }],
      };
      return (await client.request(offsetCommitApi, 8, request)).topics[0]?.partitions[0]?.errorCode ?? NaN;
    };
    const codes = [failed?.errorCode ?? NaN, await commit()];
    expect(codes.map((code) => [errorName(code), retriableErrors.has(code as never)])).toEqual([
      ['KAFKA_STORAGE_ERROR', true],
      ['COORDINATOR_NOT_AVAILABLE', true],
    ]);

    await redis.restart();
    await eventually(async () => (await produce('after'))?.errorCode === errorCodes.NONE, { timeoutMs: 15_000 });
    await eventually(async () => (await commit()) === errorCodes.NONE, { timeoutMs: 15_000 });
    const answer = (await fetch()).responses[0]?.partitions[0];
    expect([errorName(answer?.errorCode ?? NaN), (answer?.highWatermark ?? 0n) >= 2n]).toEqual(['NONE', true]);

    client.close();
    await door.close(500);
    await catalog.close();
    await store.close();
    await redis.stop();
  });
});
