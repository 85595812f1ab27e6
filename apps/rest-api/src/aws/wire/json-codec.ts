import { serializationException } from '../aws-error.ts';
import { javaClass, refuseCollection } from './type-texts.ts';
import { isWireList, type WireCodec, type WireValue } from './wire-codec.ts';

export const JSON_MEDIA_TYPE = 'application/x-amz-json-1.1';

/** AWS JSON 1.1: blobs in base64, times as seconds with a fraction. */
export const jsonCodec: WireCodec = {
  mediaType: JSON_MEDIA_TYPE,
  writer: 'toJson',

  decode(body) {
    let value: unknown;
    try {
      value = JSON.parse(body.toString());
    } catch {
      return undefined;
    }
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  },

  readBlob(value) {
    if (typeof value !== 'string') {
      refuseCollection(value);
      throw serializationException(`class ${javaClass(value)} can not be converted to a Blob`);
    }
    return decodeBase64(value);
  },

  readTimestampMs(value) {
    if (typeof value !== 'number') {
      refuseCollection(value);
      throw serializationException(`class ${javaClass(value)} can not be converted to milliseconds since epoch`);
    }
    return Math.round(value * 1000);
  },

  encode(value) {
    const text = writeValue(value);
    // The door writes text as one byte a character.
    return isAscii(text) ? text : Buffer.from(text, 'utf8');
  },
};

/** Strict, as the service is: no white space, no URL alphabet, the padding in place. */
function decodeBase64(text: string): Buffer {
  const { length } = text;
  if (length % 4 !== 0) {
    throw notBase64(text, `Base64 encoded length is expected a multiple of 4 bytes but found: ${length}`);
  }
  const padding = length === 0 || !text.endsWith('=') ? 0 : text.endsWith('==') ? 2 : 1;
  const bytes = Buffer.from(text, 'base64');
  // Node passes over what is not base64, and then there are fewer bytes.
  if (bytes.length !== (length / 4) * 3 - padding || text.includes('-') || text.includes('_')) {
    const wrong = /[^a-zA-Z0-9+/=]|=(?=[^=])/.exec(text)?.[0] ?? '=';
    throw notBase64(text, `Invalid Base64 character: '${wrong}'`);
  }
  if (padding > 0 && bytes.toString('base64', bytes.length - 3 + padding) !== text.slice(-4)) {
    throw notBase64(text, 'Invalid last non-pad Base64 character dectected');
  }
  return bytes;
}

function notBase64(text: string, reason: string): Error {
  return serializationException(`'${text}' can not be converted to a Blob: ${reason}`);
}

function writeValue(value: WireValue): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value instanceof Date) return String(value.getTime() / 1000);
  if (Buffer.isBuffer(value)) return `"${value.toString('base64')}"`;
  if (isWireList(value)) return `[${value.map(writeValue).join(',')}]`;
  const members: string[] = [];
  for (const [name, member] of Object.entries(value ?? {})) {
    if (member !== undefined) members.push(`"${name}":${writeValue(member)}`);
  }
  return `{${members.join(',')}}`;
}

function isAscii(text: string): boolean {
  return /^[\x00-\x7f]*$/.test(text);
}
