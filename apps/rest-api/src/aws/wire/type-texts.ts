import { serializationException } from '../aws-error.ts';
import { isStructure } from './wire-codec.ts';

/** The class of a JSON number in the texts of the service. */
const JAVA_NUMBER = 'com.amazon.coral.value.json.numbers.TruncatingBigNumber';

/** The class of a single value, as the service names it when that is the wrong one. Those of CBOR alone are a guess. */
export function javaClass(value: unknown): string {
  if (typeof value === 'boolean') return 'java.lang.Boolean';
  if (typeof value === 'number') return JAVA_NUMBER;
  if (Buffer.isBuffer(value)) return 'java.nio.HeapByteBuffer';
  if (value instanceof Date) return 'java.util.Date';
  return 'java.lang.String';
}

/** Throws the service's answer to a list or structure where one value belongs. */
export function refuseCollection(value: unknown): void {
  if (Array.isArray(value)) throw serializationException('Start of list found where not expected');
  if (isStructure(value)) throw serializationException('Start of structure or map found where not expected.');
}
