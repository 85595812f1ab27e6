import { errorCodes } from '@tailrace/kafka-protocol';
import { applyChanges } from './config-changes.ts';
import { type ConfigDefinition, type ConfigDefinitions, problemWith } from './config-definition.ts';
import {
  type ConfigMap,
  ConfigRefused,
  type ConfigResource,
  described,
  RESOURCE_TYPE,
  type ValueWithSource,
} from './config-resource.ts';
import { anyList, int, listItems } from './config-value.ts';
import { isConfigName } from './stored-configs.ts';

const INTERVAL_MS_MIN = 100;
const INTERVAL_MS_MAX = 3_600_000;

/** Subscriptions to metrics of clients (KIP-714). They are kept; no client is asked for its metrics. */
export const clientMetricsConfigs = {
  'interval.ms': {
    value: int(-2_147_483_648),
    default: '300000',
    effect: 'kept',
    documentation: 'How often clients would send their metrics.',
  },
  match: {
    value: anyList,
    default: '',
    effect: 'kept',
    documentation: 'Which clients would be asked.',
  },
  metrics: {
    value: anyList,
    default: '',
    effect: 'kept',
    documentation: 'Which metrics they would be asked for.',
  },
} as const satisfies ConfigDefinitions;

export const clientMetricsResource: ConfigResource = {
  type: RESOURCE_TYPE.clientMetrics,

  async describe(name, { storedConfigs }) {
    if (name === '')
      throw new ConfigRefused(errorCodes.INVALID_REQUEST, 'Client metrics subscription name must not be empty');
    const configs = isConfigName(name) ? await storedConfigs.get('client-metrics', name) : {};
    return Object.entries<ConfigDefinition>(clientMetricsConfigs).map(([one, definition]) => {
      const { value, default: fallback, documentation } = definition;
      const set = configs[one];
      const place: ValueWithSource = { name: one, value: set ?? fallback, source: set === undefined ? 'builtIn' : 'clientMetrics' }; // prettier-ignore
      const config = described(one, value.type, [place], { readOnly: false, documentation });
      // As Kafka, which has no setting of the broker behind these.
      return set === undefined ? { ...config, synonyms: [] } : config;
    });
  },

  async alter(name, changes, validateOnly, { storedConfigs }) {
    if (name === '') throw new ConfigRefused(errorCodes.INVALID_REQUEST, "Subscription name can't be empty");
    if (!isConfigName(name)) throw new ConfigRefused(errorCodes.INVALID_REQUEST, 'Subscription name is too long');
    const change = (current: ConfigMap) => {
      const next = applyChanges(current, changes, clientMetricsConfigs);
      check(next);
      return next;
    };
    if (validateOnly) change(await storedConfigs.get('client-metrics', name));
    else await storedConfigs.change('client-metrics', name, change);
  },

  names: ({ storedConfigs }) => storedConfigs.names('client-metrics'),
};

/** What clients can be chosen by. */
const MATCH_KEYS = new Set([
  'client_instance_id', 'client_id', 'client_software_name', 'client_software_version', 'client_source_address', 'client_source_port',
]); // prettier-ignore

/** Throws ConfigRefused: INVALID_REQUEST for names and for what lies outside the bounds, INVALID_CONFIG for what cannot be read. */
function check(configs: ConfigMap): void {
  for (const [name, value] of Object.entries(configs)) {
    if (!Object.hasOwn(clientMetricsConfigs, name))
      throw new ConfigRefused(errorCodes.INVALID_REQUEST, `Unknown client metrics configuration: ${name}`);
    const problem = problemWith(clientMetricsConfigs, name, value);
    if (problem !== undefined) throw new ConfigRefused(errorCodes.INVALID_CONFIG, problem);
  }
  const interval = configs['interval.ms'];
  if (interval !== undefined && (Number(interval) < INTERVAL_MS_MIN || Number(interval) > INTERVAL_MS_MAX)) {
    const sentence = `Invalid value ${interval} for interval.ms, interval must be between ${INTERVAL_MS_MIN} and ${INTERVAL_MS_MAX} (1 hour)`;
    throw new ConfigRefused(errorCodes.INVALID_REQUEST, sentence);
  }
  for (const pattern of listItems(configs['match'] ?? '')) {
    const [key, ...rest] = pattern.split('=');
    if (rest.length !== 1 || !MATCH_KEYS.has((key as string).trim()))
      throw new ConfigRefused(errorCodes.INVALID_CONFIG, `Illegal client matching pattern: ${pattern}`);
  }
}
