import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { opensslIsHere, temporaryDirectory, type TemporaryDirectory, TestAuthority } from '@tailrace/testkit';
import { type Ended, type Env, tailrace, up, type Up } from './program.ts';

interface Made {
  readonly id: string;
  readonly secret: string;
}

/** With TLS where there is an openssl to make certificates. */
const scheme = opensslIsHere ? 'https' : 'http';

describe('`tailrace streams` at a door that asks for signatures', () => {
  let directory: TemporaryDirectory;
  let service: Up;
  let env: Env;
  let access: readonly string[];
  let ops: Made;
  let reader: Made;

  beforeAll(async () => {
    directory = await temporaryDirectory();
    const home = join(directory.path, 'home');
    mkdirSync(join(home, '.aws'), { recursive: true });
    const tls = scheme === 'https' ? new TestAuthority(directory.path) : undefined;
    const server = tls?.server();
    const settings = {
      TAILRACE_DATA_DIR: join(directory.path, 'data'),
      TAILRACE_AUTH: 'sigv4',
      TAILRACE_REGION: 'eu-west-1',
      ...(server && { TAILRACE_TLS_CERT: server.certificate, TAILRACE_TLS_KEY: server.key }),
    };
    const key = async (...args: string[]) => {
      const { stdout } = await tailrace(['keys', 'create', ...args, '--json'], settings);
      return JSON.parse(stdout) as Made;
    };
    ops = await key('--user', 'ops');
    const policy = join(directory.path, 'policy.json');
    const Statement = [{ Effect: 'Allow', Action: 'kinesis:ListStreams', Resource: '*' }];
    writeFileSync(policy, JSON.stringify({ Version: '2012-10-17', Statement }));
    reader = await key('--user', 'reader', '--policy', policy);
    writeFileSync(
      join(home, '.aws', 'credentials'),
      `[reader]\naws_access_key_id = ${reader.id}\naws_secret_access_key = ${reader.secret}\nregion = eu-west-1\n`,
    );
    env = {
      HOME: home,
      AWS_ACCESS_KEY_ID: ops.id,
      AWS_SECRET_ACCESS_KEY: ops.secret,
      AWS_REGION: 'eu-west-1',
    };
    service = await up(settings);
    const url = service.http.replace(/^http:/, `${scheme}:`);
    access = ['--http', url, ...(tls ? ['--tls-ca', tls.certificate] : [])];
  }, 60_000);
  afterAll(async () => {
    await service.stop();
    await directory.remove();
  });

  const streams = (
    args: readonly string[],
    changed: Readonly<Record<string, string | undefined>> = {},
  ): Promise<Ended> => {
    const whole = Object.entries({ ...env, ...changed }).filter((one): one is [string, string] => one[1] !== undefined);
    return tailrace(['streams', ...args, ...access], Object.fromEntries(whole));
  };
  const done = (stdout: string): Ended => ({ code: 0, stdout, stderr: '' });
  const failed = (stderr: string): Ended => ({ code: 1, stdout: '', stderr });

  it('lists, makes, describes and deletes them with an access key', async () => {
    expect(await streams([])).toEqual(done('No streams yet. `tailrace streams create NAME` makes one.\n'));
    expect(await streams(['create', 'orders', '--shards', '2'])).toEqual(done('Made stream orders with 2 shards.\n'));
    expect(await streams([])).toEqual(done('NAME    MODE         STATUS\norders  PROVISIONED  ACTIVE\n'));
    const described = await streams(['describe', 'orders', '--json']);
    expect(JSON.parse(described.stdout)).toMatchObject({
      name: 'orders',
      status: 'ACTIVE',
      mode: 'PROVISIONED',
      retentionHours: 24,
      openShardCount: 2,
      shards: [
        { shardId: 'shardId-000000000000', open: true, hashKeyRange: { start: '0' }, parentShardIds: [] },
        { shardId: 'shardId-000000000001', open: true },
      ],
    });
    expect((await streams(['describe', 'orders'])).stdout).toMatch(
      /^SHARD +STATE +FIRST HASH KEY +LAST HASH KEY\nshardId-0+ +open +0 /,
    );
    // With a profile of the credentials file, which may do less.
    expect(await streams(['--profile', 'reader'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('orders'),
    });
    const denied = await streams(['delete', 'orders', '--profile', 'reader']);
    expect([denied.code, denied.stderr]).toEqual([
      1,
      expect.stringMatching(
        /^AccessDeniedException: User: \S+user\/reader is not authorized to perform: kinesis:DeleteStream /,
      ),
    ]);
    expect(await streams(['delete', 'orders'])).toEqual(done('Deleted stream orders.\n'));
    expect((await streams(['describe', 'orders'])).stderr).toMatch(/^ResourceNotFoundException: Stream orders /);
  }, 120_000);

  it('says what is missing or wrong', async () => {
    const none = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
    expect(await streams([], none)).toEqual(
      failed(
        'Requests must be signed here, and there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give ' +
          `--profile NAME of ${env['HOME'] as string}/.aws/credentials. \`tailrace keys create\` makes a key.\n`,
      ),
    );
    expect(await streams([], { AWS_ACCESS_KEY_ID: 'AKIAUNKNOWN' })).toEqual(
      failed(
        'UnrecognizedClientException: The security token included in the request is invalid.\n' +
          'The access key AKIAUNKNOWN is not known here: `tailrace keys` lists those that are.\n',
      ),
    );
    const hint = `Signed by ${ops.id} for us-east-1: is the secret right, the clock, and the region (--region)?\n`;
    const elsewhere = await streams(['--region', 'us-east-1']);
    expect([elsewhere.code, elsewhere.stderr]).toEqual([1, expect.stringContaining(hint)]);
    const wrong = await streams([], { AWS_SECRET_ACCESS_KEY: reader.secret });
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringMatching(/^InvalidSignatureException: /)]);
    const token = await streams([], { AWS_SESSION_TOKEN: 't' });
    expect([token.code, token.stderr]).toEqual([1, expect.stringContaining('Session tokens are not known here')]);
  }, 120_000);
});
