import type { Bridge } from '../../bridge.ts';
import { brokerDefaults } from './broker-defaults.ts';
import type { ConfigDefinition, ConfigDefinitions } from './config-definition.ts';
import { anyList, anyText, bool, type ConfigValue, double, int, long } from './config-value.ts';
import { topicConfigs } from './topic-configs.ts';

/** A setting of this broker that no client can change. */
export interface FixedBrokerConfig {
  readonly value: string | null;
  readonly type: ConfigValue['type'];
  readonly source: 'deployment' | 'builtIn';
  readonly documentation: string;
}

const NO_EFFECT = 'Taken and shown, because tools set it; nothing here depends on it.';

function kept(value: ConfigValue, fallback: string | null): ConfigDefinition {
  return { value, default: fallback, effect: 'kept', documentation: NO_EFFECT };
}

/**
 * The settings of a Kafka broker that can be changed while it runs and mean something that is not here: threads, buffers,
 * renewals of Kerberos tickets. All others are decided by the deployment, and read-only.
 */
export const changeableBrokerConfigs = {
  'background.threads': kept(int(1), '10'),
  'follower.replication.throttled.rate': kept(long(0), '9223372036854775807'),
  'leader.replication.throttled.rate': kept(long(0), '9223372036854775807'),
  'log.cleaner.backoff.ms': kept(long(0), '15000'),
  'log.cleaner.dedupe.buffer.size': kept(long(0), '134217728'),
  'log.cleaner.io.buffer.load.factor': kept(double(0), '0.9'),
  'log.cleaner.io.buffer.size': kept(int(0), '524288'),
  'log.cleaner.io.max.bytes.per.second': kept(double(0), '1.7976931348623157E308'),
  'log.cleaner.threads': kept(int(0), '1'),
  'num.io.threads': kept(int(1), '8'),
  'num.network.threads': kept(int(1), '3'),
  'num.recovery.threads.per.data.dir': kept(int(1), '2'),
  'num.replica.fetchers': kept(int(1), '1'),
  'replica.alter.log.dirs.io.max.bytes.per.second': kept(long(0), '9223372036854775807'),
  'sasl.kerberos.kinit.cmd': kept(anyText, '/usr/bin/kinit'),
  'sasl.kerberos.min.time.before.relogin': kept(long(0), '60000'),
  'sasl.kerberos.principal.to.local.rules': kept(anyList, 'DEFAULT'),
  'sasl.kerberos.ticket.renew.jitter': kept(double(0), '0.05'),
  'sasl.kerberos.ticket.renew.window.factor': kept(double(0), '0.8'),
} as const satisfies ConfigDefinitions;

/** The settings of this broker as the deployment has made them. */
export function fixedBrokerConfigs(bridge: Bridge): Readonly<Record<string, FixedBrokerConfig>> {
  const { options, brokers, security } = bridge;
  const { nodeId, host, port, rack } = brokers.self;
  const listener = `PLAINTEXT://${host}:${port}`;
  const fixed: Record<string, FixedBrokerConfig> = {};
  const given = (name: string, value: ConfigValue, text: string | number | boolean | null, documentation: string) => {
    fixed[name] = { value: text === null ? null : String(text), type: value.type, source: 'deployment', documentation };
  };
  const builtIn = (name: string, value: ConfigValue, text: string | number | boolean, documentation: string) => {
    fixed[name] = { value: String(text), type: value.type, source: 'builtIn', documentation };
  };
  const chosen = brokerDefaults(options);
  for (const { brokerName, value, default: fallback, documentation } of Object.values<ConfigDefinition>(topicConfigs)) {
    if (brokerName === undefined) continue;
    const text = chosen[brokerName] ?? fallback;
    fixed[brokerName] = {
      value: text,
      type: value.type,
      source: chosen[brokerName] === undefined ? 'builtIn' : 'deployment',
      documentation: `The default of topics. ${documentation}`,
    };
  }
  given('advertised.listeners', anyList, listener, 'Where clients are told to connect (TAILRACE_KAFKA_ADVERTISED).');
  given(
    'auto.create.topics.enable',
    bool,
    options.autoCreateTopics,
    'Topics are made when they are named (TAILRACE_AUTO_CREATE_TOPICS).',
  );
  given('broker.id', int(-1), nodeId, 'The node id of this bridge (TAILRACE_NODE_ID).');
  given('broker.rack', anyText, rack ?? null, 'Where this bridge stands (TAILRACE_RACK).');
  given(
    'connections.max.reauth.ms',
    long(0),
    security.authentication?.sessionMsMax ?? 0,
    'How long a client may stay without authenticating again; 0: for ever (TAILRACE_KAFKA_SESSION_MS).',
  );
  given('fetch.max.bytes', int(1024), options.fetchBytesMax, 'The largest answer to a Fetch.');
  given(
    'group.initial.rebalance.delay.ms',
    int(0),
    options.initialRebalanceDelayMs,
    'How long a new group waits for more members.',
  );
  given('group.max.session.timeout.ms', int(0), options.sessionTimeoutMsMax, 'The longest session of a group member.');
  given('group.max.size', int(1), options.groupMembersMax, 'The most members of a group.');
  given('group.min.session.timeout.ms', int(0), options.sessionTimeoutMsMin, 'The shortest session of a group member.');
  given(
    'group.share.min.record.lock.duration.ms',
    int(1_000),
    options.shareLockDurationMsMin,
    'The shortest lock of records that a share group may be set to (TAILRACE_SHARE_LOCK_DURATION_MS_MIN).',
  );
  given('listeners', anyList, listener, 'Where this bridge listens.');
  given('log.dirs', anyList, options.logDir, 'Where records lie (TAILRACE_DATA_DIR, or Redis).');
  given('node.id', int(0), nodeId, 'The node id of this bridge (TAILRACE_NODE_ID).');
  given(
    'num.partitions',
    int(1),
    options.defaultPartitions,
    'Partitions of a topic that is made without a number (TAILRACE_DEFAULT_PARTITIONS).',
  );
  given('process.roles', anyList, 'broker,controller', 'Every bridge does everything.');
  builtIn('default.replication.factor', int(1), 1, 'One bridge answers for a partition; copies are made by the store.');
  builtIn('delete.topic.enable', bool, true, 'Topics can be deleted.');
  builtIn('log.retention.hours', int(-1), 168, 'How long topics keep records for which nobody has said it.');
  return fixed;
}
