import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  alterConfigsApi,
  createTopicsApi,
  describeConfigsApi,
  errorName,
  incrementalAlterConfigsApi,
} from '@tailrace/kafka-protocol';
import { retentionMsOf, type Stream } from '@tailrace/shard-core';
import { uniqueName } from '@tailrace/testkit';
import { type DoorUnderTest, openDoorUnderTest } from '../testing/door-under-test.ts';
import type { WireClient } from '../testing/wire-client.ts';
import { createTopic } from '../topics/topic-creation.ts';

const DAY_MS = 86_400_000;
const TOPIC = 2;
const [SET, DELETE, APPEND] = [0, 1, 2];

let under: DoorUnderTest;
let client: WireClient;
beforeAll(async () => {
  under = await openDoorUnderTest({ minInsyncReplicas: 1, messageBytesMax: 2_000_000 });
  client = await under.connect();
});
afterAll(async () => {
  client.close();
  await under.close();
});

async function newTopic(configs: Record<string, string> = {}): Promise<Stream> {
  const created = await createTopic(under.catalog, { name: uniqueName('settings'), partitionCount: 1, configs });
  if (!created.ok) throw new Error(created.refusal.code);
  return created.value;
}

async function describeConfig(resourceName: string, name: string) {
  const resources = [{ resourceType: TOPIC, resourceName, configurationKeys: [name] }];
  const { results } = await client.request(describeConfigsApi, 4, { resources, includeSynonyms: true, includeDocumentation: true }); // prettier-ignore
  return results[0]?.configs[0];
}

type Change = readonly [operation: number | undefined, name: string, value: string | null];

async function change(resourceName: string, ...changes: readonly Change[]) {
  const configs = changes.map(([configOperation = SET, name, value]) => ({ name, configOperation, value }));
  const resources = [{ resourceType: TOPIC, resourceName, configs }];
  const { responses } = await client.request(incrementalAlterConfigsApi, 1, { resources, validateOnly: false });
  return errorName(responses[0]?.errorCode ?? NaN);
}

function documentOf({ name }: Stream) {
  const document = under.catalog.peek(name)?.document;
  if (document === undefined) throw new Error(`${name} is gone`);
  return document;
}

