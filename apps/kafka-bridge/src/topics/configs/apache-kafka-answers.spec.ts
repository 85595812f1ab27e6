import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { describeConfigsApi, errorName, incrementalAlterConfigsApi } from '@tailrace/kafka-protocol';
import { type DoorUnderTest, openDoorUnderTest } from '../../testing/door-under-test.ts';
import type { WireClient } from '../../testing/wire-client.ts';
import { createTopic } from '../topic-creation.ts';
import { CONFIG_OPERATIONS, type ConfigOperation } from './config-changes.ts';
import { RESOURCE_TYPE } from './config-resource.ts';

interface Described {
  readonly name: string;
  readonly value: string | null;
  readonly type: number;
  readonly synonyms: readonly string[];
}

interface Asked {
  readonly type: number;
  readonly name: string;
  readonly changes: readonly (readonly [ConfigOperation, name: string, value: string | null])[];
  readonly error: string;
  readonly message: string | null;
}

const TOPIC = 'fixture-topic';
const kafka = JSON.parse(
  readFileSync(join(import.meta.dirname, '__fixtures__', 'apache-kafka-4.3.1.json'), 'utf8'),
) as {
  readonly topicConfigs: readonly Described[];
  readonly groupConfigs: readonly Described[];
  readonly clientMetricsConfigs: readonly Described[];
  readonly incremental: readonly Asked[];
};

describe('settings, against what Apache Kafka 4.3.1 has answered', () => {
  let under: DoorUnderTest;
  let client: WireClient;
  beforeAll(async () => {
    under = await openDoorUnderTest({ nodeId: 1 });
    await createTopic(under.catalog, { name: TOPIC, partitionCount: 1, configs: {} });
    client = await under.connect();
  });
  afterAll(async () => {
    client.close();
    await under.close();
  });

  async function describedBy(resourceType: number, resourceName: string): Promise<Described[]> {
    const resources = [{ resourceType, resourceName, configurationKeys: null }];
    const { results } = await client.request(describeConfigsApi, 4, { resources, includeSynonyms: true });
    const configs = results[0]?.configs ?? [];
    return configs.map(({ name, value, configType: type, synonyms }) => ({
      name,
      value,
      type,
      // Those of the deployment are ours alone.
      synonyms: synonyms.filter(({ source }) => source === 5).map((synonym) => synonym.name),
    }));
  }

  it('a topic has the same settings, types, defaults and synonyms, but for the largest batch', async () => {
    const ours = (await describedBy(RESOURCE_TYPE.topic, TOPIC)).filter(({ name }) => !name.startsWith('tailrace.'));
    const theirs = kafka.topicConfigs.map((config) =>
      config.name === 'max.message.bytes' ? { ...config, value: String(10 * 1024 * 1024 + 64 * 1024) } : config,
    );
    expect(ours).toEqual(theirs);
  });

  it('a group has the same settings, types, defaults and synonyms', async () => {
    expect(await describedBy(RESOURCE_TYPE.group, 'g')).toEqual(kafka.groupConfigs);
  });

  it('a subscription to client metrics has the same settings, types and defaults', async () => {
    expect(await describedBy(RESOURCE_TYPE.clientMetrics, 's')).toEqual(kafka.clientMetricsConfigs);
  });

  it.each(
    kafka.incremental.map((asked) => [`${asked.type} ${asked.name}: ${JSON.stringify(asked.changes)}`, asked] as const),
  )('a change is answered alike: %s', async (_, { type, name, changes, error, message }) => {
    const configs = changes.map(([operation, config, value]) => ({
      name: config,
      configOperation: CONFIG_OPERATIONS.indexOf(operation),
      value,
    }));
    const resources = [{ resourceType: type, resourceName: name, configs }];
    const { responses } = await client.request(incrementalAlterConfigsApi, 1, { resources, validateOnly: true });
    expect(responses.map((one) => [errorName(one.errorCode), one.errorMessage])).toEqual([[error, message]]);
  });

  it('a change that is only looked at changes nothing', async () => {
    expect(under.catalog.peek(TOPIC)?.document.configs).toEqual({});
  });
});
