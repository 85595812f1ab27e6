import type { ConfigDefinition, ConfigDefinitions } from './config-definition.ts';
import { bool, type ConfigValue, int, oneOf } from './config-value.ts';

/**
 * The settings of groups, by Kafka's names, with the broker's setting behind each. Those of streams groups are kept; such
 * groups are not served.
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
  'share.auto.offset.reset': share(
    offsetReset('share.auto.offset.reset'),
    'latest',
    'Where a share group begins in a partition that it has never read.',
    'share.auto.offset.reset',
  ),
  'share.delivery.count.limit': share(int(2), '5', 'After so many deliveries a record is given up.'),
  'share.heartbeat.interval.ms': share(int(1), '5000', 'How often a member of a share group reports.'),
  'share.isolation.level': share(
    oneOf('read_committed', 'read_uncommitted'),
    'read_uncommitted',
    'Whether a share group sees records of transactions that are not committed.',
    'share.isolation.level',
  ),
  'share.partition.max.record.locks': share(
    int(100),
    '2000',
    'How many records of one partition may lie between the first that is not done and the last that was handed out.',
  ),
  'share.record.lock.duration.ms': share(int(1_000), '30000', 'For how long a record is a member’s.'),
  'share.renew.acknowledge.enable': share(
    bool,
    'true',
    'Whether a member may lock its records anew.',
    'share.renew.acknowledge.enable',
  ),
  'share.session.timeout.ms': share(int(1), '45000', 'After what silence a member of a share group is gone.'),
  'streams.assignment.interval.ms': kept(int(0), '1000'),
  'streams.heartbeat.interval.ms': kept(int(1), '5000'),
  'streams.initial.rebalance.delay.ms': kept(int(0), '3000'),
  'streams.num.standby.replicas': kept(int(0), '0'),
  'streams.session.timeout.ms': kept(int(1), '45000'),
} as const satisfies ConfigDefinitions;

/** What Kafka's brokers allow of these by default; the shortest lock of records is a setting of the bridge. */
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
export function beyondBounds(
  name: string,
  value: string,
  options: { readonly shareLockDurationMsMin: number },
): string | undefined {
  const [allowed, max] = bounds[name] ?? [-Infinity, Infinity];
  const min = name === 'share.record.lock.duration.ms' ? options.shareLockDurationMsMin : allowed;
  const [kind, ...setting] = name.replace('.num.', '.').split('.');
  if (Number(value) < min) return `${name} must be greater than or equal to group.${kind}.min.${setting.join('.')}`;
  if (Number(value) > max) return `${name} must be less than or equal to group.${kind}.max.${setting.join('.')}`;
  return undefined;
}

function kept(value: ConfigValue, fallback: string, brokerName?: string): ConfigDefinition {
  const documentation = 'Taken and shown, because tools set it; nothing here depends on it.';
  return { value, default: fallback, effect: 'kept', documentation, ...(brokerName !== undefined && { brokerName }) };
}

function share(value: ConfigValue, fallback: string, documentation: string, brokerName?: string): ConfigDefinition {
  return {
    value,
    default: fallback,
    effect: 'honoured',
    documentation,
    ...(brokerName !== undefined && { brokerName }),
  };
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
