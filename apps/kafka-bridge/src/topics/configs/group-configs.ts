import type { ConfigDefinitions } from './config-definition.ts';
import { bool, int, oneOf } from './config-value.ts';

/** Bounds of what a group of the consumer protocol may set, as Kafka's brokers have them by default. */
const CONSUMER_SESSION_MS = [45_000, 60_000] as const;
const CONSUMER_HEARTBEAT_MS = [5_000, 15_000] as const;

/**
 * The settings of groups, by Kafka's names, with the broker's setting behind each. Those of share groups and streams
 * groups are kept; such groups are not served.
 */
export const groupConfigs = {
  'consumer.assignment.interval.ms': kept(int(0, 15_000), '1000', 'group.consumer.assignment.interval.ms'),
  'consumer.heartbeat.interval.ms': {
    value: int(1),
    default: '5000',
    effect: 'kept',
    brokerName: 'group.consumer.heartbeat.interval.ms',
    documentation: 'How often a member of a group of the consumer protocol reports.',
  },
  'consumer.session.timeout.ms': {
    value: int(1),
    default: '45000',
    effect: 'kept',
    brokerName: 'group.consumer.session.timeout.ms',
    documentation: 'After what silence a member of a group of the consumer protocol is gone.',
  },
  'share.assignment.interval.ms': kept(int(0, 15_000), '1000', 'group.share.assignment.interval.ms'),
  'share.auto.offset.reset': kept(oneOf('latest', 'earliest'), 'latest', 'share.auto.offset.reset'),
  'share.delivery.count.limit': kept(int(2, 10), '5', 'group.share.delivery.count.limit'),
  'share.heartbeat.interval.ms': kept(int(5_000, 15_000), '5000', 'group.share.heartbeat.interval.ms'),
  'share.isolation.level': kept(
    oneOf('read_committed', 'read_uncommitted'),
    'read_uncommitted',
    'share.isolation.level',
  ),
  'share.partition.max.record.locks': kept(int(100, 10_000), '2000', 'group.share.partition.max.record.locks'),
  'share.record.lock.duration.ms': kept(int(15_000, 60_000), '30000', 'group.share.record.lock.duration.ms'),
  'share.renew.acknowledge.enable': kept(bool, 'true', 'share.renew.acknowledge.enable'),
  'share.session.timeout.ms': kept(int(45_000, 60_000), '45000', 'group.share.session.timeout.ms'),
  'streams.assignment.interval.ms': kept(int(0, 15_000), '1000', 'group.streams.assignment.interval.ms'),
  'streams.heartbeat.interval.ms': kept(int(5_000, 15_000), '5000', 'group.streams.heartbeat.interval.ms'),
  'streams.initial.rebalance.delay.ms': kept(int(0), '3000', 'group.streams.initial.rebalance.delay.ms'),
  'streams.num.standby.replicas': kept(int(0, 2), '0', 'group.streams.num.standby.replicas'),
  'streams.session.timeout.ms': kept(int(45_000, 60_000), '45000', 'group.streams.session.timeout.ms'),
} as const satisfies ConfigDefinitions;

function kept(
  value: ConfigDefinitions[string]['value'],
  fallback: string,
  brokerName: string,
): ConfigDefinitions[string] {
  const documentation = 'Taken and shown, because tools set it; nothing here depends on it.';
  return { value, default: fallback, effect: 'kept', brokerName, documentation };
}

/** The sentence that refuses a value for being outside the broker's bounds, which are checked behind the value itself. */
export function beyondBounds(name: string, value: string): string | undefined {
  const bounds = boundsOf(name);
  if (bounds === undefined) return undefined;
  const [min, max] = bounds;
  const setting = name.slice('consumer.'.length);
  if (Number(value) < min) return `${name} must be greater than or equal to group.consumer.min.${setting}`;
  if (Number(value) > max) return `${name} must be less than or equal to group.consumer.max.${setting}`;
  return undefined;
}

function boundsOf(name: string): readonly [min: number, max: number] | undefined {
  if (name === 'consumer.session.timeout.ms') return CONSUMER_SESSION_MS;
  return name === 'consumer.heartbeat.interval.ms' ? CONSUMER_HEARTBEAT_MS : undefined;
}
