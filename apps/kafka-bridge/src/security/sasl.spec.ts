import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  alterUserScramCredentialsApi,
  apiVersionsApi,
  describeUserScramCredentialsApi,
  errorCodes,
  metadataApi,
  saslAuthenticateApi,
  saslHandshakeApi,
} from '@tailrace/kafka-protocol';
import { credentialOfPassword, type ScramMechanism, Users } from '@tailrace/identity';
import { eventually } from '@tailrace/testkit';
import { type DoorUnderTest, openDoorUnderTest } from '../testing/door-under-test.ts';
import { authenticate, scramClient } from '../testing/sasl-client.ts';
import { FRAME_BYTES_MAX_BEFORE_AUTHENTICATION } from './sasl-session.ts';

const allTopics = { topics: null, allowAutoTopicCreation: false };
const versions = { clientSoftwareName: 'spec', clientSoftwareVersion: '1' };
const { NONE, ILLEGAL_SASL_STATE, SASL_AUTHENTICATION_FAILED, UNSUPPORTED_SASL_MECHANISM } = errorCodes;

async function addUser(under: DoorUnderTest, name: string, password: string, mechanisms: readonly ScramMechanism[]) {
  const users = await Users.open(under.store.documents);
  for (const mechanism of mechanisms) {
    await users.change(name, [{ mechanism, credential: await credentialOfPassword(mechanism, password) }]);
  }
  await users.close();
}

