import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  consumerGroupHeartbeatApi,
  createPartitionsApi,
  createTopicsApi,
  deleteRecordsApi,
  deleteTopicsApi,
  errorCodes,
  fetchApi,
  incrementalAlterConfigsApi,
  initProducerIdApi,
  joinGroupApi,
  listOffsetsApi,
  metadataApi,
  produceApi,
} from '@tailrace/kafka-protocol';
import { eventually } from '@tailrace/testkit';
import { FETCH_WAIT_MS_MAX } from '../fetch/fetch-wait.ts';
import { type DoorUnderTest, openDoorUnderTest } from '../testing/door-under-test.ts';
import { batchOf } from '../testing/records.ts';
import { ShareClient } from '../testing/share-client.ts';
import type { WireClient } from '../testing/wire-client.ts';

const { NONE, INVALID_CONFIG, INVALID_SESSION_TIMEOUT, INVALID_TRANSACTION_TIMEOUT } = errorCodes;
const INT32_MIN = -(2 ** 31);
/** The largest that a client can name; a timer of Node.js that is any longer ends at once. */
const INT32_MAX = 2 ** 31 - 1;

let under: DoorUnderTest;
let client: WireClient;
let topicId: string;
let timers: jest.SpiedFunction<typeof setTimeout>;
beforeEach(async () => {
  under = await openDoorUnderTest({ initialRebalanceDelayMs: 0, sessionTimeoutMsMax: INT32_MAX });
  client = await under.connect();
  const { topics } = await client.request(metadataApi, 12, { topics: [{ name: 't' }] });
  topicId = topics[0]!.topicId;
  timers = jest.spyOn(globalThis, 'setTimeout');
});
afterEach(async () => {
  timers.mockRestore();
  client.close();
  await under.close();
});

/** The longest timer that the bridge has set. */
const longestMs = () => timers.mock.calls.reduce((longest, [, ms]) => Math.max(longest, ms ?? 0), 0);

describe.each([INT32_MIN, -1, 0, INT32_MAX])('a time-out of %i ms', (timeoutMs) => {
  it('is none to wait for where the answer is there at once', async () => {
    const topicData = [{ name: 't', partitionData: [{ index: 0, records: batchOf(['a']) }] }];
    const produced = await client.request(produceApi, 9, { acks: -1, timeoutMs, topicData });
    expect(produced.responses[0]?.partitionResponses[0]?.errorCode).toBe(NONE);
    const partitions = [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1_000 }];
    const fetch = { maxWaitMs: timeoutMs, minBytes: 1, maxBytes: 1_000, topics: [{ topic: 't', partitions }] };
    expect((await client.request(fetchApi, 4, fetch)).responses[0]?.partitions[0]?.errorCode).toBe(NONE);
    const latest = [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1n }] }];
    const listed = await client.request(listOffsetsApi, 10, { replicaId: -1, timeoutMs, topics: latest });
    expect(listed.topics[0]?.partitions[0]).toMatchObject({ errorCode: NONE, offset: 1n });
    const created = await client.request(createTopicsApi, 5, {
      timeoutMs,
      topics: [{ name: 'u', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
    });
    expect(created.topics[0]?.errorCode).toBe(NONE);
    const grown = await client.request(createPartitionsApi, 2, {
      timeoutMs,
      topics: [{ name: 'u', count: 2, assignments: null }],
      validateOnly: false,
    });
    expect(grown.results[0]?.errorCode).toBe(NONE);
    const trimmed = await client.request(deleteRecordsApi, 1, {
      timeoutMs,
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, offset: -1n }] }],
    });
    expect(trimmed.topics[0]?.partitions[0]?.errorCode).toBe(NONE);
    const deleted = await client.request(deleteTopicsApi, 5, { timeoutMs, topicNames: ['u'] });
    expect(deleted.responses[0]?.errorCode).toBe(NONE);
    expect(longestMs()).toBeLessThanOrEqual(INT32_MAX);
  });

  it('of a transaction is refused', async () => {
    const init = { transactionalId: 'x', transactionTimeoutMs: timeoutMs };
    expect((await client.request(initProducerIdApi, 2, init)).errorCode).toBe(INVALID_TRANSACTION_TIMEOUT);
  });

  it('of a member ends no group of the classic protocol early, and keeps none up', async () => {
    const join = (memberId: string, sessionTimeoutMs: number) =>
      client.request(joinGroupApi, 5, {
        groupId: 'g',
        sessionTimeoutMs,
        rebalanceTimeoutMs: timeoutMs,
        memberId,
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
      });
    const isSession = timeoutMs === INT32_MAX;
    const { errorCode, memberId } = await join('', timeoutMs);
    if (!isSession) expect(errorCode).toBe(INVALID_SESSION_TIMEOUT);
    const named = isSession ? memberId : (await join('', 10_000)).memberId;
    expect(await join(named, isSession ? timeoutMs : 10_000)).toMatchObject({ errorCode: NONE, generationId: 1 });
    expect(longestMs()).toBeLessThanOrEqual(INT32_MAX);
  });
});

describe('the longest time-outs', () => {
  it('of a fetch end with the bound', async () => {
    const partitions = [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1_000 }];
    const fetch = { maxWaitMs: INT32_MAX, minBytes: 1, maxBytes: 1_000, topics: [{ topic: 't', partitions }] };
    const waiting = client.request(fetchApi, 4, fetch);
    await eventually(() => expect(longestMs()).toBeGreaterThan(FETCH_WAIT_MS_MAX - 10_000));
    expect(longestMs()).toBeLessThanOrEqual(FETCH_WAIT_MS_MAX + 1);
    const ended = expect(waiting).rejects.toThrow('closed');
    client.close();
    await ended;
  });

  it('of a fetch for a share group end with the bound', async () => {
    const member = new ShareClient(client, 'share', 'AAAAAAAAAAAAAAAAAAAAAQ', topicId);
    await member.heartbeat(['t'], 0);
    const waiting = member.fetch([0], { maxWaitMs: INT32_MAX });
    await eventually(() => expect(longestMs()).toBeGreaterThan(FETCH_WAIT_MS_MAX - 10_000));
    expect(longestMs()).toBeLessThanOrEqual(FETCH_WAIT_MS_MAX + 1);
    const ended = expect(waiting).rejects.toThrow('closed');
    client.close();
    await ended;
  });

  it('of a group by its settings are refused, and of its members set no timer that ends at once', async () => {
    const names = ['consumer.session.timeout.ms', 'consumer.heartbeat.interval.ms', 'share.session.timeout.ms'];
    for (const name of names) {
      const configs = [{ name, configOperation: 0, value: String(INT32_MAX) }];
      const resources = [{ resourceType: 32, resourceName: 'g', configs }];
      const altered = await client.request(incrementalAlterConfigsApi, 1, { resources, validateOnly: false });
      expect([name, altered.responses[0]?.errorCode]).toEqual([name, INVALID_CONFIG]);
    }
    const heartbeat = await client.request(consumerGroupHeartbeatApi, 1, {
      groupId: 'g',
      memberId: 'AAAAAAAAAAAAAAAAAAAAAQ',
      memberEpoch: 0,
      rebalanceTimeoutMs: INT32_MAX,
      subscribedTopicNames: ['t'],
      topicPartitions: [],
    });
    expect(heartbeat.errorCode).toBe(NONE);
    expect(longestMs()).toBeLessThanOrEqual(INT32_MAX);
  });
});
