import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { opensslIsHere, temporaryDirectory, type TemporaryDirectory, TestAuthority } from '@tailrace/testkit';
import { tailrace, up, type Up } from './program.ts';

const PASSWORD = 'open sesame';

(opensslIsHere ? describe : describe.skip)('client commands at doors that ask (with openssl)', () => {
  let directory: TemporaryDirectory;
  let authority: TestAuthority;
  let service: Up;
  let access: string[];

  beforeAll(async () => {
    directory = await temporaryDirectory();
    authority = new TestAuthority(directory.path);
    const { certificate, key } = authority.server();
    const env = {
      TAILRACE_DATA_DIR: join(directory.path, 'data'),
      TAILRACE_KAFKA_AUTH: 'scram-sha-256,scram-sha-512',
      TAILRACE_KAFKA_SUPER_USERS: 'User:shop',
      TAILRACE_TLS_CERT: certificate,
      TAILRACE_TLS_KEY: key,
    };
    await tailrace(['users', 'set', 'shop', '--password-stdin'], env, `${PASSWORD}\n`);
    service = await up(env);
    const file = join(directory.path, 'password');
    writeFileSync(file, `${PASSWORD}\n`);
    access = ['--kafka', service.kafka, '--tls-ca', authority.certificate, '--user', 'shop', '--password-file', file];
  }, 60_000);
  afterAll(async () => {
    await service.stop();
    await directory.remove();
  });

  it('make a stream, write and read with TLS and a password, by options and by the environment', async () => {
    const url = service.http.replace(/^http:/, 'https:');
    const http = ['--http', url, '--tls-ca', authority.certificate];
    expect(await tailrace(['streams', 'create', 'orders', ...http])).toEqual({
      code: 0,
      stdout: 'Made stream orders with 1 shard.\n',
      stderr: '',
    });
    expect(await tailrace(['produce', 'orders', ...access], {}, 'one\n')).toEqual({
      code: 0,
      stdout: '',
      stderr: '1 record written to orders\n',
    });
    const env = { TAILRACE_USER: 'shop', TAILRACE_PASSWORD: PASSWORD, TAILRACE_TLS_CA: authority.certificate };
    const kafka = ['--kafka', service.kafka, '--mechanism', 'scram-sha-256'];
    expect((await tailrace(['produce', 'orders', ...kafka], env, 'two\n')).code).toBe(0);
    expect(await tailrace(['consume', 'orders', '--from', 'beginning', '--max', '2', ...kafka], env)).toEqual({
      code: 0,
      stdout: 'one\ntwo\n',
      stderr: '',
    });
  }, 120_000);

  it('say what is missing or wrong', async () => {
    const without = (...names: string[]) =>
      access.filter((_, at) => !names.some((name) => name === access[at] || name === access[at - 1]));
    const produce = (args: readonly string[], env = {}) => tailrace(['produce', 'orders', ...args], env, 'x\n');
    const untrusted = await produce(without('--tls-ca').concat('--tls'));
    expect([untrusted.code, untrusted.stderr]).toEqual([1, expect.stringMatching(/certificate.*--tls-ca FILE/s)]);
    const url = service.http.replace(/^http:/, 'https:');
    const streams = await tailrace(['streams', '--http', url]);
    expect([streams.code, streams.stderr]).toEqual([1, expect.stringMatching(/certificate.*--tls-ca FILE/s)]);
    const wrong = await produce(without('--password-file'), { TAILRACE_PASSWORD: 'close' });
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('authentication failed')]);
    expect(await produce(without('--password-file'))).toEqual({
      code: 2,
      stdout: '',
      stderr: 'The password of shop is missing: --password-file FILE, or TAILRACE_PASSWORD.\n',
    });
  }, 120_000);
});
