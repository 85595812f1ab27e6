/** The media type that the Java client libraries ask for by default. Requests in it are refused, readably. */
export const CBOR_MEDIA_TYPE = 'application/x-amz-cbor-1.1';

const TEXT_STRING = 0x60;
const MAP = 0xa0;

/** An error as a CBOR map of `__type` and `message`, so that a client which speaks CBOR can show what it says. */
export function encodeCborError(type: string, message: string): Buffer {
  return Buffer.concat([Buffer.of(MAP | 2), text('__type'), text(type), text('message'), text(message)]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  const head =
    bytes.length < 24
      ? Buffer.of(TEXT_STRING | bytes.length)
      : bytes.length < 0x100
        ? Buffer.of(TEXT_STRING | 24, bytes.length)
        : Buffer.of(TEXT_STRING | 25, bytes.length >> 8, bytes.length & 0xff);
  return Buffer.concat([head, bytes]);
}
