import { errorCodes } from '@tailrace/kafka-protocol';
import { type ConfigDefinitions, definitionOf } from './config-definition.ts';
import { type ConfigMap, ConfigRefused, configMapOf } from './config-resource.ts';
import { listItems } from './config-value.ts';

export type ConfigOperation = 'set' | 'delete' | 'append' | 'subtract';

/** By the numbers of IncrementalAlterConfigs. */
export const CONFIG_OPERATIONS: readonly ConfigOperation[] = ['set', 'delete', 'append', 'subtract'];

export interface ConfigChange {
  readonly name: string;
  readonly operation: ConfigOperation;
  readonly value: string | null;
}

/** `replace`: what is not named goes back to its default (AlterConfigs). `change`: it stays (IncrementalAlterConfigs). */
export interface ConfigChanges {
  readonly kind: 'replace' | 'change';
  readonly changes: readonly ConfigChange[];
}

/** What the settings of one thing may take, names and values, in bytes: they share a document with other things. */
export const CONFIG_BYTES_MAX = 64 * 1024;

/** The sentence that refuses settings for their sheer size; `undefined` where there is room. */
export function refuseSize(configs: ConfigMap): string | undefined {
  let bytes = 0;
  for (const [name, value] of Object.entries(configs)) bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  return bytes > CONFIG_BYTES_MAX
    ? `The settings take ${bytes} bytes, at most ${CONFIG_BYTES_MAX} are kept`
    : undefined;
}

/**
 * Settings as they are after the changes. Whether their values are good is for the caller to say.
 * Refuses: INVALID_REQUEST (a name twice, a null value), INVALID_CONFIG (append to, or subtract from, what is no list; too much
 * in all).
 */
export function applyChanges(
  current: ConfigMap,
  { kind, changes }: ConfigChanges,
  definitions: ConfigDefinitions,
): ConfigMap {
  checkRequest(changes);
  const next = configMapOf(kind === 'replace' ? {} : current);
  for (const { name, operation, value } of changes) {
    if (operation === 'delete') {
      delete next[name];
      continue;
    }
    // `checkRequest` has seen that it is there.
    const given = value as string;
    if (operation === 'set') {
      next[name] = given;
      continue;
    }
    const definition = definitionOf(definitions, name);
    if (definition?.value.type !== 'list') {
      const verb = operation.toUpperCase();
      throw new ConfigRefused(errorCodes.INVALID_CONFIG, `Can't ${verb} to key ${name} because its type is not LIST.`);
    }
    const items = listItems(next[name] ?? definition.default ?? '');
    const named = listItems(given);
    const result =
      operation === 'append'
        ? [...items, ...named.filter((item) => !items.includes(item))]
        : items.filter((item) => !named.includes(item));
    next[name] = result.join(',');
  }
  const tooMuch = refuseSize(next);
  if (tooMuch !== undefined) throw new ConfigRefused(errorCodes.INVALID_CONFIG, tooMuch);
  return next;
}

function checkRequest(changes: readonly ConfigChange[]): void {
  if (new Set(changes.map(({ name }) => name)).size < changes.length)
    throw new ConfigRefused(errorCodes.INVALID_REQUEST, 'Error due to duplicate config keys');
  const withoutValue = changes.filter(({ operation, value }) => operation !== 'delete' && value === null);
  if (withoutValue.length > 0) {
    const names = withoutValue.map(({ name }) => name).join(',');
    throw new ConfigRefused(errorCodes.INVALID_REQUEST, `Null value not supported for : ${names}`);
  }
}
