import { parseHashKey } from '@tailrace/hashing';
import { invalidArgument } from './aws-error.ts';
import { blob } from './wire/shapes.ts';

/** Bytes of one record's data. */
export const RECORD_DATA_BYTES_MAX = 1024 * 1024;

export const recordData = blob({ max: RECORD_DATA_BYTES_MAX });

/** The pattern lets through 39 digits, of which not all are below 2^128. Throws InvalidArgumentException. */
export function checkExplicitHashKey(explicitHashKey: string | undefined): void {
  if (explicitHashKey === undefined || parseHashKey(explicitHashKey) !== undefined) return;
  throw invalidArgument(
    'Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. ' +
      `Specified value was ${explicitHashKey}`,
  );
}
