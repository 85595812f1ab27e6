import { encryptionChanged, withEncryption } from '@tailrace/shard-core';
import {
  ENCRYPTION_CHANGES_MAX,
  encryptionType,
  keyId,
  keyNotFound,
  requestedKey,
  tooManyEncryptionChanges,
} from '../encryption.ts';
import { streamArn, streamName } from '../members.ts';
import { operation } from '../operation.ts';
import { recentChanges } from '../recent-changes.ts';
import { required } from '../wire/shapes.ts';

/**
 * StartStreamEncryption: what is written to a stream from now on lies encrypted, under a key of the key ring; or under
 * another key than before. With the key that it has under this name already, no change.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_StartStreamEncryption.html
 * 1 ValidationException  2 InvalidArgumentException (no stream named, type NONE, malformed key)
 * 3 ResourceNotFoundException  4 ResourceInUseException  5 KMSNotFoundException
 * 6 LimitExceededException (more than 25 times in 24 hours)
 */
export const startStreamEncryption = operation({
  name: 'StartStreamEncryption',
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
      if (!named.ok) throw keyNotFound(input.KeyId); // 5
      const { encryption: before } = document;
      if (before?.key === named.id && before.keyId === input.KeyId) return undefined;
      const starts = recentChanges(document.encryptionStartsMs, clock());
      if (limits.enabled && starts.length >= ENCRYPTION_CHANGES_MAX) throw tooManyEncryptionChanges('started', place); // 6
      const changed = { ...document, encryptionStartsMs: [...starts, clock()] };
      return withEncryption(changed, { key: named.id, keyId: input.KeyId }, store);
    }); // 3, 4
    await encryptionChanged(catalog, before);
    return undefined;
  },
});
