import type { ConfigDefinition, ConfigDefinitions } from './config-definition.ts';
import { bool, type ConfigValue, int, oneOf } from './config-value.ts';

/**
 * The settings of groups, by Kafka's names, with the broker's setting behind each. Those of share groups and streams
 * groups are kept; such groups are not served.
 */
export const groupConfigs = {
  'consumer.assignment.interval.ms': kept(int(0), '1000'),
  'consumer.heartbeat.interval.ms': {
    value: int(1),
    default: '5000',
    effect: 'honoured',
    brokerName: 'group.consumer.heartbeat.interval.ms',
    documentation: 'How often a member of a group of the consumer protocol reports.',
  },
  'consumer.session.timeout.ms': {
    value: int(1),
    default: '45000',
    effect: 'honoured',
    brokerName: 'group.consumer.session.timeout.ms',
    documentation: 'After what silence a member of a group of the consumer protocol is gone.',
  },
  'share.assignment.interval.ms': kept(int(0), '1000'),
  'share.auto.offset.reset': kept(offsetReset('share.auto.offset.reset'), 'latest', 'share.auto.offset.reset'),
  'share.delivery.count.limit': kept(int(2), '5'),
  'share.heartbeat.interval.ms': kept(int(1), '5000'),
  'share.isolation.level': kept(
    oneOf('read_committed', 'read_uncommitted'),
    'read_uncommitted',
    'share.isolation.level',
  ),
  'share.partition.max.record.locks': kept(int(100), '2000'),
  'share.record.lock.duration.ms': kept(int(1_000), '30000'),
  'share.renew.acknowledge.enable': kept(bool, 'true', 'share.renew.acknowledge.enable'),
  'share.session.timeout.ms': kept(int(1), '45000'),
  'streams.assignment.interval.ms': kept(int(0), '1000'),
  'streams.heartbeat.interval.ms': kept(int(1), '5000'),
  'streams.initial.rebalance.delay.ms': kept(int(0), '3000'),
  'streams.num.standby.replicas': kept(int(0), '0'),
  'streams.session.timeout.ms': kept(int(1), '45000'),
} as const satisfies ConfigDefinitions;

/** What Kafka's brokers allow of these by default. */
const bounds: Readonly<Record<string, readonly [min: number, max: number]>> = {
  'consumer.assignment.interval.ms': [0, 15_000],
  'consumer.heartbeat.interval.ms': [5_000, 15_000],
  'consumer.session.timeout.ms': [45_000, 60_000],
  'share.assignment.interval.ms': [0, 15_000],
  'share.delivery.count.limit': [2, 10],
  'share.heartbeat.interval.ms': [5_000, 15_000],
  'share.partition.max.record.locks': [100, 10_000],
  'share.record.lock.duration.ms': [15_000, 60_000],
  'share.session.timeout.ms': [45_000, 60_000],
  'streams.assignment.interval.ms': [0, 15_000],
  'streams.heartbeat.interval.ms': [5_000, 15_000],
  'streams.num.standby.replicas': [0, 2],
  'streams.session.timeout.ms': [45_000, 60_000],
};

/** The sentence that refuses a value for being outside the broker's bounds, which are checked behind the value itself. */
export function beyondBounds(name: string, value: string): string | undefined {
  const [min, max] = bounds[name] ?? [-Infinity, Infinity];
  const [kind, ...setting] = name.replace('.num.', '.').split('.');
  if (Number(value) < min) return `${name} must be greater than or equal to group.${kind}.min.${setting.join('.')}`;
  if (Number(value) > max) return `${name} must be less than or equal to group.${kind}.max.${setting.join('.')}`;
  return undefined;
}

function kept(value: ConfigValue, fallback: string, brokerName?: string): ConfigDefinition {
  const documentation = 'Taken and shown, because tools set it; nothing here depends on it.';
  return { value, default: fallback, effect: 'kept', documentation, ...(brokerName !== undefined && { brokerName }) };
}

function offsetReset(name: string): ConfigValue {
  return {
    type: 'string',
    problem: (value) =>
      /^(earliest|latest|by_duration:P.+)$/.test(value)
        ? undefined
        : `Invalid value \`${value}\` for configuration ${name}. The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.`,
  };
}
