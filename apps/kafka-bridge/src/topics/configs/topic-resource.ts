import { errorCodes } from '@tailrace/kafka-protocol';
import { isStreamName, type Stream, type StreamDocument } from '@tailrace/shard-core';
import type { Bridge } from '../../bridge.ts';
import { refusalErrors } from '../../errors/refusal-errors.ts';
import { CONSUMER_OFFSETS_TOPIC } from '../internal-topics.ts';
import { explainName, retentionMsByOrigin, retentionMsOfConfig, TOPIC_RETENTION_MS } from '../topic-creation.ts';
import { brokerDefaults } from './broker-defaults.ts';
import { applyChanges, type ConfigChanges } from './config-changes.ts';
import {
  type ConfigMap,
  ConfigRefused,
  type ConfigResource,
  type DescribedConfig,
  described,
  RESOURCE_TYPE,
  type ValueWithSource,
} from './config-resource.ts';
import type { ConfigDefinition } from './config-definition.ts';
import { refuseTopicConfigs, topicConfigs } from './topic-configs.ts';

/** The settings of topics, which are kept with their streams. */
export const topicResource: ConfigResource = {
  type: RESOURCE_TYPE.topic,

  async describe(name, bridge) {
    if (!isStreamName(name)) throw new ConfigRefused(errorCodes.INVALID_TOPIC_EXCEPTION, explainName(name));
    if (name === CONSUMER_OFFSETS_TOPIC) await bridge.offsetsTopic.named();
    const stream = await bridge.catalog.find(name);
    if (stream === undefined) throw unknownTopic(name);
    return describeTopicConfigs(configsOf(stream), bridge);
  },

  async alter(name, changes, validateOnly, { catalog }) {
    if (name === '') throw new ConfigRefused(errorCodes.INVALID_REQUEST, 'Default topic resources are not allowed.');
    if (!isStreamName(name)) throw new ConfigRefused(errorCodes.INVALID_TOPIC_EXCEPTION, explainName(name));
    const outcome = await catalog.decide(name, ({ document }) => {
      const next = changed(document, changes);
      return validateOnly ? undefined : { ok: true, value: next };
    });
    if (outcome.ok) return;
    if (outcome.refusal.code === 'streamNotFound') throw unknownTopic(name);
    throw new ConfigRefused(refusalErrors[outcome.refusal.code], `Topic '${name}' is being changed by others.`);
  },

  async names({ catalog }) {
    return catalog.names();
  },
};

/** All settings of a topic that has these, in the form of DescribeConfigs. */
export function describeTopicConfigs(configs: ConfigMap, bridge: Bridge): DescribedConfig[] {
  const deployment = brokerDefaults(bridge.options);
  return Object.entries<ConfigDefinition>(topicConfigs).map(([name, definition]) => {
    const { brokerName } = definition;
    const places: ValueWithSource[] = [];
    const set = configs[name];
    if (set !== undefined) places.push({ name, value: set, source: 'topic' });
    if (brokerName !== undefined) {
      const given = deployment[brokerName];
      if (given !== undefined) places.push({ name: brokerName, value: given, source: 'deployment' });
      places.push({ name: brokerName, value: definition.default, source: 'builtIn' });
    }
    const { type } = definition.value;
    const { documentation } = definition;
    if (places.length > 0) return described(name, type, places, { readOnly: false, documentation });
    // As Kafka, which names no synonym where no setting of the broker stands behind the topic's.
    const builtIn = [{ name, value: definition.default, source: 'builtIn' }] as const;
    return { ...described(name, type, builtIn, { readOnly: false, documentation }), synonyms: [] };
  });
}

/** What is set of a topic. A retention period that was set through the other door is shown as `retention.ms`. */
function configsOf({ document: { configs, retentionMs } }: Stream): ConfigMap {
  if (configs['retention.ms'] !== undefined || retentionMs === TOPIC_RETENTION_MS) return configs;
  return { ...configs, 'retention.ms': retentionMs === Number.MAX_SAFE_INTEGER ? '-1' : String(retentionMs) };
}

/** The document with its settings changed. The retention period, which both doors see, follows `retention.ms`. */
function changed(document: StreamDocument, changes: ConfigChanges): StreamDocument {
  const configs = applyChanges(document.configs, changes, topicConfigs);
  const problem = refuseTopicConfigs(configs);
  if (problem !== undefined) throw new ConfigRefused(errorCodes.INVALID_CONFIG, problem);
  const [before, after] = [document.configs['retention.ms'], configs['retention.ms']];
  const forgotten = after === undefined && (before !== undefined || names(changes, 'retention.ms'));
  if (forgotten) return { ...document, configs, retentionMs: retentionMsByOrigin(document.origin) };
  return after === undefined || after === before
    ? { ...document, configs }
    : { ...document, configs, retentionMs: retentionMsOfConfig(after) };
}

function names({ changes }: ConfigChanges, wanted: string): boolean {
  return changes.some(({ name }) => name === wanted);
}

function unknownTopic(name: string): ConfigRefused {
  return new ConfigRefused(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${name}' does not exist.`);
}
