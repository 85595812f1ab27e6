import { errorCodes } from '@tailrace/kafka-protocol';
import type { Bridge } from '../../bridge.ts';
import { changeableBrokerConfigs, fixedBrokerConfigs } from './broker-configs.ts';
import { applyChanges } from './config-changes.ts';
import { type ConfigDefinition, problemWith } from './config-definition.ts';
import {
  type ConfigMap,
  ConfigRefused,
  type ConfigResource,
  type DescribedConfig,
  described,
  RESOURCE_TYPE,
  type ValueWithSource,
} from './config-resource.ts';

/** The settings for all brokers have the empty name. */
const ALL_BROKERS = '';

/**
 * The settings of brokers. Those that the deployment decides are read-only, and a change is answered as Kafka answers it
 * for settings that need a restart; the others have no effect here, and are kept for the tools that set them.
 */
export const brokerResource: ConfigResource = {
  type: RESOURCE_TYPE.broker,

  async describe(name, bridge) {
    checkBroker(name, bridge, 'describe');
    const forAll = await bridge.storedConfigs.get('broker', ALL_BROKERS);
    if (name === ALL_BROKERS)
      return describeChangeable({}, forAll).filter(({ name: one }) => forAll[one] !== undefined);
    const own = await bridge.storedConfigs.get('broker', name);
    return [...describeFixed(bridge), ...describeChangeable(own, forAll)];
  },

  async alter(name, changes, validateOnly, bridge) {
    checkBroker(name, bridge, 'alter');
    const fixed = changes.changes.filter((change) => !Object.hasOwn(changeableBrokerConfigs, change.name));
    if (fixed.length > 0) {
      const names = fixed.map((change) => change.name).join(', ');
      throw new ConfigRefused(errorCodes.INVALID_REQUEST, `Cannot update these configs dynamically: [${names}]`);
    }
    const change = (current: ConfigMap) => {
      const next = applyChanges(current, changes, changeableBrokerConfigs);
      for (const [one, value] of Object.entries(next)) {
        const problem = problemWith(changeableBrokerConfigs, one, value);
        if (problem !== undefined) throw new ConfigRefused(errorCodes.INVALID_REQUEST, problem);
      }
      return next;
    };
    if (validateOnly) change(await bridge.storedConfigs.get('broker', name));
    else await bridge.storedConfigs.change('broker', name, change);
  },

  async names({ brokers }) {
    return brokers.brokers.map(({ nodeId }) => String(nodeId));
  },
};

function checkBroker(name: string, { brokers }: Bridge, verb: 'describe' | 'alter'): void {
  if (name === ALL_BROKERS) return;
  const { nodeId } = brokers.self;
  if (name === String(nodeId)) return;
  const isNumber = /^-?\d{1,10}$/.test(name);
  const sentence =
    verb === 'describe'
      ? isNumber
        ? `Unexpected broker id, expected ${nodeId} or empty string, but received ${name}`
        : `Broker id must be an integer, but it is: ${name}`
      : isNumber
        ? `Unexpected broker id, expected ${nodeId}, but received ${name}`
        : `Node id must be an integer, but it is: ${name}`;
  throw new ConfigRefused(errorCodes.INVALID_REQUEST, sentence);
}

function describeFixed(bridge: Bridge): DescribedConfig[] {
  return Object.entries(fixedBrokerConfigs(bridge)).map(([name, { value, type, source, documentation }]) =>
    described(name, type, [{ name, value, source }], { readOnly: true, documentation }),
  );
}

function describeChangeable(own: ConfigMap, forAll: ConfigMap): DescribedConfig[] {
  return Object.entries<ConfigDefinition>(changeableBrokerConfigs).map(([name, definition]) => {
    const places: ValueWithSource[] = [];
    const [one, all] = [own[name], forAll[name]];
    if (one !== undefined) places.push({ name, value: one, source: 'broker' });
    if (all !== undefined) places.push({ name, value: all, source: 'allBrokers' });
    places.push({ name, value: definition.default, source: 'builtIn' });
    const { value, documentation } = definition;
    return described(name, value.type, places, { readOnly: false, documentation });
  });
}
