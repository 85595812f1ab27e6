import { describe, expect, it } from '@jest/globals';
import { memoryStore } from '../../test/memory-store.ts';
import { SealedTokens } from './sealed-tokens.ts';

describe('SealedTokens', () => {
  it('opens in any process what any other of the deployment has sealed, though both make the key at once', async () => {
    const { documents } = memoryStore();
    const [one, two] = await Promise.all([SealedTokens.open(documents), SealedTokens.open(documents)]);
    const later = await SealedTokens.open(documents);
    const token = one.seal('a', Buffer.from('contents'));
    for (const tokens of [one, two, later]) expect(tokens.open('a', token)?.toString()).toBe('contents');
  });

  it('opens nothing of another deployment, for another purpose, or that was altered', async () => {
    const ours = await SealedTokens.open(memoryStore().documents);
    const theirs = await SealedTokens.open(memoryStore().documents);
    const token = ours.seal('a', Buffer.from('contents'));
    expect(theirs.open('a', token)).toBe(undefined);
    expect(ours.open('b', token)).toBe(undefined);
    expect(ours.open('a', `${token}AAAA`)).toBe(undefined);
    expect(ours.open('a', 'A'.repeat(5000))).toBe(undefined);
  });

  it('keeps contents of every length', async () => {
    const tokens = await SealedTokens.open(memoryStore().documents);
    for (let length = 0; length < 50; length++) {
      const token = tokens.seal('a', Buffer.alloc(length, 7));
      expect((Buffer.from(token, 'base64').length - 8) % 16).toBe(0);
      expect(tokens.open('a', token)).toEqual(Buffer.alloc(length, 7));
    }
  });
});
