import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SETTINGS } from '@tailrace/service';
import { freePort, temporaryDirectory, type TemporaryDirectory } from '@tailrace/testkit';
import { tailrace, up, type Up } from './program.ts';

let directory: TemporaryDirectory;
let service: Up;

beforeAll(async () => {
  directory = await temporaryDirectory();
  service = await up({ TAILRACE_DATA_DIR: join(directory.path, 'data') });
});

afterAll(async () => {
  await service.stop();
  await directory.remove();
});

const client = (...args: string[]) => [...args, '--http', service.http, '--kafka', service.kafka];

describe('tailrace', () => {
  it('lists commands and every setting with --help', async () => {
    const { code, stdout } = await tailrace(['--help']);
    expect(code).toBe(0);
    for (const command of ['up', 'streams', 'produce', 'consume'])
      expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    for (const { variable } of Object.values(SETTINGS)) expect(stdout).toContain(`  ${variable}=`);
    expect(stdout).toContain('OTEL_');
  });

  it('prints its version', async () => {
    expect(await tailrace(['--version'])).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      stderr: '',
    });
  });

  it.each([
    [['stream'], 'There is no command `stream`. `tailrace --help` lists them.\n'],
    [['produce'], 'Which stream? Give its name.\n'],
    [['consume', 's', '--from', 'yesterday'], '--from takes beginning or latest, not yesterday.\n'],
    [['consume', 's', '--from', 'latest', '--from-group', 'g'], '--from and --from-group exclude each other.\n'],
    [
      ['consume', 's', '--group', 'h', '--from-group', 'g'],
      '--group goes on from its own offsets; --from-group is for reading beside a group.\n',
    ],
    [['consume', 's', '--max', '0'], '--max takes a whole number of at least 1, not 0.\n'],
    [['streams', 'rename'], '`tailrace streams` knows list, create, describe and delete, not `rename`.\n'],
    [['up', 'now'], '`tailrace up` takes no arguments: settings are environment variables.\n'],
  ])('answers %p with a sentence and exit code 2', async (args, stderr) => {
    expect(await tailrace(args)).toEqual({ code: 2, stdout: '', stderr });
  });

  it('says that no service answers', async () => {
    const port = await freePort();
    const http = await tailrace(['streams', '--http', `http://127.0.0.1:${port}`]);
    expect(http).toEqual({
      code: 1,
      stdout: '',
      stderr: `No HTTP door answers at http://127.0.0.1:${port}. Is the service running (\`tailrace up\`)?\n`,
    });
    const kafka = await tailrace(['produce', 's', '--kafka', `127.0.0.1:${port}`], {}, 'x\n');
    expect(kafka).toEqual({
      code: 1,
      stdout: '',
      stderr: `No Kafka door answers at 127.0.0.1:${port}. Is the service running (\`tailrace up\`)?\n`,
    });
  });
});

