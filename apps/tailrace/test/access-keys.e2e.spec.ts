import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KinesisClient, ListStreamsCommand, PutRecordCommand, CreateStreamCommand } from '@aws-sdk/client-kinesis';
import { eventually, temporaryDirectory, type TemporaryDirectory } from '@tailrace/testkit';
import { tailrace, up, type Up } from './program.ts';

interface Made {
  readonly id: string;
  readonly secret: string;
}

const ACCOUNT = '111122223333';

describe('access keys', () => {
  let directory: TemporaryDirectory;
  let env: Record<string, string>;
  let service: Up | undefined;

  beforeAll(async () => {
    directory = await temporaryDirectory();
    env = {
      TAILRACE_DATA_DIR: join(directory.path, 'data'),
      TAILRACE_AUTH: 'sigv4',
      TAILRACE_ACCOUNT: ACCOUNT,
      TAILRACE_MASTER_KEYS: 'ab'.repeat(32),
    };
  });
  afterAll(async () => {
    await service?.stop();
    await directory.remove();
  });

  const keys = (...args: string[]) => tailrace(['keys', ...args], env);
  const made = async (...args: string[]): Promise<Made> => {
    const { code, stdout, stderr } = await keys('create', ...args, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as Made;
  };
  const client = ({ id, secret }: Made): KinesisClient =>
    new KinesisClient({
      endpoint: service?.http as string,
      region: 'eu-west-1',
      maxAttempts: 1,
      credentials: { accessKeyId: id, secretAccessKey: secret },
    });

  it('are made before the service first starts, and let in who signs with them', async () => {
    expect((await keys()).stdout).toBe('No access keys yet. `tailrace keys create --user NAME` makes one.\n');
    const key = await made('--user', 'ops');
    service = await up(env);
    const kinesis = client(key);
    await kinesis.send(new CreateStreamCommand({ StreamName: 'orders', ShardCount: 1 }));
    expect((await kinesis.send(new ListStreamsCommand({}))).StreamSummaries?.[0]?.StreamARN).toBe(
      `arn:aws:kinesis:eu-west-1:${ACCOUNT}:stream/orders`,
    );
    const wrong = client({ ...key, secret: `${key.secret}x` });
    await expect(wrong.send(new ListStreamsCommand({}))).rejects.toMatchObject({ name: 'InvalidSignatureException' });
    kinesis.destroy();
    wrong.destroy();
  }, 60_000);

  it('are made, given a policy and revoked while the service runs, through a socket of its own user', async () => {
    const policyFile = join(directory.path, 'policy.json');
    const policy = (effect: string) =>
      writeFileSync(
        policyFile,
        JSON.stringify({
          Version: '2012-10-17',
          Statement: [{ Effect: effect, Action: 'kinesis:Put*', Resource: 'arn:aws:kinesis:*:*:stream/orders' }],
        }),
      );
    policy('Allow');
    const key = await made('--user', 'shop', '--policy', policyFile, '--description', 'till 3');
    const kinesis = client(key);
    const put = () =>
      kinesis.send(new PutRecordCommand({ StreamName: 'orders', PartitionKey: 'k', Data: Buffer.from('x') })).then(
        () => 'put',
        ({ name }: Error) => name,
      );
    await eventually(async () => expect(await put()).toBe('put'));
    await expect(kinesis.send(new ListStreamsCommand({}))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message:
        `User: arn:aws:iam::${ACCOUNT}:user/shop is not authorized to perform: kinesis:ListStreams on resource: * ` +
        'because no identity-based policy allows the kinesis:ListStreams action',
    });
    policy('Deny');
    expect(await keys('policy', key.id, '--policy', policyFile)).toMatchObject({ code: 0 });
    await eventually(async () => expect(await put()).toBe('AccessDeniedException'));
    expect(await keys('revoke', key.id)).toEqual({ code: 0, stdout: `Revoked access key ${key.id}.\n`, stderr: '' });
    await eventually(async () => expect(await put()).toBe('UnrecognizedClientException'));
    const { stdout } = await keys('list');
    expect(stdout).toMatch(new RegExp(`^${key.id}  ${ACCOUNT}  shop  \\S+  revoked \\S+  till 3$`, 'm'));
    expect(await keys('remove', key.id)).toEqual({ code: 0, stdout: `Removed access key ${key.id}.\n`, stderr: '' });
    expect((statSync(join(env.TAILRACE_DATA_DIR as string, 'access-keys.sock')).mode & 0o777).toString(8)).toBe('600');
    kinesis.destroy();
  }, 60_000);

  it.each([
    [['create'], 2, 'Whose key? Give --user NAME.\n'],
    [['create', '--user', 'a b'], 1, 'The user name "a b" is not 1 to 64 of letters, digits and _+=,.@-.\n'],
    [['create', '--user', 'a', '--account', '1'], 1, 'The account "1" has not exactly twelve digits.\n'],
    [['revoke'], 2, 'Which access key? Give its name.\n'],
    [['revoke', 'AKIANOBODY'], 1, 'There is no access key AKIANOBODY.\n'],
    [['forget', 'x'], 2, '`tailrace keys` knows list, create, policy, revoke and remove, not `forget`.\n'],
  ])('answer %p with a sentence', async (args, code, stderr) => {
    expect(await keys(...args)).toEqual({ code, stdout: '', stderr });
  });

  it('close REST but for health', async () => {
    const http = service?.http as string;
    expect((await fetch(`${http}/health/ready`)).status).toBe(200);
    const refused = await fetch(`${http}/v1/streams`, { method: 'POST', body: '{"name": "x"}' });
    expect([refused.status, await refused.json()]).toEqual([403, expect.objectContaining({ code: 'restClosed' })]);
    expect((await fetch(`${http}/`)).status).toBe(403);
    const unsigned = await fetch(`${http}/`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'Kinesis_20131202.ListStreams' },
      body: '{}',
    });
    expect([unsigned.status, await unsigned.json()]).toEqual([
      400,
      { __type: 'MissingAuthenticationTokenException', message: 'Missing Authentication Token' },
    ]);
  });

  it('keep no secret readable in the store', async () => {
    const key = await made('--user', 'quiet');
    expect((await service?.stop())?.code).toBe(0);
    service = undefined;
    const { stdout } = await keys('list', '--json');
    expect(stdout).toContain(key.id);
    expect(stdout).not.toContain(key.secret);
    const files = readFileSync(join(env.TAILRACE_DATA_DIR as string, 'tailrace.db'), 'latin1');
    expect(files).toContain(key.id);
    expect(files).not.toContain(key.secret);
  });
});
