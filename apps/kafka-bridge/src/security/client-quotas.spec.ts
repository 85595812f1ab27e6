import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  alterClientQuotasApi,
  createTopicsApi,
  describeClientQuotasApi,
  errorCodes,
  fetchApi,
  metadataApi,
  produceApi,
} from '@tailrace/kafka-protocol';
import { type DoorUnderTest, openDoorUnderTest } from '../testing/door-under-test.ts';
import { batchOf } from '../testing/records.ts';
import type { WireClient } from '../testing/wire-client.ts';

const { INVALID_REQUEST, NONE, UNSUPPORTED_VERSION } = errorCodes;
const KIB = 1024;

describe('quotas of clients', () => {
  let under: DoorUnderTest;
  let admin: WireClient;

  const alter = async (
    entity: readonly (readonly [string, string | null])[],
    values: Readonly<Record<string, number | null>>,
  ) => {
    const { entries } = await admin.request(alterClientQuotasApi, 1, {
      entries: [
        {
          entity: entity.map(([entityType, entityName]) => ({ entityType, entityName })),
          ops: Object.entries(values).map(([key, value]) => ({ key, value: value ?? 0, remove: value === null })),
        },
      ],
      validateOnly: false,
    });
    return entries.map(({ errorCode }) => errorCode);
  };
  const produce = async (client: WireClient, bytes: number) => {
    const records = batchOf(['x'.repeat(bytes)]);
    const topicData = [{ name: 'quota', partitionData: [{ index: 0, records }] }];
    const answer = await client.request(produceApi, 9, { transactionalId: null, acks: 1, timeoutMs: 1_000, topicData });
    expect(answer.responses[0]?.partitionResponses[0]?.errorCode).toBe(NONE);
    return answer.throttleTimeMs;
  };

  beforeAll(async () => {
    under = await openDoorUnderTest();
    admin = await under.connect('admin');
    await admin.request(metadataApi, 9, { topics: [{ name: 'quota' }], allowAutoTopicCreation: true });
  });
  afterAll(() => under.close());

  it('slow down a producer of that client id alone, and are told as they are kept', async () => {
    expect(await alter([['client-id', 'busy']], { producer_byte_rate: 64 * KIB })).toEqual([NONE]);
    const [busy, other] = [await under.connect('busy'), await under.connect('other')];
    expect(await produce(busy, 32 * KIB)).toBe(0);
    const throttled = await produce(busy, 96 * KIB);
    expect(throttled).toBeGreaterThan(500);
    expect(throttled).toBeLessThanOrEqual(1_100);
    expect(await produce(other, 256 * KIB)).toBe(0);
    // The connection is not read from meanwhile.
    const asked = performance.now();
    await busy.request(metadataApi, 9, { topics: [], allowAutoTopicCreation: false });
    expect(performance.now() - asked).toBeGreaterThan(throttled * 0.8);
    const described = await admin.request(describeClientQuotasApi, 1, { components: [], strict: false });
    expect(described.entries).toEqual([
      {
        entity: [{ entityType: 'client-id', entityName: 'busy' }],
        values: [{ key: 'producer_byte_rate', value: 64 * KIB }],
      },
    ]);
    expect(await alter([['client-id', 'busy']], { producer_byte_rate: null })).toEqual([NONE]);
    expect(await produce(busy, 256 * KIB)).toBe(0);
    const none = await admin.request(describeClientQuotasApi, 1, { components: [], strict: false });
    expect(none.entries).toEqual([]);
    busy.close();
    other.close();
  });

  it("count a user's clients together, and what is read", async () => {
    await alter([['user', 'ANONYMOUS']], { consumer_byte_rate: 32 * KIB });
    const fetch = async (clientId: string) => {
      const client = await under.connect(clientId);
      const partitions = [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 40 * KIB }];
      const answer = await client.request(fetchApi, 11, {
        maxWaitMs: 0,
        minBytes: 1,
        topics: [{ topic: 'quota', partitions }],
      });
      client.close();
      return answer.throttleTimeMs;
    };
    await fetch('one');
    expect(await fetch('two')).toBeGreaterThan(300);
    await alter([['user', 'ANONYMOUS']], { consumer_byte_rate: null });
  });

  it('slow down who makes topics', async () => {
    await alter([['client-id', null]], { controller_mutation_rate: 1 });
    const maker = await under.connect('maker');
    const make = (name: string) =>
      maker.request(createTopicsApi, 5, {
        topics: [{ name, numPartitions: 3, replicationFactor: 1, assignments: [], configs: [] }],
      });
    const made = await make('mutation-1');
    expect(made.topics.map(({ errorCode }) => errorCode)).toEqual([NONE]);
    expect(made.throttleTimeMs).toBeGreaterThan(1_000);
    await alter([['client-id', null]], { controller_mutation_rate: null });
    maker.close();
  });

  it("bound the time that a client's requests take", async () => {
    await alter([['client-id', 'chatty']], { request_percentage: 0.01 });
    const chatty = await under.connect('chatty');
    let throttled = 0;
    for (let i = 0; i < 5 && throttled === 0; i++) {
      const answer = await chatty.request(metadataApi, 9, {
        topics: [{ name: 'quota' }],
        allowAutoTopicCreation: false,
      });
      throttled = answer.throttleTimeMs;
    }
    expect(throttled).toBeGreaterThan(0);
    chatty.close();
    await alter([['client-id', 'chatty']], { request_percentage: null });
    await delay(0);
  });

  it.each([
    ['no entity', [], { producer_byte_rate: 1 }],
    ['an unknown part', [['group', 'a']], { producer_byte_rate: 1 }],
    ['an address', [['ip', '1.2.3.4']], { connection_creation_rate: 1 }],
    [
      'a part twice',
      [
        ['user', 'a'],
        ['user', 'b'],
      ],
      { producer_byte_rate: 1 },
    ],
    ['an empty name', [['user', '']], { producer_byte_rate: 1 }],
    ['an unknown key', [['user', 'a']], { bytes: 1 }],
    ['nothing a second', [['user', 'a']], { producer_byte_rate: 0 }],
    ['half a byte', [['user', 'a']], { producer_byte_rate: 0.5 }],
    ['no number', [['user', 'a']], { request_percentage: Number.NaN }],
  ] as [string, [string, string | null][], Record<string, number>][])(
    'are refused for %s',
    async (_what, entity, values) => {
      expect(await alter(entity, values)).toEqual([INVALID_REQUEST]);
      const { entries } = await admin.request(describeClientQuotasApi, 1, { components: [], strict: false });
      expect(entries).toEqual([]);
    },
  );

  it("are found by Kafka's filters", async () => {
    await alter([['user', 'a']], { producer_byte_rate: 1 });
    await alter([['user', null]], { producer_byte_rate: 2 });
    await alter(
      [
        ['user', 'a'],
        ['client-id', 'c'],
      ],
      { producer_byte_rate: 3 },
    );
    const find = async (
      components: { entityType: string; matchType: number; match: string | null }[],
      strict: boolean,
    ) => {
      const { errorCode, entries } = await admin.request(describeClientQuotasApi, 1, { components, strict });
      return errorCode === NONE ? (entries ?? []).map(({ values }) => values[0]?.value).sort() : errorCode;
    };
    expect(await find([{ entityType: 'user', matchType: 0, match: 'a' }], false)).toEqual([1, 3]);
    expect(await find([{ entityType: 'user', matchType: 0, match: 'a' }], true)).toEqual([1]);
    expect(await find([{ entityType: 'user', matchType: 1, match: null }], false)).toEqual([2]);
    expect(await find([{ entityType: 'user', matchType: 2, match: null }], true)).toEqual([1, 2]);
    expect(await find([{ entityType: 'client-id', matchType: 2, match: null }], false)).toEqual([3]);
    expect(await find([{ entityType: 'ip', matchType: 2, match: null }], false)).toEqual([]);
    expect(await find([{ entityType: 'group', matchType: 2, match: null }], false)).toBe(UNSUPPORTED_VERSION);
    expect(await find([{ entityType: 'user', matchType: 0, match: null }], false)).toBe(INVALID_REQUEST);
    expect(await find([{ entityType: 'user', matchType: 3, match: null }], false)).toBe(INVALID_REQUEST);
  });

  it('take the last of many changes of one entity in a request', async () => {
    const change = (value: number) => ({
      entity: [{ entityType: 'client-id', entityName: 'many-times' }],
      ops: [{ key: 'producer_byte_rate', value, remove: false }],
    });
    const changes = Array.from({ length: 100 }, (_, i) => change(1_000 + i));
    const { entries } = await admin.request(alterClientQuotasApi, 1, { entries: changes, validateOnly: false });
    expect(entries.map(({ errorCode }) => errorCode)).toEqual(changes.map(() => NONE));
    const described = await admin.request(describeClientQuotasApi, 1, {
      components: [{ entityType: 'client-id', matchType: 0, match: 'many-times' }],
      strict: false,
    });
    expect(described.entries?.map(({ values }) => values.map(({ value }) => value))).toEqual([[1_099]]);
  });
});
