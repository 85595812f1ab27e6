import type { Documents } from '@tailrace/shard-core';
import type { ConfigMap } from './config-resource.ts';

export type StoredConfigKind = 'broker' | 'client-metrics' | 'group';

/** Bytes of a name in its escaped form, so that every key stays below the 1,024 bytes that a document allows. */
export const CONFIG_NAME_BYTES_MAX = 640;
/** How often a change is tried again when somebody else was faster. */
const ATTEMPTS_MAX = 16;
const PREFIX = 'kafka-config/';
const LIST_PAGE = 1_000;

/**
 * Settings of what has no document of its own: `kafka-config/<kind>/<name>`, the name escaped. Topics keep theirs with
 * their stream. Throws StoreUnavailable.
 */
export class StoredConfigs {
  readonly #documents: Documents;

  constructor(documents: Documents) {
    this.#documents = documents;
  }

  async get(kind: StoredConfigKind, name: string): Promise<ConfigMap> {
    const document = await this.#documents.get(keyOf(kind, name));
    return document === undefined ? {} : (JSON.parse(document.value) as ConfigMap);
  }

  /** `change` may be asked again for newer settings; what it throws leaves everything as it is. */
  async change(kind: StoredConfigKind, name: string, change: (current: ConfigMap) => ConfigMap): Promise<void> {
    const key = keyOf(kind, name);
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const document = await this.#documents.get(key);
      const next = change(document === undefined ? {} : (JSON.parse(document.value) as ConfigMap));
      const value = Object.keys(next).length === 0 ? undefined : JSON.stringify(next);
      if (value === undefined && document === undefined) return;
      const written = await this.#documents.write([{ key, value, expected: document?.version ?? 'absent' }]);
      if (written.ok) return;
    }
    throw new Error(`the settings of ${kind} ${name} could not be changed in ${ATTEMPTS_MAX} attempts`);
  }

  /** Everything of this kind that has settings. */
  async names(kind: StoredConfigKind): Promise<readonly string[]> {
    const prefix = `${PREFIX}${kind}/`;
    const names: string[] = [];
    for (let after: string | undefined; ;) {
      const page = await this.#documents.list(prefix, { limit: LIST_PAGE, ...(after !== undefined && { after }) });
      for (const { key } of page) names.push(decodeURIComponent(key.slice(prefix.length)));
      after = page.at(-1)?.key;
      if (page.length < LIST_PAGE) return names;
    }
  }
}

/** Whether settings can be kept under this name. */
export function isConfigName(name: string): boolean {
  return name.length <= CONFIG_NAME_BYTES_MAX && escape(name).length <= CONFIG_NAME_BYTES_MAX;
}

function keyOf(kind: StoredConfigKind, name: string): string {
  return `${PREFIX}${kind}/${escape(name)}`;
}

function escape(name: string): string {
  return encodeURIComponent(name.toWellFormed());
}
