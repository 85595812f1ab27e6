import { describe, expect, it } from '@jest/globals';
import { distinguishedName } from './certificate-principal.ts';

describe('the name of a certificate', () => {
  it.each([
    ['CN=shop', 'CN=shop'],
    ['C=DE\nO=Example\nOU=tills\nCN=shop', 'CN=shop,OU=tills,O=Example,C=DE'],
    // Values come escaped; what looks like a separator within one is none.
    ['O=Example\\, Inc.\nCN=a \\+ b', 'CN=a \\+ b,O=Example\\, Inc.'],
    ['O=Example\nCN=shop + UID=7', 'CN=shop+UID=7,O=Example'],
    ['O=Bäcker\nCN=Zoë', 'CN=Zoë,O=Bäcker'],
  ])('%j is %s', (subject, name) => {
    expect(distinguishedName(subject)).toBe(name);
  });
});
