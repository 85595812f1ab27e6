import { createHash } from 'node:crypto';
import { KeyRing } from '../key-ring.ts';

export const KEY_ID = 'key-1';

/** A ring of keys that follow from their ids. */
export function keyRingOf(...ids: readonly string[]): KeyRing {
  return new KeyRing(ids.map((id) => ({ id, bytes: createHash('sha256').update(id).digest() })));
}
