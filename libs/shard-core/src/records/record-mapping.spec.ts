import { describe, expect, it } from '@jest/globals';
import { keyFromPartitionKey, partitionKeyFromKey } from './record-mapping.ts';

describe('partition keys and record keys', () => {
  it.each(['k', 'clé', '鍵-🔑', ' ', 'x'.repeat(256)])('carry %p there and back', (partitionKey) => {
    expect(partitionKeyFromKey(keyFromPartitionKey(partitionKey))).toEqual(partitionKey);
  });

  it.each([
    ['null', null, undefined],
    ['empty', Buffer.alloc(0), ''],
    ['not UTF-8', Buffer.from([0xff, 0x00, 0xfe]), 'base64:/wD+'],
    ['cut in the middle of a character', Buffer.from([0x61, 0xc3]), 'base64:YcM='],
    ['a byte order mark', Buffer.from([0xef, 0xbb, 0xbf, 0x61]), '\ufeffa'],
    ['above 256 characters', Buffer.from('y'.repeat(300)), 'y'.repeat(300)],
  ])('answer a Kafka key that is %s', (_, key, expected) => {
    expect(partitionKeyFromKey(key)).toEqual(expected);
  });
});
