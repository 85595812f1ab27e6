import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import kafkajs, { type KafkaConfig, type SASLOptions } from 'kafkajs';
import { type Acl, Acls, credentialOfPassword, Users } from '@tailrace/identity';
import { ServerTls } from '@tailrace/service';
import { createLogger } from '@tailrace/telemetry';
import {
  type CertificateFiles,
  eventually,
  opensslIsHere,
  temporaryDirectory,
  type TemporaryDirectory,
  TestAuthority,
} from '@tailrace/testkit';
import { type DoorUnderTest, openDoorUnderTest } from '../src/testing/door-under-test.ts';

const KCAT_MS_MAX = 20_000;
const kcatIsHere = spawnSync('kcat', ['-V']).status === 0;
const suite = opensslIsHere ? describe : describe.skip;
const title = opensslIsHere ? 'a door with TLS that asks who comes' : 'a door with TLS: SKIPPED, there is no openssl';

suite(title, () => {
  let directory: TemporaryDirectory;
  let authority: TestAuthority;
  let shop: CertificateFiles;
  let tls: ServerTls;
  let under: DoorUnderTest;
  let broker: string;
  const tlsLog: Record<string, unknown>[] = [];

  beforeAll(async () => {
    directory = await temporaryDirectory();
    authority = new TestAuthority(directory.path);
    shop = authority.client('/O=Example/OU=tills/CN=shop');
    const destination = { write: (line: string) => void tlsLog.push(JSON.parse(line) as Record<string, unknown>) };
    tls = await ServerTls.open(
      { ...authority.server(), clientCa: authority.certificate, minVersion: 'TLSv1.2' },
      createLogger({ level: 'info', readable: false, destination }),
    );
    under = await openDoorUnderTest({
      tls,
      security: {
        mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'],
        certificates: true,
        tokens: { keys: 'unsecured' },
        superUsers: ['User:admin'],
        failureDelayMs: 20,
      },
    });
    broker = `127.0.0.1:${under.address.port}`;
    const users = await Users.open(under.store.documents);
    for (const name of ['admin', 'reader']) {
      await users.change(name, [
        { mechanism: 'SCRAM-SHA-256', credential: await credentialOfPassword('SCRAM-SHA-256', `${name}-secret`) },
        { mechanism: 'SCRAM-SHA-512', credential: await credentialOfPassword('SCRAM-SHA-512', `${name}-secret`) },
      ]);
    }
    await users.close();
    const acls = await Acls.open(under.store.documents);
    const allow = (principal: string, operation: Acl['operation'], resourceType: Acl['resourceType'], resourceName: string): Acl => ({
      resourceType, resourceName, patternType: 'LITERAL', principal, host: '*', operation, permission: 'ALLOW',
    }); // prettier-ignore
    await acls.add([
      allow('User:reader', 'READ', 'TOPIC', 'orders'),
      allow('User:reader', 'READ', 'GROUP', 'readers'),
      allow('User:CN=shop,OU=tills,O=Example', 'ALL', 'TOPIC', 'orders'),
      allow('User:token', 'READ', 'TOPIC', 'orders'),
    ]);
    await acls.close();
  });
  afterAll(async () => {
    await under.close();
    await tls.close();
    await directory.remove();
  });

  const client = (sasl: SASLOptions | undefined, more: Partial<KafkaConfig> = {}) =>
    new kafkajs.Kafka({
      clientId: 'spec',
      brokers: [broker],
      ssl: { ca: [readFileSync(authority.certificate)] },
      ...(sasl && { sasl }),
      logLevel: kafkajs.logLevel.NOTHING,
      retry: { retries: 0 },
      ...more,
    });
  const as = (
    mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512',
    username: string,
    password = `${username}-secret`,
  ) => client({ mechanism, username, password });
  const produce = async (kafka: InstanceType<typeof kafkajs.Kafka>, topic: string, value: string) => {
    const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
    await producer.connect();
    try {
      return await producer.send({ topic, messages: [{ value }] });
    } finally {
      await producer.disconnect();
    }
  };
  const kcat = async (
    args: readonly string[],
    input = '',
  ): Promise<{ code: number | null; out: string; err: string }> => {
    const child = spawn('kcat', ['-b', broker, '-X', `ssl.ca.location=${authority.certificate}`, ...args], {
      timeout: KCAT_MS_MAX,
    });
    const texts = { out: '', err: '' };
    child.stdout.on('data', (chunk: Buffer) => (texts.out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (texts.err += chunk.toString()));
    child.stdin.end(input);
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, ...texts };
  };
  const withSasl = (mechanism: string, name: string, password = `${name}-secret`) => [
    ...['-X', 'security.protocol=sasl_ssl', '-X', `sasl.mechanism=${mechanism}`],
    ...['-X', `sasl.username=${name}`, '-X', `sasl.password=${password}`],
  ];

  it('lets in kafkajs by each mechanism, and each user to what is its own', async () => {
    for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const) {
      const [written] = await produce(as(mechanism, 'admin'), 'orders', `by ${mechanism}`);
      expect(written?.errorCode).toBe(0);
    }
    await expect(produce(as('plain', 'reader'), 'orders', 'no')).rejects.toThrow('Topic authorization failed');
    await expect(produce(as('scram-sha-256', 'admin', 'wrong'), 'orders', 'no')).rejects.toMatchObject({
      name: 'KafkaJSSASLAuthenticationError',
    });
    const consumer = as('scram-sha-512', 'reader').consumer({ groupId: 'readers' });
    await consumer.connect();
    await consumer.subscribe({ topics: ['orders'], fromBeginning: true });
    const values: string[] = [];
    await consumer.run({ eachMessage: async ({ message }) => void values.push(String(message.value)) });
    await eventually(() => expect(values.sort()).toEqual(['by plain', 'by scram-sha-256', 'by scram-sha-512']));
    await consumer.disconnect();
    const stranger = as('scram-sha-512', 'reader').consumer({ groupId: 'others' });
    await stranger.connect();
    await stranger.subscribe({ topics: ['orders'] });
    const crashed = new Promise<Error>((resolve) =>
      stranger.on('consumer.crash', ({ payload }) => resolve(payload.error)),
    );
    await stranger.run({ eachMessage: async () => undefined });
    expect((await crashed).message).toBe('Failed to find group coordinator');
    await stranger.disconnect();
  });

  it('takes a certificate for authentication, with its distinguished name for the user', async () => {
    const certificate = { cert: readFileSync(shop.certificate), key: readFileSync(shop.key) };
    const kafka = client(undefined, { ssl: { ca: [readFileSync(authority.certificate)], ...certificate } });
    expect((await produce(kafka, 'orders', 'by certificate'))[0]?.errorCode).toBe(0);
    await expect(produce(kafka, 'payments', 'no')).rejects.toThrow('Topic authorization failed');
  });

  it('takes a token', async () => {
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const token = (exp: number) => `${encode({ alg: 'none' })}.${encode({ sub: 'token', exp })}.`;
    const inAMinute = Math.floor(Date.now() / 1000) + 60;
    const kafka = (exp: number) =>
      client({ mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: token(exp) }) });
    const admin = kafka(inAMinute).admin();
    await admin.connect();
    expect(await admin.listTopics()).toEqual(['orders']);
    await admin.disconnect();
    // This library takes the refusal for a success, and learns of it by the end of the connection, as with Kafka.
    const late = kafka(inAMinute - 600).admin();
    await late.connect();
    await expect(late.listTopics()).rejects.toThrow();
    await late.disconnect();
  });

  (kcatIsHere ? it : it.skip)('lets in librdkafka by each mechanism, and tells it why not', async () => {
    for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']) {
      const written = await kcat(['-P', '-t', 'orders', ...withSasl(mechanism, 'admin')], `kcat ${mechanism}`);
      expect(written).toEqual({ code: 0, out: '', err: '' });
    }
    const read = await kcat(['-C', '-e', '-q', '-t', 'orders', ...withSasl('SCRAM-SHA-512', 'reader')]);
    expect(read.out).toContain('kcat SCRAM-SHA-256\n');
    const refused = await kcat(['-L', '-m', '3', ...withSasl('SCRAM-SHA-256', 'admin', 'wrong')]);
    expect(refused.err).toContain('invalid credentials with SASL mechanism SCRAM-SHA-256');
    const keyAndCertificate = [
      '-X',
      `ssl.key.location=${shop.key}`,
      '-X',
      `ssl.certificate.location=${shop.certificate}`,
    ];
    const byCertificate = await kcat(['-L', '-X', 'security.protocol=ssl', ...keyAndCertificate]);
    expect(byCertificate.out).toContain('topic "orders"');
  });

  it('says in its log why a client of another kind gets nowhere', async () => {
    const plain = connectPlain(under.address.port, '127.0.0.1');
    plain.on('error', () => undefined);
    plain.resume();
    plain.write(Buffer.from('0000000a0012000000000001ffff', 'hex'));
    await new Promise((resolve) => plain.once('close', resolve));
    await eventually(() =>
      expect(tlsLog.at(-1)).toMatchObject({ door: 'kafka', reason: 'the client speaks plain text to a TLS port' }),
    );
    const open = await openDoorUnderTest();
    const tlsClient = connectTls({ port: open.address.port, host: '127.0.0.1', rejectUnauthorized: false });
    tlsClient.on('error', () => undefined);
    await new Promise((resolve) => tlsClient.once('close', resolve));
    await eventually(() =>
      expect(open.logged.at(-1)).toMatchObject({ reason: 'a TLS handshake came to a plaintext Kafka port' }),
    );
    await open.close();
  });
});
