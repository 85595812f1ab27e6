import { randomFillSync, randomUUID } from 'node:crypto';

/** What the service's own extended id has. */
const EXTENDED_ID_BYTES = 72;
/** One call for random bytes costs as much as drawing some thousand: they are drawn ahead. */
const pool = Buffer.allocUnsafeSlow(EXTENDED_ID_BYTES * 128);
let used = pool.length;

/** The id by which a client and our log speak of the same request: a UUID. */
export function newRequestId(): string {
  return randomUUID();
}

/** `x-amz-id-2`: 96 characters of base64. */
export function newExtendedRequestId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  return pool.toString('base64', used, (used += EXTENDED_ID_BYTES));
}
