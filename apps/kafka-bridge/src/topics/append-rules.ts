import type { Compression } from '@tailrace/kafka-protocol';
import type { Stream } from '@tailrace/shard-core';
import { hasCleanupPolicy, topicConfigs, type TopicConfigName } from './configs/topic-configs.ts';

/** What a topic's settings ask of the batches that Kafka producers send to it. */
export interface AppendRules {
  /** `undefined`: as much as the deployment takes. */
  readonly messageBytesMax: number | undefined;
  /** How far a record's time may lie from the clock, in milliseconds. */
  readonly timestampAfterMaxMs: number;
  readonly timestampBeforeMaxMs: number;
  /** Records get the time of the append. */
  readonly logAppendTime: boolean;
  /** How batches are stored; `undefined`: as the producer has compressed them. */
  readonly compression: Compression | undefined;
  /** Records without a key are refused: the topic is compacted. */
  readonly keysNeeded: boolean;
}

/** The rules follow from the settings, which a stream has for as long as it is this version. */
const rulesByStream = new WeakMap<Stream, AppendRules>();

export function appendRulesOf(stream: Stream): AppendRules {
  let rules = rulesByStream.get(stream);
  if (rules === undefined) {
    rules = rulesFrom(stream.document.configs);
    rulesByStream.set(stream, rules);
  }
  return rules;
}

function rulesFrom(configs: Readonly<Record<string, string>>): AppendRules {
  const setting = (name: TopicConfigName): string => configs[name] ?? topicConfigs[name].default;
  const messageBytesMax = configs['max.message.bytes'];
  const compression = setting('compression.type');
  return {
    messageBytesMax: messageBytesMax === undefined ? undefined : Number(messageBytesMax),
    timestampAfterMaxMs: Number(setting('message.timestamp.after.max.ms')),
    timestampBeforeMaxMs: Number(setting('message.timestamp.before.max.ms')),
    logAppendTime: setting('message.timestamp.type') === 'LogAppendTime',
    compression:
      compression === 'producer' ? undefined : compression === 'uncompressed' ? 'none' : (compression as Compression),
    keysNeeded: hasCleanupPolicy(configs, 'compact'),
  };
}