describe('settings of a topic', () => {
  it.each(['constructor', '__proto__', 'toString'])(
    'are refused by the name %s, which every object has',
    async (name) => {
      const { name: topic } = await newTopic();
      for (const operation of [SET, APPEND]) expect(await change(topic, [operation, name, '5'])).toBe('INVALID_CONFIG');
      const configs = [{ name, value: '5' }];
      const topics = [
        { name: uniqueName('settings'), numPartitions: 1, replicationFactor: 1, assignments: [], configs },
      ];
      const made = await client.request(createTopicsApi, 7, { topics, timeoutMs: 1_000, validateOnly: false });
      expect(made.topics.map(({ errorCode }) => errorName(errorCode))).toEqual(['INVALID_CONFIG']);
    },
  );

  it.each([1, 2, 3, 4])('are described with all that version %i has room for', async (version) => {
    const { name } = await newTopic({ 'retention.bytes': '5' });
    const resources = [{ resourceType: TOPIC, resourceName: name, configurationKeys: ['retention.bytes'] }];
    const asked = { includeSynonyms: true, ...(version >= 3 && { includeDocumentation: true }) };
    const { results } = await client.request(describeConfigsApi, version, { resources, ...asked });
    expect(results).toEqual([
      {
        errorCode: 0,
        errorMessage: '',
        resourceType: TOPIC,
        resourceName: name,
        configs: [
          {
            name: 'retention.bytes',
            value: '5',
            readOnly: false,
            configSource: 1,
            isSensitive: false,
            synonyms: [
              { name: 'retention.bytes', value: '5', source: 1 },
              { name: 'log.retention.bytes', value: '-1', source: 5 },
            ],
            configType: version >= 3 ? 5 : 0,
            documentation: version >= 3 ? expect.stringMatching(/^How many bytes of a partition/) : '',
          },
        ],
      },
    ]);
  });

  it('come from the deployment where it has decided', async () => {
    const { name } = await newTopic();
    expect(await describeConfig(name, 'max.message.bytes')).toMatchObject({
      value: '2000000',
      configSource: 4,
      synonyms: [
        { name: 'message.max.bytes', value: '2000000', source: 4 },
        { name: 'message.max.bytes', value: '1048588', source: 5 },
      ],
    });
  });

  it('change one by one, all of a request or none', async () => {
    const topic = await newTopic({ 'segment.ms': '5' });
    expect(await change(topic.name, [SET, 'flush.ms', '7'], [DELETE, 'segment.ms', null], [APPEND, 'cleanup.policy', 'compact'])).toBe('NONE'); // prettier-ignore
    expect(documentOf(topic).configs).toEqual({ 'flush.ms': '7', 'cleanup.policy': 'delete,compact' });
    expect(await change(topic.name, [SET, 'flush.ms', '8'], [SET, 'no.such', '1'])).toBe('INVALID_CONFIG');
    expect(documentOf(topic).configs).toEqual({ 'flush.ms': '7', 'cleanup.policy': 'delete,compact' });
  });

  it('are replaced as a whole by AlterConfigs', async () => {
    for (const version of [0, 1, 2]) {
      const topic = await newTopic({ 'segment.ms': '5', 'flush.ms': '6' });
      const alter = async (configs: { name: string; value: string | null }[], validateOnly: boolean) => {
        const resources = [{ resourceType: TOPIC, resourceName: topic.name, configs }];
        const { responses } = await client.request(alterConfigsApi, version, { resources, validateOnly });
        return errorName(responses[0]?.errorCode ?? NaN);
      };
      expect(await alter([{ name: 'flush.ms', value: '9' }], true)).toBe('NONE');
      expect(documentOf(topic).configs).toEqual({ 'segment.ms': '5', 'flush.ms': '6' });
      expect(await alter([{ name: 'flush.ms', value: '9' }], false)).toBe('NONE');
      expect(documentOf(topic).configs).toEqual({ 'flush.ms': '9' });
      expect(await alter([{ name: 'flush.ms', value: null }], false)).toBe('INVALID_REQUEST');
    }
  });

  it('survive changes by several at once', async () => {
    const topic = await newTopic();
    const names = ['flush.ms', 'segment.ms', 'retention.bytes', 'delete.retention.ms', 'index.interval.bytes'];
    const codes = await Promise.all(names.map((name) => change(topic.name, [SET, name, '100'])));
    expect(codes).toEqual(names.map(() => 'NONE'));
    expect(documentOf(topic).configs).toEqual(Object.fromEntries(names.map((name) => [name, '100'])));
  });

  it('take 64 KiB in all', async () => {
    const topic = await newTopic();
    const value = (bytes: number) => `0:${'1'.repeat(bytes - 2 - 'leader.replication.throttled.replicas'.length)}`;
    expect(await change(topic.name, [SET, 'leader.replication.throttled.replicas', value(65_536)])).toBe('NONE');
    expect(await change(topic.name, [SET, 'leader.replication.throttled.replicas', value(65_537)])).toBe('INVALID_CONFIG'); // prettier-ignore
  });
});

describe('retention.ms', () => {
  it('is the retention period of the stream', async () => {
    const topic = await newTopic();
    expect(documentOf(topic).retentionMs).toBe(7 * DAY_MS);
    for (const [value, expected] of [
      ['3600000', 3_600_000],
      ['-1', undefined],
    ] as const) {
      await change(topic.name, [SET, 'retention.ms', value]);
      expect(retentionMsOf(under.catalog.peek(topic.name) as Stream)).toBe(expected);
      expect(documentOf(topic).retentionMs).toBe(expected ?? Number.MAX_SAFE_INTEGER);
    }
    await change(topic.name, [DELETE, 'retention.ms', null]);
    expect([documentOf(topic).configs, documentOf(topic).retentionMs]).toEqual([{}, 7 * DAY_MS]);
  });

  it('shows what was set through the other door, and goes back to the default of that door', async () => {
    const name = uniqueName('kinesis');
    const made = await under.catalog.create({ name, shardCount: 1, mode: 'ON_DEMAND', origin: 'kinesis' });
    if (!made.ok) throw new Error(made.refusal.code);
    expect(await describeConfig(name, 'retention.ms')).toMatchObject({ value: String(DAY_MS), configSource: 1 });
    await under.catalog.update(name, (document) => ({ ...document, retentionMs: 2 * DAY_MS }));
    expect(await describeConfig(name, 'retention.ms')).toMatchObject({ value: String(2 * DAY_MS), configSource: 1 });
    await change(name, [SET, 'flush.ms', '1']);
    expect(documentOf(made.value).retentionMs).toBe(2 * DAY_MS);
    await change(name, [DELETE, 'retention.ms', null]);
    expect(documentOf(made.value).retentionMs).toBe(DAY_MS);
  });
});
