import { serializationException } from '../aws-error.ts';

/** Throws the service's answer to a list or structure where one value belongs. */
export function refuseCollection(value: unknown): void {
  if (typeof value !== 'object') return;
  throw serializationException(
    Array.isArray(value)
      ? 'Start of list found where not expected'
      : 'Start of structure or map found where not expected.',
  );
}
