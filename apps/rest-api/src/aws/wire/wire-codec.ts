/**
 * What an operation answers, in the words of the service model. Absent members are `undefined` and are left out.
 * Bytes are Buffers, times are Dates: how they look outside is the codec's affair.
 */
export type WireValue = string | number | boolean | Buffer | Date | undefined | readonly WireValue[] | WireStructure;

/** A structure of the service model, by the names of its members. */
export type WireStructure = { readonly [member: string]: WireValue };

/**
 * One of the forms in which the AWS protocol writes a request and its answer. The rest of the door knows only this.
 */
export interface WireCodec {
  readonly mediaType: string;
  /** The faster way that an operation may have to write its answer in this form. */
  readonly writer: 'toJson' | 'toCbor';
  /** Takes a body apart; `undefined` when it is not well-formed or not a structure. */
  decode(body: Buffer): object | undefined;
  /** A blob member. Throws SerializationException. */
  readBlob(value: unknown): Buffer;
  /** A timestamp member in milliseconds since 1970. Throws SerializationException. */
  readTimestampMs(value: unknown): number;
  /** ASCII text or bytes. */
  encode(value: WireStructure): string | Buffer;
}

/** `Array.isArray` does not narrow a union with a readonly array. */
export function isWireList(value: WireValue): value is readonly WireValue[] {
  return Array.isArray(value);
}

/** Whether a decoded value is a structure or map: neither one value nor a list. */
export function isStructure(value: unknown): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !Buffer.isBuffer(value) &&
    !(value instanceof Date)
  );
}
