import { EncryptionKeyMissing, KeyRing, type NamedKey, type Store, type Stream } from '@tailrace/shard-core';
import { AwsError, invalidArgument } from './aws-error.ts';
import { string } from './wire/shapes.ts';

export const encryptionType = string({ values: ['NONE', 'KMS'] });
export const keyId = string({ min: 1, max: 2048 });

/** Starts, and stops, within 24 hours, while limits are on; each counts for itself. */
export const ENCRYPTION_CHANGES_MAX = 25;

/** What a stream is encrypted with, as answers tell; without encryption they tell nothing. */
export const ENCRYPTED = 'KMS';

const NO_KEYS = new KeyRing([]);

/** Finds the key that a request names. Throws InvalidArgumentException for what names none, and for type NONE. */
export function requestedKey(
  { EncryptionType, KeyId }: { readonly EncryptionType: string; readonly KeyId: string },
  { keyRing = NO_KEYS }: Pick<Store, 'keyRing'>,
): NamedKey {
  if (EncryptionType !== ENCRYPTED) {
    throw invalidArgument(`EncryptionType ${EncryptionType} is not valid. The only valid value is ${ENCRYPTED}.`);
  }
  const key = keyRing.find(KeyId);
  if (!key.ok && key.code === 'malformed') throw invalidArgument(`KeyId ${KeyId} is not the name of a key.`);
  return key;
}

/**
 * Before something is written to a stream: throws KMSNotFoundException when it is to be encrypted with a key that this
 * process does not have. The log would refuse it too, but as a failure of the store.
 */
export function checkEncryptionKey({ document }: Stream, { keyRing = NO_KEYS }: Pick<Store, 'keyRing'>): void {
  const { encryption } = document;
  if (encryption !== undefined && !keyRing.has(encryption.key)) throw keyNotFound(encryption.keyId);
}

/** What a failed read of encrypted records is to a client; `undefined` for any other failure. */
export function keyMissingError(error: unknown): AwsError | undefined {
  return error instanceof EncryptionKeyMissing ? keyNotFound(error.keyId) : undefined;
}

export function keyNotFound(name: string): AwsError {
  return new AwsError('KMSNotFoundException', `Key '${name}' does not exist`);
}

export function tooManyEncryptionChanges(
  change: 'started' | 'stopped',
  { streamName, account }: { readonly streamName: string; readonly account: string },
): AwsError {
  return new AwsError(
    'LimitExceededException',
    `Encryption of stream ${streamName} under account ${account} has been ${change} ${ENCRYPTION_CHANGES_MAX} times ` +
      `within 24 hours. Limit: ${ENCRYPTION_CHANGES_MAX}.`,
  );
}
