import { describe, expect, it } from '@jest/globals';
import {
  BadSettings,
  describeSettings,
  httpHost,
  isLoopback,
  placeOfRecords,
  kafkaHost,
  readSettings,
  SETTINGS,
} from './index.ts';

const problemsOf = (env: Record<string, string>): readonly string[] => {
  try {
    readSettings(env);
  } catch (error) {
    if (error instanceof BadSettings) return error.problems;
    throw error;
  }
  return [];
};

describe('settings', () => {
  it('have the documented defaults', () => {
    expect(readSettings({})).toEqual({
      warnings: [],
      settings: {
        store: 'embedded',
        dataDir: './.tailrace',
        durability: 'sync',
        redisUrl: 'redis://127.0.0.1:6379',
        minInsyncReplicas: 1,
        host: '127.0.0.1',
        httpPort: 4567,
        kafkaPort: 9092,
        metricsPort: 9464,
        kafkaAdvertised: undefined,
        nodeId: undefined,
        rack: undefined,
        auth: 'loopback',
        account: '000000000000',
        region: undefined,
        separateAccounts: false,
        masterKeys: [],
        encryptionKeys: [],
        limits: true,
        injectThrottling: 0,
        autoCreateTopics: true,
        defaultPartitions: 4,
        offsetsRetentionMinutes: 10_080,
        consumerSessionTimeoutMs: 45_000,
        consumerHeartbeatIntervalMs: 5_000,
        shareLockDurationMsMin: 15_000,
        kafkaAuth: [],
        kafkaAcls: 'auto',
        kafkaSuperUsers: [],
        offsetsTopic: 'named',
        kafkaSessionMs: 0,
        oauthKeys: undefined,
        oauthIssuer: undefined,
        oauthAudience: undefined,
        oauthPrincipalClaim: 'sub',
        oauthUnsecured: false,
        tlsCert: undefined,
        tlsKey: undefined,
        tlsKeyPassphrase: undefined,
        tlsClientCa: undefined,
        tlsMinVersion: '1.2',
        tlsDoors: 'both',
        shutdownGraceMs: 10_000,
        logLevel: 'info',
      },
    });
  });

  it('are all listed by the help, with form and default', () => {
    const help = describeSettings();
    for (const { variable, form, fallback } of Object.values(SETTINGS)) {
      expect(help).toContain(`${variable}=${form}${fallback ? `   (default ${fallback})` : ''}`);
    }
  });

  it.each([
    [{ TAILRACE_STORE: 'postgres' }, ['TAILRACE_STORE=postgres: must be embedded or redis.']],
    [{ TAILRACE_HTTP_PORT: '65536' }, ['TAILRACE_HTTP_PORT=65536: must be a whole number from 0 to 65535.']],
    [{ TAILRACE_HTTP_PORT: '-1' }, ['TAILRACE_HTTP_PORT=-1: must be a whole number from 0 to 65535.']],
    [{ TAILRACE_LIMITS: 'maybe' }, ['TAILRACE_LIMITS=maybe: must be on or off.']],
    [{ TAILRACE_AUTH: 'on' }, ['TAILRACE_AUTH=on: must be loopback, off or sigv4.']],
    [{ TAILRACE_RACK: 'zone a' }, ['TAILRACE_RACK=zone a: must be the name of a place, without spaces.']],
    [{ TAILRACE_ACCOUNT: '12345678901' }, ['TAILRACE_ACCOUNT=12345678901: must be twelve digits.']],
    [{ TAILRACE_REGION: 'EU' }, ['TAILRACE_REGION=EU: must be the name of a region, as in eu-central-1.']],
    [{ TAILRACE_INJECT_THROTTLING: '101' }, ['TAILRACE_INJECT_THROTTLING=101: must be a whole number from 0 to 100.']],
    [
      { TAILRACE_MASTER_KEYS: `${'ab'.repeat(32)},hush` },
      [
        'TAILRACE_MASTER_KEYS: must be keys of 32 bytes, each as 64 hexadecimal digits or in base64, with commas between.',
      ],
    ],
    [
      { TAILRACE_KAFKA_ADVERTISED: 'nowhere' },
      ['TAILRACE_KAFKA_ADVERTISED=nowhere: must be HOST:PORT, as in stream.example.org:9092.'],
    ],
    [
      { TAILRACE_DURABILITY: 'none', TAILRACE_KAFKA_PORT: 'x' },
      [
        'TAILRACE_DURABILITY=none: must be sync or relaxed.',
        'TAILRACE_KAFKA_PORT=x: must be a whole number from 0 to 65535.',
      ],
    ],
  ])('refuse %p', (env, problems) => {
    expect(problemsOf(env as Record<string, string>)).toEqual(problems);
  });

  it.each(['127.0.0.1', '127.8.9.10', '::1', 'localhost'])(
    'take the loopback address %s without authentication',
    (host) => {
      expect(isLoopback(host)).toBe(true);
      expect(readSettings({ TAILRACE_HOST: host }).settings.host).toEqual(host);
    },
  );

  it.each(['0.0.0.0', '::', '10.0.0.1', 'stream.example.org'])(
    'refuse %s unless authentication is said to be off',
    (host) => {
      expect(problemsOf({ TAILRACE_HOST: host })).toEqual([expect.stringContaining('TAILRACE_AUTH=off')]);
      expect(readSettings({ TAILRACE_HOST: host, TAILRACE_AUTH: 'off' }).settings.host).toEqual(host);
    },
  );

  it('take any address when signatures are checked, but for doors that check none', () => {
    const { settings } = readSettings({ TAILRACE_HOST: '0.0.0.0', TAILRACE_AUTH: 'sigv4' });
    expect(settings.host).toBe('0.0.0.0');
    expect([httpHost(settings), kafkaHost(settings)]).toEqual(['0.0.0.0', '127.0.0.1']);
    expect(kafkaHost({ auth: 'sigv4', host: '::1', kafkaAuth: [] })).toBe('::1');
    expect(kafkaHost({ auth: 'off', host: '0.0.0.0', kafkaAuth: [] })).toBe('0.0.0.0');
  });

  it('take any address when Kafka clients are asked who they are, but for the door that asks nobody', () => {
    const { settings } = readSettings({ TAILRACE_HOST: '0.0.0.0', TAILRACE_KAFKA_AUTH: 'SCRAM-SHA-512, plain' });
    expect(settings.kafkaAuth).toEqual(['scram-sha-512', 'plain']);
    expect([httpHost(settings), kafkaHost(settings)]).toEqual(['127.0.0.1', '0.0.0.0']);
    const both = { auth: 'sigv4', host: '0.0.0.0', kafkaAuth: ['plain'] } as const;
    expect([httpHost(both), kafkaHost(both)]).toEqual(['0.0.0.0', '0.0.0.0']);
  });

  it.each([
    [{ TAILRACE_TLS_CERT: 'a.pem' }, 'TAILRACE_TLS_CERT and TAILRACE_TLS_KEY: one is set'],
    [{ TAILRACE_TLS_CLIENT_CA: 'ca.pem' }, 'TAILRACE_TLS_CLIENT_CA: without TAILRACE_TLS_CERT'],
    [{ TAILRACE_KAFKA_AUTH: 'mtls' }, 'TAILRACE_KAFKA_AUTH=mtls: needs TLS at the Kafka port'],
    [{ TAILRACE_KAFKA_AUTH: 'oauthbearer' }, 'TAILRACE_KAFKA_AUTH=oauthbearer: needs TAILRACE_OAUTH_JWKS'],
    [
      { TAILRACE_KAFKA_AUTH: 'oauthbearer', TAILRACE_OAUTH_JWKS: 'k.json', TAILRACE_OAUTH_UNSECURED: 'on' },
      'TAILRACE_OAUTH_UNSECURED=on: together with TAILRACE_OAUTH_JWKS',
    ],
    [{ TAILRACE_OAUTH_JWKS: 'http://idp.example.org/keys' }, 'keys that come over plain http'],
    [{ TAILRACE_OAUTH_JWKS: 'http:' }, 'this is no URL'],
    [{ TAILRACE_KAFKA_AUTH: 'gssapi' }, 'TAILRACE_KAFKA_AUTH=gssapi: must be some of plain, scram-sha-256'],
    [{ TAILRACE_KAFKA_SUPER_USERS: 'admin' }, 'TAILRACE_KAFKA_SUPER_USERS=admin: must be User:NAME'],
  ])('refuse what does not fit together: %p', (env, problem) => {
    expect(problemsOf(env as Record<string, string>)).toEqual([expect.stringContaining(problem)]);
  });

  it('warn of what is allowed and dangerous', () => {
    const warned = (env: Record<string, string>) => readSettings(env).warnings;
    const superUser = { TAILRACE_KAFKA_SUPER_USERS: 'User:admin;User:CN=ops,O=Example' };
    expect(readSettings(superUser).settings.kafkaSuperUsers).toEqual(['User:admin', 'User:CN=ops,O=Example']);
    expect(warned({ TAILRACE_KAFKA_AUTH: 'plain', ...superUser })).toEqual([]);
    expect(warned({ TAILRACE_KAFKA_AUTH: 'plain', TAILRACE_HOST: '0.0.0.0', ...superUser })).toEqual([
      expect.stringContaining('in the clear'),
    ]);
    expect(warned({ TAILRACE_KAFKA_AUTH: 'scram-sha-256' })).toEqual([
      expect.stringContaining('TAILRACE_KAFKA_SUPER_USERS names who may'),
    ]);
    expect(warned({ TAILRACE_KAFKA_AUTH: 'oauthbearer', TAILRACE_OAUTH_UNSECURED: 'on', ...superUser })).toEqual([
      expect.stringContaining('anybody can write a token'),
    ]);
    expect(warned({ TAILRACE_KAFKA_AUTH: 'oauthbearer', TAILRACE_OAUTH_JWKS: 'k.json', ...superUser })).toEqual([
      expect.stringContaining('made for other services'),
    ]);
  });

  it('take master keys in both forms', () => {
    const key = Buffer.alloc(32, 0xab);
    const { settings } = readSettings({
      TAILRACE_MASTER_KEYS: `${key.toString('hex')},${key.toString('base64')}`,
    });
    expect(settings.masterKeys).toEqual([key, key]);
  });

  it('reads keys with ids, in their order', () => {
    const [one, two] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const { settings } = readSettings({
      TAILRACE_ENCRYPTION_KEYS: `2026-11=${two.toString('base64')},old=${one.toString('hex')}`,
    });
    expect(settings.encryptionKeys).toEqual([
      { id: '2026-11', bytes: two },
      { id: 'old', bytes: one },
    ]);
  });

  it.each(['hush', '=hush', 'a=hush', `a b=${'ab'.repeat(32)}`, `a=${'ab'.repeat(32)},a=${'cd'.repeat(32)}`])(
    'refuses keys with ids that are not in order (%s), and does not show them',
    (TAILRACE_ENCRYPTION_KEYS) => {
      const [problem, ...others] = problemsOf({ TAILRACE_ENCRYPTION_KEYS });
      expect(problem).toMatch(/^TAILRACE_ENCRYPTION_KEYS: must be keys, each as ID=KEY, with commas between: /);
      expect(problem).not.toContain('hush');
      expect(others).toEqual([]);
    },
  );

  it('take an IPv6 host in brackets as advertised address', () => {
    expect(readSettings({ TAILRACE_KAFKA_ADVERTISED: '[::1]:9092' }).settings.kafkaAdvertised).toEqual({
      host: '::1',
      port: 9092,
    });
  });

  it('warn of a misspelt variable, not of those that an orchestrator sets', () => {
    expect(
      readSettings({ TAILRACE_STOER: 'redis', TAILRACE_SERVICE_HOST: 'x', TAILRACE_PORT_4567_TCP: 'y' }).warnings,
    ).toEqual(['TAILRACE_STOER is no setting of this service; `tailrace --help` lists them.']);
  });

  it('take an empty variable as absent', () => {
    expect(readSettings({ TAILRACE_STORE: '' }).settings.store).toEqual('embedded');
  });
});

describe('placeOfRecords', () => {
  it('is the absolute path of the data directory, or the name of the other store', () => {
    expect(placeOfRecords({ store: 'embedded', dataDir: '/var/lib/tailrace' })).toBe('/var/lib/tailrace');
    expect(placeOfRecords({ store: 'embedded', dataDir: 'data' })).toBe(`${process.cwd()}/data`);
    expect(placeOfRecords({ store: 'redis', dataDir: './.tailrace' })).toBe('redis');
  });
});
