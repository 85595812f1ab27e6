import type { DescribeConfigsResponse, ErrorCode } from '@tailrace/kafka-protocol';
import type { Bridge } from '../../bridge.ts';
import { CONFIG_TYPE, type ConfigTypeName } from './config-value.ts';
import type { ConfigChanges } from './config-changes.ts';

export type DescribedConfig = DescribeConfigsResponse['results'][number]['configs'][number];

/** Where the value of a setting comes from, by the numbers of DescribeConfigs. */
export const CONFIG_SOURCE = {
  topic: 1, broker: 2, allBrokers: 3, deployment: 4, builtIn: 5, brokerLogger: 6, clientMetrics: 7, group: 8,
} as const; // prettier-ignore

export type ConfigSourceName = keyof typeof CONFIG_SOURCE;

/** What has settings, by the numbers of DescribeConfigs. */
export const RESOURCE_TYPE = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 } as const;

/** Settings as they are kept: by name, only those that were set. */
export type ConfigMap = Readonly<Record<string, string>>;

/** Settings to be changed. Names come from clients: none means more here than another, `__proto__` neither. */
export function configMapOf(configs: ConfigMap): Record<string, string> {
  return Object.assign(Object.create(null) as Record<string, string>, configs);
}

/** A kind of thing that has settings. What it refuses it throws as `ConfigRefused`; it throws StoreUnavailable. */
export interface ConfigResource {
  readonly type: number;
  describe(name: string, bridge: Bridge): Promise<readonly DescribedConfig[]>;
  alter(name: string, changes: ConfigChanges, validateOnly: boolean, bridge: Bridge): Promise<void>;
  /** The names of all things of this kind that have settings. */
  names(bridge: Bridge): Promise<readonly string[]>;
}

export class ConfigRefused extends Error {
  readonly errorCode: ErrorCode;

  constructor(errorCode: ErrorCode, message: string) {
    super(message);
    this.errorCode = errorCode;
  }
}

export interface ValueWithSource {
  readonly name: string;
  readonly value: string | null;
  readonly source: ConfigSourceName;
}

/** A setting in the form of DescribeConfigs. The value that counts is that of the first place that sets it. */
export function described(
  name: string,
  type: ConfigTypeName,
  places: readonly ValueWithSource[],
  { readOnly, documentation }: { readonly readOnly: boolean; readonly documentation: string },
): DescribedConfig {
  const isSensitive = type === 'password';
  const shown = (value: string | null) => (isSensitive ? null : value);
  return {
    name,
    value: shown(places[0]?.value ?? null),
    readOnly,
    configSource: CONFIG_SOURCE[places[0]?.source ?? 'builtIn'],
    isSensitive,
    synonyms: places
      .filter(({ value }) => value !== null)
      .map((place) => ({ name: place.name, value: shown(place.value), source: CONFIG_SOURCE[place.source] })),
    configType: CONFIG_TYPE[type],
    documentation,
  };
}
