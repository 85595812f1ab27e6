import { errorCodes } from '@tailrace/kafka-protocol';
import type { Bridge } from '../../bridge.ts';
import { applyChanges } from './config-changes.ts';
import { type ConfigDefinition, problemWith } from './config-definition.ts';
import {
  type ConfigMap,
  ConfigRefused,
  type ConfigResource,
  described,
  RESOURCE_TYPE,
  type ValueWithSource,
} from './config-resource.ts';
import { beyondBounds, groupConfigs } from './group-configs.ts';
import { isConfigName } from './stored-configs.ts';

/** The settings of groups, which may have them before there is such a group. */
export const groupResource: ConfigResource = {
  type: RESOURCE_TYPE.group,

  async describe(name, { storedConfigs }) {
    if (name === '') throw new ConfigRefused(errorCodes.INVALID_REQUEST, 'Group name must not be empty');
    const configs = isConfigName(name) ? await storedConfigs.get('group', name) : {};
    return Object.entries<ConfigDefinition>(groupConfigs).map(([one, definition]) => {
      const places: ValueWithSource[] = [];
      const set = configs[one];
      if (set !== undefined) places.push({ name: one, value: set, source: 'group' });
      places.push({ name: definition.brokerName ?? `group.${one}`, value: definition.default, source: 'builtIn' });
      const { documentation } = definition;
      return described(one, definition.value.type, places, { readOnly: false, documentation });
    });
  },

  async alter(name, changes, validateOnly, { storedConfigs, options }) {
    if (name === '') throw new ConfigRefused(errorCodes.INVALID_REQUEST, 'Default group resources are not allowed.');
    if (!isConfigName(name)) throw new ConfigRefused(errorCodes.INVALID_REQUEST, 'Group name is too long');
    const change = (current: ConfigMap) => {
      const next = applyChanges(current, changes, groupConfigs);
      const problem = refuse(next, options);
      if (problem !== undefined) throw new ConfigRefused(errorCodes.INVALID_CONFIG, problem);
      return next;
    };
    if (validateOnly) change(await storedConfigs.get('group', name));
    else await storedConfigs.change('group', name, change);
  },

  names: ({ storedConfigs }) => storedConfigs.names('group'),
};

function refuse(configs: ConfigMap, options: Bridge['options']): string | undefined {
  for (const [name, value] of Object.entries(configs)) {
    if (!Object.hasOwn(groupConfigs, name)) return `Unknown group config name: ${name}`;
    const problem = problemWith(groupConfigs, name, value) ?? beyondBounds(name, value, options);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
