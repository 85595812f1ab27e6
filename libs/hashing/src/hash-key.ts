import { hash } from 'node:crypto';

/** The largest hash key, 2^128 − 1. Hash ranges are inclusive at both ends. */
export const HASH_KEY_MAX = (1n << 128n) - 1n;

/** MD5 of the partition key's UTF-8 bytes, read as an unsigned 128-bit big-endian integer. */
export function hashKeyOf(partitionKey: string): bigint {
  return BigInt(`0x${hash('md5', partitionKey, 'hex')}`);
}

/**
 * The first 32 bits of the partition key's MD5. Enough to route a record in almost every stream: a BigInt comparison
 * costs ten times as much, and is needed only when a range boundary falls inside these 32 bits.
 */
export function hashKeyPrefix(partitionKey: string): number {
  return Number.parseInt(hash('md5', partitionKey, 'hex').slice(0, 8), 16);
}

/** Reads an explicit hash key: decimal digits without leading zeros, 0 to 2^128 − 1. `undefined` if it is not one. */
export function parseHashKey(text: string): bigint | undefined {
  if (!/^(0|[1-9]\d{0,38})$/.test(text)) return undefined;
  const value = BigInt(text);
  return value <= HASH_KEY_MAX ? value : undefined;
}
