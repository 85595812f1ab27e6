import { errorCodes } from '@tailrace/kafka-protocol';
import type { Bridge } from '../../bridge.ts';
import { CONFIG_SOURCE, ConfigRefused, type ConfigResource, RESOURCE_TYPE } from './config-resource.ts';

/** The one logger of the process, by log4j's name for it. */
const ROOT = 'root';
/** The names of log4j's levels for ours. */
const LEVEL_NAMES: Readonly<Record<string, string>> = {
  trace: 'TRACE', debug: 'DEBUG', info: 'INFO', warn: 'WARN', error: 'ERROR', fatal: 'FATAL', silent: 'OFF',
}; // prettier-ignore

/** What is logged. Changing it takes effect at once, in this process, until it ends: also as in Kafka. */
export const brokerLoggerResource: ConfigResource = {
  type: RESOURCE_TYPE.brokerLogger,

  async describe(name, { brokers, logger }) {
    if (name === '') throw new ConfigRefused(errorCodes.INVALID_REQUEST, 'Broker id must not be empty');
    const { nodeId } = brokers.self;
    if (!/^-?\d{1,10}$/.test(name))
      throw new ConfigRefused(errorCodes.INVALID_REQUEST, `Broker id must be an integer, but it is: ${name}`);
    if (name !== String(nodeId)) {
      const sentence = `Unexpected broker id, expected ${nodeId} but received ${name}`;
      throw new ConfigRefused(errorCodes.INVALID_REQUEST, sentence);
    }
    return [
      {
        name: ROOT,
        value: LEVEL_NAMES[logger.level] ?? logger.level,
        readOnly: false,
        configSource: CONFIG_SOURCE.brokerLogger,
        isSensitive: false,
        synonyms: [],
        documentation: null,
      },
    ];
  },

  async alter(name, { kind, changes }, validateOnly, bridge) {
    const { nodeId } = bridge.brokers.self;
    if (name !== String(nodeId)) {
      const sentence = `Unexpected node id. Expected ${nodeId}, but received ${name}`;
      throw new ConfigRefused(errorCodes.INVALID_REQUEST, sentence);
    }
    if (kind === 'replace')
      throw new ConfigRefused(errorCodes.INVALID_REQUEST, `Unknown resource type ${RESOURCE_TYPE.brokerLogger}`);
    const levels = changes.map(({ name: logger, operation, value }) => {
      if (logger !== ROOT) throw new ConfigRefused(errorCodes.INVALID_CONFIG, `Logger ${logger} does not exist!`);
      if (operation === 'delete') {
        const sentence = 'Removing the log level of the root logger is not allowed';
        throw new ConfigRefused(errorCodes.INVALID_REQUEST, sentence);
      }
      if (operation !== 'set') {
        const sentence = `${operation.toUpperCase()} operation is not allowed for the BROKER_LOGGER resource`;
        throw new ConfigRefused(errorCodes.INVALID_REQUEST, sentence);
      }
      return levelNamed(logger, value);
    });
    if (!validateOnly) for (const level of levels) setLevel(bridge, level);
  },

  async names({ brokers }) {
    return [String(brokers.self.nodeId)];
  },
};

function levelNamed(logger: string, value: string | null): string {
  const level = Object.keys(LEVEL_NAMES).find((one) => LEVEL_NAMES[one] === value && one !== 'silent');
  if (level !== undefined) return level;
  const known = Object.values(LEVEL_NAMES)
    .filter((name) => name !== 'OFF')
    .sort();
  const sentence = `Cannot set the log level of ${logger} to ${value} as it is not a supported log level. Valid log levels are ${known.join(', ')}`;
  throw new ConfigRefused(errorCodes.INVALID_CONFIG, sentence);
}

function setLevel({ logger }: Bridge, level: string): void {
  logger.level = level;
}
