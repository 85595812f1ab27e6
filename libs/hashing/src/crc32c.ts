import { crc32c as nativeCrc32c } from '@node-rs/crc32';

/**
 * CRC-32C (Castagnoli) of a byte range, as an unsigned 32-bit integer.
 * The native implementation does 5 GB/s on one core; a slice-by-8 table in JavaScript does 1 GB/s.
 */
export function crc32c(bytes: Uint8Array, initial?: number): number {
  return nativeCrc32c(bytes, initial);
}
