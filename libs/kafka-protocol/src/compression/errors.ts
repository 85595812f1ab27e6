/** The compressed bytes are damaged. `cause` has what the decompressor said. */
export class CorruptCompression extends Error {
  override readonly name = 'CorruptCompression';
}

/** The bytes would grow beyond the limit that the caller has set: they are not decompressed. */
export class UncompressedTooLarge extends Error {
  override readonly name = 'UncompressedTooLarge';

  constructor(compression: string, bytesMax: number) {
    super(`${compression} data of more than ${bytesMax} bytes when decompressed`);
  }
}
