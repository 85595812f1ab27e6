import { randomBytes } from 'node:crypto';

/** `prefix` and 12 hex digits: legal as a stream, topic, group or key name; no two tests share one. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(6).toString('hex')}`;
}
