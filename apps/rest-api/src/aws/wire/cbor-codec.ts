import { serializationException } from '../aws-error.ts';
import { readCbor } from './cbor-reader.ts';
import { CborWriter } from './cbor-writer.ts';
import { javaClass, refuseCollection } from './type-texts.ts';
import { isStructure, isWireList, type WireCodec, type WireValue } from './wire-codec.ts';

export const CBOR_MEDIA_TYPE = 'application/x-amz-cbor-1.1';

/**
 * AWS CBOR 1.1, which the Java client libraries speak unless told otherwise: blobs are byte strings, times whole
 * milliseconds under tag 1. Jackson, which those libraries read and write with, makes maps and long texts of indefinite
 * length; it reads both kinds.
 */
export const cborCodec: WireCodec = {
  mediaType: CBOR_MEDIA_TYPE,
  writer: 'toCbor',

  decode(body) {
    const value = readCbor(body);
    return isStructure(value) ? value : undefined;
  },

  /** A view of the request's body. */
  readBlob(value) {
    if (Buffer.isBuffer(value)) return value;
    refuseCollection(value);
    throw serializationException(`class ${javaClass(value)} can not be converted to a Blob`);
  },

  readTimestampMs(value) {
    if (value instanceof Date && !Number.isNaN(value.getTime())) return value.getTime();
    // Without the tag: whole milliseconds, or seconds with a fraction.
    if (typeof value === 'number' && Number.isFinite(value)) {
      return Number.isInteger(value) ? value : Math.round(value * 1000);
    }
    refuseCollection(value);
    throw serializationException(`class ${javaClass(value)} can not be converted to milliseconds since epoch`);
  },

  encode(value) {
    const writer = new CborWriter();
    writeValue(writer, value);
    return writer.finish();
  },
};

function writeValue(writer: CborWriter, value: Exclude<WireValue, undefined>): void {
  if (typeof value === 'string') writer.text(value);
  else if (typeof value === 'number') writer.number(value);
  else if (typeof value === 'boolean') writer.boolean(value);
  else if (value instanceof Date) writer.timeMs(value.getTime());
  else if (Buffer.isBuffer(value)) writer.bytes(value);
  else if (isWireList(value)) {
    writer.beginArray(value.length);
    for (const item of value) writeValue(writer, item as Exclude<WireValue, undefined>);
  } else {
    const members = value;
    let count = 0;
    for (const name in members) if (members[name] !== undefined) count++;
    writer.beginMap(count);
    for (const name in members) {
      const member = members[name];
      if (member === undefined) continue;
      writer.text(name);
      writeValue(writer, member);
    }
  }
}
