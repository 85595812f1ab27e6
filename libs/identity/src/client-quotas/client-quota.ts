/**
 * Quotas of Kafka clients: who, and how much. https://kafka.apache.org/documentation/#design_quotas
 */
export const CLIENT_QUOTA_KEYS = [
  'producer_byte_rate',
  'consumer_byte_rate',
  'request_percentage',
  'controller_mutation_rate',
] as const;

/** Bytes a second in and out; hundredths of one event loop's time; partitions made and dropped a second. */
export type ClientQuotaKey = (typeof CLIENT_QUOTA_KEYS)[number];

/** What stands for every name without a quota of its own. */
export const DEFAULT_NAME = null;

/** Whom a quota is for: a user, a client id, or both together. `null` is the default, `undefined` not said. */
export interface ClientQuotaEntity {
  /** Without `User:` before it. */
  readonly user?: string | null;
  readonly clientId?: string | null;
}

export type ClientQuotaValues = { readonly [K in ClientQuotaKey]?: number };

export interface ClientQuota {
  readonly entity: ClientQuotaEntity;
  readonly values: ClientQuotaValues;
}

/** One change of one entity's value; without a value it is removed. */
export interface ClientQuotaChange {
  readonly key: ClientQuotaKey;
  readonly value: number | undefined;
}

export const QUOTA_NAME_BYTES_MAX = 1_024;

/** A sentence about why nothing can be kept for this; `undefined` if something can. */
export function problemOfEntity({ user, clientId }: ClientQuotaEntity): string | undefined {
  if (user === undefined && clientId === undefined) return 'Invalid empty client quota entity';
  for (const name of [user, clientId]) {
    if (typeof name !== 'string') continue;
    if (name === '') return 'Client quota entity names must not be empty';
    if (Buffer.byteLength(name) > QUOTA_NAME_BYTES_MAX) return `A name is longer than ${QUOTA_NAME_BYTES_MAX} bytes`;
  }
  return undefined;
}

/** A sentence about why a value cannot be kept; `undefined` if it can. Bytes are whole, the others may have fractions. */
export function problemOfValue(key: ClientQuotaKey, value: number): string | undefined {
  if (!Number.isFinite(value) || value <= 0) return `Quota ${key} must be greater than 0`;
  const whole = key === 'producer_byte_rate' || key === 'consumer_byte_rate';
  if (whole && (!Number.isInteger(value) || value > Number.MAX_SAFE_INTEGER)) return `${key} must be a whole number`;
  return undefined;
}
