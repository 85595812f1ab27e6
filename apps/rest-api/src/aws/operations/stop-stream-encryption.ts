import { encryptionChanged, withEncryption } from '@tailrace/shard-core';
import { invalidArgument } from '../aws-error.ts';
import {
  ENCRYPTION_CHANGES_MAX,
  encryptionType,
  keyId,
  requestedKey,
  tooManyEncryptionChanges,
} from '../encryption.ts';
import { streamArn, streamName } from '../members.ts';
import { operation } from '../operation.ts';
import { recentChanges } from '../recent-changes.ts';
import { required } from '../wire/shapes.ts';

/**
 * StopStreamEncryption: what is written to a stream from now on is stored as it comes. What lies encrypted stays so, and
 * is read as before. Of a stream that is not encrypted, no change.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_StopStreamEncryption.html
 * 1 ValidationException  2 InvalidArgumentException (no stream named, type NONE, malformed key)
 * 3 ResourceNotFoundException  4 ResourceInUseException  5 InvalidArgumentException (not the key that is in use)
 * 6 LimitExceededException (more than 25 times in 24 hours)
 */
export const stopStreamEncryption = operation({
  name: 'StopStreamEncryption',
  input: {
    StreamName: streamName,
    EncryptionType: required(encryptionType),
    KeyId: required(keyId),
    StreamARN: streamArn,
  },
  async run(input, { streams, store, catalog, limits, clock }) {
    const place = streams.nameOf(input); // 2
    const named = requestedKey(input, store); // 2
    const before = await streams.change(input, (document) => {
      const { encryption } = document;
      if (encryption === undefined) return undefined;
      // By the name it was started with, too: what an alias means changes with the ring, and a key may be lost.
      const isInUse = encryption.keyId === input.KeyId || (named.ok && encryption.key === named.id);
      if (!isInUse) {
        throw invalidArgument(
          `Stream ${place.streamName} under account ${place.account} is not encrypted with key ${input.KeyId}.`,
        ); // 5
      }
      const stops = recentChanges(document.encryptionStopsMs, clock());
      if (limits.enabled && stops.length >= ENCRYPTION_CHANGES_MAX) throw tooManyEncryptionChanges('stopped', place); // 6
      return withEncryption({ ...document, encryptionStopsMs: [...stops, clock()] }, undefined, store);
    }); // 3, 4
    await encryptionChanged(catalog, before);
    return undefined;
  },
});
