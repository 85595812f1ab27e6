import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { awsAccessOf, sectionsOf } from './aws-access.ts';

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'aws-access-'));
  mkdirSync(join(home, '.aws'));
  const credentials = [
    '# who I am',
    '[default]',
    'aws_access_key_id = AKDEFAULT',
    'aws_secret_access_key=s/e+c=ret ; mine',
    '',
    '[ shop ]\r',
    'AWS_ACCESS_KEY_ID = AKSHOP\r',
    'aws_secret_access_key = shop\r',
    'aws_session_token = token\r',
    '[role]',
    'role_arn = arn:aws:iam::1:role/x',
    's3 =',
    '  aws_access_key_id = NESTED',
    '  aws_secret_access_key = NESTED',
  ];
  writeFileSync(join(home, '.aws', 'credentials'), credentials.join('\n'));
  writeFileSync(
    join(home, '.aws', 'config'),
    '[default]\nregion = eu-west-1\n[profile shop]\nregion = eu-north-1\n[profile  only-here]\naws_access_key_id=AKCONFIG\naws_secret_access_key=c\n',
  );
});
afterAll(() => rmSync(home, { recursive: true }));

describe('what a client command signs with', () => {
  const keys = { AWS_ACCESS_KEY_ID: 'AKENV', AWS_SECRET_ACCESS_KEY: 'e' };
  it.each([
    ['the default profile', {}, {}, ['AKDEFAULT', 's/e+c=ret', undefined, 'eu-west-1']],
    ['the environment before a profile', {}, keys, ['AKENV', 'e', undefined, 'eu-west-1']],
    ['a token of the environment', {}, { ...keys, AWS_SESSION_TOKEN: 't' }, ['AKENV', 'e', 't', 'eu-west-1']],
    ['AWS_PROFILE', {}, { AWS_PROFILE: 'shop' }, ['AKSHOP', 'shop', 'token', 'eu-north-1']],
    ['the environment before AWS_PROFILE', {}, { ...keys, AWS_PROFILE: 'shop' }, ['AKENV', 'e', undefined, 'eu-north-1']],
    ['--profile before all', { profile: 'shop' }, { ...keys, AWS_PROFILE: 'default' }, ['AKSHOP', 'shop', 'token', 'eu-north-1']],
    ['a profile of the config file', { profile: 'only-here' }, {}, ['AKCONFIG', 'c', undefined, 'us-east-1']],
    ['AWS_DEFAULT_REGION', {}, { AWS_DEFAULT_REGION: 'a' }, ['AKDEFAULT', 's/e+c=ret', undefined, 'a']],
    ['AWS_REGION before it', {}, { AWS_DEFAULT_REGION: 'a', AWS_REGION: 'b' }, ['AKDEFAULT', 's/e+c=ret', undefined, 'b']],
    ['--region before all', { region: 'c' }, { AWS_REGION: 'b' }, ['AKDEFAULT', 's/e+c=ret', undefined, 'c']],
  ] as const)('is %s', (_, values, env, wanted) => {
    const { credentials, region } = awsAccessOf(values, { HOME: home, ...env });
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    expect([accessKeyId, secretAccessKey, sessionToken, region]).toEqual(wanted);
  }); // prettier-ignore

  it.each([
    ['nothing', {}, { HOME: '/nowhere' }, 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give --profile NAME of /nowhere/.aws/credentials'],
    ['an unknown profile', { profile: 'x' }, {}, 'There is no profile x in '],
    ['a role', { profile: 'role' }, {}, 'aws configure export-credentials --profile role --format env'],
    ['a key without its secret', {}, { AWS_ACCESS_KEY_ID: 'a' }, 'AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not'],
    ['a secret without its key', {}, { AWS_SECRET_ACCESS_KEY: 'a' }, 'AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is not'],
    ['a file that cannot be read', {}, { AWS_SHARED_CREDENTIALS_FILE: '/' }, 'Credentials cannot be read: '],
  ] as const)('is said to be missing with %s', (_, values, env, text) => {
    expect(() => awsAccessOf(values, { HOME: home, ...env })).toThrow(text);
  }); // prettier-ignore

  it('reads files that are none without harm', () => {
    expect(sectionsOf('a=b\n[x\n=\n[y]\n=z\n]\nq\nk=\n[y]\na = b = c\n')).toEqual(new Map([['y', { a: 'b = c' }]]));
  });
});
