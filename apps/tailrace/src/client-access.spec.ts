import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { tlsOf, userOf } from './client-access.ts';

let directory: string;
let file: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'client-access-'));
  file = join(directory, 'secret');
  writeFileSync(file, 'open sesame\n');
});
afterAll(() => rmSync(directory, { recursive: true }));

describe('the user of a client command', () => {
  it.each([
    ['nobody', {}, {}, undefined],
    ['by options', { user: 'shop', 'password-file': 'FILE' }, {}, ['scram-sha-512', 'shop', 'open sesame']],
    ['by the environment', {}, { TAILRACE_USER: 'a', TAILRACE_PASSWORD: 'b' }, ['scram-sha-512', 'a', 'b']],
    ['by both, options first', { user: 'x', mechanism: 'PLAIN' }, { TAILRACE_USER: 'a', TAILRACE_PASSWORD: 'b' }, ['plain', 'x', 'b']],
    ['nobody, where a password alone is set', {}, { TAILRACE_PASSWORD: 'b' }, undefined],
  ] as const)('is %s', (_, values, env, wanted) => {
    const given = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value === 'FILE' ? file : value]));
    const user = userOf(given, env);
    expect(user && [user.mechanism, user.username, user.password]).toEqual(wanted);
  }); // prettier-ignore

  it.each([
    [{ user: 'shop' }, 'The password of shop is missing: --password-file FILE, or TAILRACE_PASSWORD.'],
    [{ 'password-file': 'f' }, '--password-file: whose password is it? Give --user.'],
    [{ user: 'shop', mechanism: 'gssapi' }, '--mechanism takes plain, scram-sha-256, scram-sha-512, not gssapi.'],
    [{ user: 'shop', 'password-file': '/nowhere' }, /^--password-file: ENOENT/],
  ])('is refused for %p', (values, message) => {
    expect(() => userOf(values, {})).toThrow(message);
  });
});

describe('the TLS of a client command', () => {
  it('is off, on with the authorities that are known, or with one that is named', () => {
    expect(tlsOf({}, {})).toBeUndefined();
    expect(tlsOf({ tls: true }, {})).toEqual({});
    expect(tlsOf({ 'tls-ca': file }, {})).toEqual({ ca: 'open sesame\n' });
    expect(tlsOf({}, { TAILRACE_TLS_CA: file })).toEqual({ ca: 'open sesame\n' });
    expect(tlsOf({ 'tls-cert': file, 'tls-key': file }, {})).toEqual({ cert: 'open sesame\n', key: 'open sesame\n' });
  });

  it.each([
    [{ 'tls-cert': 'f' }, '--tls-cert and --tls-key go together: a certificate and its key.'],
    [{ 'tls-ca': '/nowhere' }, /^--tls-ca: ENOENT/],
  ])('is refused for %p', (values, message) => {
    expect(() => tlsOf(values, {})).toThrow(message);
  });
});