describe('a door that asks who comes', () => {
  let under: DoorUnderTest;
  const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

  beforeAll(async () => {
    under = await openDoorUnderTest({
      security: { mechanisms, sessionMsMax: 0, failureDelayMs: 5, acls: 'open', superUsers: ['User:alice'] },
    });
    await addUser(under, 'alice', 'wonder=land,', ['SCRAM-SHA-256', 'SCRAM-SHA-512']);
    await addUser(under, 'b=o,b', 'secret', ['SCRAM-SHA-512']);
    await eventually(async () => {
      const client = await under.connect();
      expect((await authenticate(client, 'PLAIN', 'b=o,b', 'secret')).errorCode).toBe(NONE);
      client.close();
    });
  });
  afterAll(() => under.close());

  it.each(mechanisms)('lets in who knows the password, by %s, and nobody before', async (mechanism) => {
    const client = await under.connect();
    expect((await client.request(apiVersionsApi, 3, versions)).errorCode).toBe(NONE);
    expect(await authenticate(client, mechanism, 'alice', 'wonder=land,')).toMatchObject({
      errorCode: NONE,
      sessionLifetimeMs: 0n,
    });
    expect((await client.request(metadataApi, 9, allTopics)).brokers).toHaveLength(1);
    client.close();
    const stranger = await under.connect();
    await expect(stranger.request(metadataApi, 9, allTopics)).rejects.toThrow('closed');
    expect(under.logged.at(-1)).toMatchObject({ reason: expect.stringContaining('not configured for SASL') });
  });

  it('takes names with commas and equal signs', async () => {
    const client = await under.connect();
    expect((await authenticate(client, 'SCRAM-SHA-512', 'b=o,b', 'secret')).errorCode).toBe(NONE);
    client.close();
  });

  it.each([
    ['PLAIN', 'alice', 'wrong'],
    ['PLAIN', 'nobody', 'wrong'],
    ['SCRAM-SHA-256', 'alice', 'wrong'],
    ['SCRAM-SHA-256', 'nobody', 'wrong'],
    // Has a password, but not for this mechanism.
    ['SCRAM-SHA-256', 'b=o,b', 'secret'],
  ])(
    'refuses %s of %s with a wrong password, in the same words for everybody, and closes',
    async (mechanism, name, password) => {
      const client = await under.connect();
      const outcome = await authenticate(client, mechanism, name, password);
      expect(outcome).toMatchObject({
        errorCode: SASL_AUTHENTICATION_FAILED,
        errorMessage:
          mechanism === 'PLAIN'
            ? 'Authentication failed: Invalid username or password'
            : `Authentication failed during authentication due to invalid credentials with SASL mechanism ${mechanism}`,
      });
      await client.closed;
    },
  );

  it('takes bare messages after a handshake of version 0, and keeps the connection for requests', async () => {
    const client = await under.connect();
    expect(await client.request(saslHandshakeApi, 0, { mechanism: 'SCRAM-SHA-256' })).toEqual({
      errorCode: NONE,
      mechanisms: [...mechanisms],
    });
    const framed = (bytes: Buffer) => {
      const length = Buffer.alloc(4);
      length.writeInt32BE(bytes.length);
      return Buffer.concat([length, bytes]);
    };
    const scram = scramClient('SCRAM-SHA-256', 'alice', 'wonder=land,');
    const serverFirst = await client.exchange(framed(scram.first));
    const serverFinal = await client.exchange(framed(scram.final(serverFirst)));
    expect(scram.isProof(serverFinal)).toBe(true);
    expect((await client.request(metadataApi, 9, allTopics)).brokers).toHaveLength(1);
    client.close();
    const wrong = await under.connect();
    await wrong.request(saslHandshakeApi, 0, { mechanism: 'PLAIN' });
    await expect(wrong.exchange(framed(Buffer.from('\0alice\0wrong')))).rejects.toThrow('closed');
  });

  it('names what it offers to who asks for something else, and closes', async () => {
    const client = await under.connect();
    expect(await client.request(saslHandshakeApi, 1, { mechanism: 'GSSAPI' })).toEqual({
      errorCode: UNSUPPORTED_SASL_MECHANISM,
      mechanisms: [...mechanisms],
    });
    await client.closed;
  });

  it.each([
    ['another request in between', async (client) => client.request(metadataApi, 9, allTopics)],
    ['a second handshake', async (client) => client.request(saslHandshakeApi, 1, { mechanism: 'PLAIN' })],
    ['ApiVersions in between', async (client) => client.request(apiVersionsApi, 3, versions)],
  ] as [string, (client: Awaited<ReturnType<DoorUnderTest['connect']>>) => Promise<unknown>][])(
    'closes on %s',
    async (_what, ask) => {
      const client = await under.connect();
      await client.request(saslHandshakeApi, 1, { mechanism: 'SCRAM-SHA-256' });
      await expect(ask(client)).rejects.toThrow('closed');
      expect(under.logged.at(-1)).toMatchObject({ reason: expect.stringContaining('came during authentication') });
    },
  );

  it('refuses a message of a mechanism that nobody has named', async () => {
    const client = await under.connect();
    await expect(
      client.request(saslAuthenticateApi, 2, { authBytes: Buffer.from('\0alice\0wonder=land,') }),
    ).rejects.toThrow('closed');
  });

  it('refuses to begin again a moment after, and keeps the connection', async () => {
    const client = await under.connect();
    await authenticate(client, 'PLAIN', 'alice', 'wonder=land,');
    expect((await client.request(saslHandshakeApi, 1, { mechanism: 'PLAIN' })).errorCode).toBe(ILLEGAL_SASL_STATE);
    const late = await client.request(saslAuthenticateApi, 2, { authBytes: Buffer.from('\0alice\0wonder=land,') });
    expect(late.errorCode).toBe(ILLEGAL_SASL_STATE);
    expect((await client.request(metadataApi, 9, allTopics)).brokers).toHaveLength(1);
    client.close();
  });

  it('takes frames of half a mebibyte from strangers, and not one byte more', async () => {
    const client = await under.connect();
    const length = Buffer.alloc(4);
    length.writeInt32BE(FRAME_BYTES_MAX_BEFORE_AUTHENTICATION + 1);
    client.socket.write(length);
    await client.closed;
    expect(under.logged.at(-1)).toMatchObject({ reason: expect.stringContaining('at most 524288 are taken') });
    const known = await under.connect();
    await authenticate(known, 'PLAIN', 'alice', 'wonder=land,');
    known.socket.write(length);
    known.socket.write(Buffer.alloc(10));
    await delay(50);
    expect(known.socket.destroyed).toBe(false);
    known.close();
    const atBound = await under.connect();
    length.writeInt32BE(FRAME_BYTES_MAX_BEFORE_AUTHENTICATION);
    atBound.socket.write(length);
    await delay(50);
    expect(atBound.socket.destroyed).toBe(false);
    atBound.close();
  });

  it('takes users from admin tools, who count at once, and never shows what it keeps', async () => {
    const admin = await under.connect();
    await authenticate(admin, 'PLAIN', 'alice', 'wonder=land,');
    const { pbkdf2Sync } = await import('node:crypto');
    const salt = Buffer.from('some salt of ours');
    const saltedPassword = pbkdf2Sync('told', salt, 8192, 32, 'sha256');
    const upsertion = { name: 'carol', mechanism: 1, iterations: 8192, salt, saltedPassword };
    const alter = (deletions: { name: string; mechanism: number }[], upsertions: (typeof upsertion)[]) =>
      admin.request(alterUserScramCredentialsApi, 0, { deletions, upsertions });
    expect((await alter([], [upsertion])).results).toEqual([{ user: 'carol', errorCode: NONE, errorMessage: null }]);
    const carol = await under.connect();
    expect((await authenticate(carol, 'SCRAM-SHA-256', 'carol', 'told')).errorCode).toBe(NONE);
    carol.close();
    const described = await admin.request(describeUserScramCredentialsApi, 0, {
      users: [{ name: 'carol' }, { name: 'nobody' }, { name: 'alice' }, { name: 'alice' }],
    });
    expect(described.results).toEqual([
      { user: 'carol', errorCode: NONE, errorMessage: null, credentialInfos: [{ mechanism: 1, iterations: 8192 }] },
      {
        user: 'nobody',
        errorCode: errorCodes.RESOURCE_NOT_FOUND,
        errorMessage: 'Attempt to describe a user credential that does not exist: nobody',
        credentialInfos: [],
      },
      {
        user: 'alice',
        errorCode: errorCodes.DUPLICATE_RESOURCE,
        errorMessage: 'Cannot describe SCRAM credentials for the same user twice in a single request: alice',
        credentialInfos: [],
      },
    ]);
    const all = await admin.request(describeUserScramCredentialsApi, 0, { users: null });
    expect(all.results.map(({ user }) => user)).toEqual(['alice', 'b=o,b', 'carol']);
    const codes = async (deletions: { name: string; mechanism: number }[], upsertions: (typeof upsertion)[]) =>
      (await alter(deletions, upsertions)).results.map(({ errorCode }) => errorCode);
    expect(await codes([{ name: 'carol', mechanism: 2 }], [])).toEqual([errorCodes.RESOURCE_NOT_FOUND]);
    expect(await codes([{ name: 'carol', mechanism: 9 }], [])).toEqual([UNSUPPORTED_SASL_MECHANISM]);
    expect(await codes([{ name: 'carol', mechanism: 1 }], [upsertion])).toEqual([errorCodes.DUPLICATE_RESOURCE]);
    for (const wrong of [
      { iterations: 4095 },
      { iterations: 16385 },
      { name: '' },
      { salt: Buffer.alloc(0) },
      { saltedPassword: salt },
    ]) {
      expect(await codes([], [{ ...upsertion, ...wrong }])).toEqual([errorCodes.UNACCEPTABLE_CREDENTIAL]);
    }
    expect(await codes([{ name: 'carol', mechanism: 1 }], [])).toEqual([NONE]);
    const gone = await under.connect();
    expect((await authenticate(gone, 'SCRAM-SHA-256', 'carol', 'told')).errorCode).toBe(SASL_AUTHENTICATION_FAILED);
    admin.close();
  });

  it('survives whatever comes instead of a message', async () => {
    let seed = 7;
    const random = (below: number) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % below;
    for (let i = 0; i < 60; i++) {
      const client = await under.connect();
      const mechanism = mechanisms[i % mechanisms.length] as string;
      await client.request(saslHandshakeApi, 1, { mechanism });
      const right =
        mechanism === 'PLAIN'
          ? Buffer.from('\0alice\0wonder=land,')
          : scramClient(mechanism, 'alice', 'wonder=land,').first;
      const garbage =
        i % 2 === 0
          ? right.subarray(0, random(right.length - 1))
          : Buffer.from(right.map((byte) => (random(4) === 0 ? random(256) : byte)));
      const first = await client.request(saslAuthenticateApi, 2, { authBytes: garbage });
      if (first.errorCode === NONE) {
        const second = await client.request(saslAuthenticateApi, 2, { authBytes: Buffer.from(`c=biws,r=x,p=${i}`) });
        expect(second.errorCode).toBe(SASL_AUTHENTICATION_FAILED);
      } else expect(first.errorCode).toBe(SASL_AUTHENTICATION_FAILED);
      await client.closed;
    }
  });
});