describe('a newcomer', () => {
  it('makes a stream, writes lines and reads them', async () => {
    expect(await tailrace(client('streams', 'create', 'orders', '--shards', '2'))).toEqual({
      code: 0,
      stdout: 'Made stream orders with 2 shards.\n',
      stderr: '',
    });
    expect((await tailrace(client('streams'))).stdout).toEqual('NAME    SHARDS  STATUS\norders  2       ACTIVE\n');

    const produced = await tailrace(
      client('produce', 'orders', '--key-separator', ':', '--header', 'from=cli'),
      {},
      'k:one\nk:two\nclé:drei\n',
    );
    expect(produced).toEqual({ code: 0, stdout: '', stderr: '3 records written to orders\n' });

    const read = await tailrace(client('consume', 'orders', '--from', 'beginning', '--max', '3', '--json'));
    const records = read.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(records.filter(({ key }) => key === 'k').map(({ value }) => value)).toEqual(['one', 'two']);
    expect(records.find(({ key }) => key === 'clé')).toEqual({
      partition: expect.any(Number),
      offset: expect.stringMatching(/^\d$/),
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      key: 'clé',
      value: 'drei',
      headers: { from: 'cli' },
    });

    const plain = await tailrace(
      client('consume', 'orders', '--from', 'beginning', '--max', '3', '--key-separator', '='),
    );
    expect(plain.stdout.trim().split('\n').sort()).toEqual(['clé=drei', 'k=one', 'k=two']);
    expect((await tailrace(client('streams', 'describe', 'orders'))).stdout).toMatch(
      /^SHARD +PARTITION +START +END\nshardId-000000000000 +0 +0 +\d\n/,
    );
  });

  it('reads through the Kafka door what curl wrote', async () => {
    await tailrace(client('streams', 'create', 'curled'));
    const put = await fetch(`${service.http}/v1/streams/curled/records`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"partitionKey":"k","data":"hello"}',
    });
    expect(put.status).toBe(201);
    expect(
      await tailrace(client('consume', 'curled', '--from', 'beginning', '--max', '1', '--key-separator', ' ')),
    ).toEqual({
      code: 0,
      stdout: 'k hello\n',
      stderr: '',
    });
  });

  it('reads on from where a group is, beside it', async () => {
    const post = (path: string, body: object) =>
      fetch(`${service.http}/v1/streams${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    await post('', { name: 'grouped', shards: 1 });
    for (const data of ['one', 'two', 'three']) await post('/grouped/records', { partitionKey: 'k', data });
    expect(await tailrace(client('consume', 'grouped', '--from-group', 'billing'))).toEqual({
      code: 1,
      stdout: '',
      stderr: 'There is no group billing that has committed offsets for stream grouped.\n',
    });
    const read = client('consume', 'grouped', '--from', 'beginning', '--group', 'billing', '--max', '1');
    expect((await tailrace(read)).stdout).toBe('one\n');
    const beside = await tailrace(client('consume', 'grouped', '--from-group', 'billing', '--max', '2'));
    expect(beside).toEqual({ code: 0, stdout: 'two\nthree\n', stderr: '' });
    const shown = await fetch(`${service.http}/v1/streams/grouped/groups/billing`);
    expect(await shown.json()).toMatchObject({ positions: [{ partition: 0, committedOffset: '1', lag: '2' }] });
  });

  it('is told what does not exist and what exists already', async () => {
    await tailrace(client('streams', 'create', 'twice'));
    const again = await tailrace(client('streams', 'create', 'twice'));
    expect({ ...again, stderr: again.stderr.includes('twice') }).toEqual({ code: 1, stdout: '', stderr: true });
    expect(await tailrace(client('consume', 'nothing'))).toEqual({
      code: 1,
      stdout: '',
      stderr: 'There is no stream nothing. `tailrace streams create nothing` makes it.\n',
    });
    expect((await tailrace(client('streams', 'delete', 'twice'))).stdout).toEqual('Deleted stream twice.\n');
    expect((await tailrace(client('streams', 'delete', 'twice'))).code).toBe(1);
  });
});

describe('tailrace up', () => {
  it('shows addresses and examples, serves metrics, and ends with 0 on SIGTERM, keeping what it has', async () => {
    const env = { TAILRACE_DATA_DIR: join(directory.path, 'own') };
    const first = await up(env);
    expect(first.banner).toContain(`kcat -C -e -b ${first.kafka} -t orders`);
    expect(first.banner).toContain(`--endpoint-url ${first.http}`);
    expect(await (await fetch(first.metrics)).text()).toContain('tailrace_requests_total');
    await tailrace(['streams', 'create', 'kept', '--http', first.http]);
    expect((await first.stop()).code).toBe(0);
    const second = await up(env);
    expect((await tailrace(['streams', '--http', second.http])).stdout).toContain('kept');
    expect((await second.stop()).code).toBe(0);
  });

  const ports = { TAILRACE_HTTP_PORT: '0', TAILRACE_KAFKA_PORT: '0', TAILRACE_METRICS_PORT: '0' };

  it.each(['HTTP', 'KAFKA', 'METRICS'])('names the setting when the %s port is busy', async (door) => {
    const busy = createServer();
    await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
    const { port } = busy.address() as { port: number };
    const variable = `TAILRACE_${door}_PORT`;
    const ended = await tailrace(['up'], {
      ...ports,
      TAILRACE_DATA_DIR: join(directory.path, `busy-${door}`),
      [variable]: String(port),
    });
    await new Promise((resolve) => busy.close(resolve));
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain(`${port}`);
    expect(ended.stderr).toContain(variable);
    expect(ended.stderr).not.toContain('    at ');
  });

  it('says that another process has the data directory', async () => {
    const ended = await tailrace(['up'], { ...ports, TAILRACE_DATA_DIR: join(directory.path, 'data') });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain(join(directory.path, 'data'));
    expect(ended.stderr).not.toContain('    at ');
  });

  it('says why a data directory cannot be used', async () => {
    const file = join(directory.path, 'a-file');
    writeFileSync(file, '');
    const ended = await tailrace(['up'], { ...ports, TAILRACE_DATA_DIR: join(file, 'data') });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain(join(file, 'data'));
    expect(ended.stderr).not.toContain('    at ');
  });

  it('says that Redis is out of reach', async () => {
    const port = await freePort();
    const ended = await tailrace(['up'], {
      ...ports,
      TAILRACE_STORE: 'redis',
      TAILRACE_REDIS_URL: `redis://127.0.0.1:${port}`,
    });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain(`127.0.0.1:${port}`);
    expect(ended.stderr).not.toContain('    at ');
  });

  it('lists every wrong setting at once', async () => {
    expect(await tailrace(['up'], { TAILRACE_STORE: 'tape', TAILRACE_LIMITS: 'some' })).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'Tailrace cannot start with these settings:\n  TAILRACE_STORE=tape: must be embedded or redis.\n  TAILRACE_LIMITS=some: must be on or off.\n`tailrace --help` lists all settings.\n',
    });
  });

  it('refuses to be reached by others without being told so', async () => {
    const ended = await tailrace(['up'], { ...ports, TAILRACE_HOST: '0.0.0.0' });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('TAILRACE_AUTH=off');
  });
});
