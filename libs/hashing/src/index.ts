export { crc32c } from './crc32c.ts';
export { HASH_KEY_MAX, hashKeyOf, hashKeyPrefix, parseHashKey } from './hash-key.ts';
export { evenHashRanges, type HashRange, rangeContains, ShardRouter } from './hash-range.ts';
export { murmur2, partitionForKey } from './murmur2.ts';
export { rendezvousOwner } from './rendezvous.ts';
