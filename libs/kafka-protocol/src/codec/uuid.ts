/** The uuid that stands for "none": in Kafka, a topic without an id. */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA';

/** 16 bytes from `position` as 22 characters of URL-safe base64. The caller has checked that they are there. */
export function readUuid(source: Buffer, position: number): string {
  return source.toString('base64url', position, position + 16);
}

/** Writes the 16 bytes of `uuid` at `position`. Throws RangeError where it is not 22 characters of URL-safe base64. */
export function writeUuid(target: Buffer, position: number, uuid: string): void {
  if (uuid.length !== 22 || target.write(uuid, position, 16, 'base64url') !== 16)
    throw new RangeError(`${uuid} is no uuid of 22 base64url characters`);
}