describe('a session that is over', () => {
  it('is told beforehand, can be renewed by the same client as the same user, and ends the connection otherwise', async () => {
    const security = {
      mechanisms: ['PLAIN', 'SCRAM-SHA-256'],
      sessionMsMax: 1_600,
      failureDelayMs: 5,
      acls: 'open',
    } as const;
    const under = await openDoorUnderTest({ security });
    await addUser(under, 'alice', 'a', ['SCRAM-SHA-256']);
    await addUser(under, 'bob', 'b', ['SCRAM-SHA-256']);
    await delay(100);
    const [renewing, other, changing, lazy] = await Promise.all([1, 2, 3, 4].map(() => under.connect()));
    for (const client of [renewing, other, changing, lazy]) {
      expect(await authenticate(client!, 'PLAIN', 'alice', 'a')).toMatchObject({
        errorCode: NONE,
        sessionLifetimeMs: 1_600n,
      });
    }
    await delay(1_100);
    expect(await authenticate(renewing!, 'PLAIN', 'alice', 'a')).toMatchObject({
      errorCode: NONE,
      sessionLifetimeMs: 1_600n,
    });
    expect(await authenticate(other!, 'PLAIN', 'bob', 'b')).toMatchObject({
      errorCode: SASL_AUTHENTICATION_FAILED,
      errorMessage: 'Cannot change principals during re-authentication from User:alice to User:bob',
    });
    await other!.closed;
    expect((await changing!.request(saslHandshakeApi, 1, { mechanism: 'SCRAM-SHA-256' })).errorCode).toBe(
      UNSUPPORTED_SASL_MECHANISM,
    );
    await changing!.closed;
    await delay(800);
    await expect(lazy!.request(metadataApi, 9, allTopics)).rejects.toThrow('closed');
    expect((await renewing!.request(metadataApi, 9, allTopics)).brokers).toHaveLength(1);
    await under.close();
  });
});

describe('a door that asks nobody', () => {
  it('says so to who wants to authenticate', async () => {
    const under = await openDoorUnderTest();
    const client = await under.connect();
    expect(await client.request(saslHandshakeApi, 1, { mechanism: 'PLAIN' })).toEqual({
      errorCode: ILLEGAL_SASL_STATE,
      mechanisms: [],
    });
    expect((await client.request(saslAuthenticateApi, 2, { authBytes: Buffer.alloc(0) })).errorCode).toBe(
      ILLEGAL_SASL_STATE,
    );
    expect((await client.request(metadataApi, 9, allTopics)).brokers).toHaveLength(1);
    await under.close();
  });
});
