import type { ConfigValue } from './config-value.ts';

/** What a setting changes here. */
export type ConfigEffect =
  /** As in Kafka. */
  | 'honoured'
  /** Taken, kept and shown, because clients and their tools set it; nothing here depends on it. */
  | 'kept';

/** A setting, by Kafka's name. */
export interface ConfigDefinition {
  readonly value: ConfigValue;
  /** Kafka's default, unless the deployment has its own; `null` where there is none. */
  readonly default: string | null;
  readonly effect: ConfigEffect;
  /** One sentence for people: what it is, and where it differs from Kafka, how. */
  readonly documentation: string;
  /** The setting of the broker that stands behind it. */
  readonly brokerName?: string;
}

export type ConfigDefinitions = Readonly<Record<string, ConfigDefinition>>;

/** By a name that a client sends, which may be one that every object has (`constructor`). */
export function definitionOf(definitions: ConfigDefinitions, name: string): ConfigDefinition | undefined {
  return Object.hasOwn(definitions, name) ? definitions[name] : undefined;
}

/** What is wrong with a value, as Kafka says it. */
export function problemWith(definitions: ConfigDefinitions, name: string, value: string): string | undefined {
  const kind = definitionOf(definitions, name)?.value;
  const problem = kind?.problem(value);
  if (problem === undefined) return undefined;
  return `Invalid value ${kind?.culprit?.(value) ?? value} for configuration ${name}: ${problem}`;
}
