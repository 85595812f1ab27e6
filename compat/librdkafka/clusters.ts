import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { faultProxy, startRedis, temporaryDirectory } from '@tailrace/testkit';
import { kafkaDistribution, startApacheKafka } from '../apache-kafka.ts';
import { service } from '../service.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import type { Cluster } from './runner.ts';
import type { Entry } from './suite.ts';

export type Peer = 'embedded' | 'redis' | 'apache';

/** What a test needs of its cluster beyond its scenario. */
export type SetUp = 'plain' | 'tls' | 'sasl';

/** With `sasl`, 0081 leaves nothing out; the other two need a user anyway. */
const SET_UPS: Readonly<Record<string, SetUp>> = { '0081': 'sasl', '0097': 'tls', '0135': 'sasl', '0142': 'sasl' };

export function setUpOf({ number }: Entry): SetUp {
  return SET_UPS[number] ?? 'plain';
}

const USER = 'librdkafka';
const PASSWORD = 'librdkafka-secret';
/** As often a client has to show again who it is: 0142 waits for that many times. */
const SESSION_MS = 10_000;
const SASL_CONF = {
  'security.protocol': 'sasl_plaintext',
  'sasl.mechanism': 'SCRAM-SHA-256',
  'sasl.username': USER,
  'sasl.password': PASSWORD,
};

export interface ClusterOptions {
  readonly peer: Peer;
  readonly scenario: string;
  readonly setUp: SetUp;
  /** Milliseconds that each piece of an answer of the service is held back. */
  readonly delayMs?: number | undefined;
}

/** Runs `use` with a cluster of its own. */
export async function withCluster<T>(options: ClusterOptions, use: (cluster: Cluster) => Promise<T>): Promise<T> {
  const directory = await temporaryDirectory();
  try {
    const certificates = options.setUp === 'tls' ? makeCertificates(directory.path) : undefined;
    const conf = options.setUp === 'sasl' ? SASL_CONF : (certificates?.conf ?? {});
    const security = { conf, env: certificates?.env ?? {} };
    const run = options.peer === 'apache' ? withApacheKafka : withService;
    if (options.peer === 'apache' && options.setUp === 'sasl')
      throw new Error('Apache Kafka is not set up for SASL here');
    return await run(options, directory.path, certificates, (bootstrap) => use({ bootstrap, ...security }));
  } finally {
    await directory.remove();
  }
}

async function withApacheKafka<T>(
  { scenario }: ClusterOptions,
  _directory: string,
  certificates: Certificates | undefined,
  use: (bootstrap: string) => Promise<T>,
): Promise<T> {
  const broker = await startApacheKafka(
    {
      'auto.create.topics.enable': String(scenario !== 'noautocreate'),
      'group.share.min.record.lock.duration.ms': '1000',
      // As the suite's own set-up has it: entries are there, and what none is about is allowed.
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'allow.everyone.if.no.acl.found': 'true',
      'broker.rack': 'RACK1',
      ...(certificates && {
        'ssl.keystore.type': 'PKCS12',
        'ssl.keystore.location': certificates.keystore,
        'ssl.keystore.password': certificates.password,
        'ssl.key.password': certificates.password,
        'ssl.truststore.type': 'PKCS12',
        'ssl.truststore.location': certificates.truststore,
        'ssl.truststore.password': certificates.password,
        'ssl.client.auth': 'required',
      }),
    },
    certificates ? 'SSL' : 'PLAINTEXT',
  );
  try {
    return await use(broker.kafka);
  } finally {
    await broker.stop();
  }
}

/** Makes a user by Kafka's own tool, at a service that asks nobody yet. */
async function makeUser(env: Readonly<Record<string, string>>): Promise<void> {
  const server = await service({ env });
  try {
    await server.start();
    const user = ['--entity-type', 'users', '--entity-name', USER];
    const change = ['--alter', '--add-config', `SCRAM-SHA-256=[iterations=4096,password=${PASSWORD}]`];
    const tool = join(kafkaDistribution(), 'bin', 'kafka-configs.sh');
    execFileSync(tool, ['--bootstrap-server', server.kafka, ...change, ...user], { stdio: 'ignore' });
  } finally {
    await server.stop();
  }
}

async function withService<T>(
  { peer, scenario, setUp, delayMs }: ClusterOptions,
  directory: string,
  certificates: Certificates | undefined,
  use: (bootstrap: string) => Promise<T>,
): Promise<T> {
  const redis = peer === 'redis' ? await startRedis({ appendonly: true }) : undefined;
  const proxy = delayMs === undefined ? undefined : await faultProxy({ target: { port: 0 } });
  const store = {
    TAILRACE_DATA_DIR: `${directory}/data`,
    ...(redis && { TAILRACE_STORE: 'redis', TAILRACE_REDIS_URL: redis.url }),
  };
  if (setUp === 'sasl') await makeUser(store);
  const server = await service({
    env: {
      ...store,
      ...(proxy && { TAILRACE_KAFKA_ADVERTISED: `127.0.0.1:${proxy.port}` }),
      TAILRACE_LIMITS: 'off',
      TAILRACE_AUTO_CREATE_TOPICS: scenario === 'noautocreate' ? 'off' : 'on',
      TAILRACE_RACK: 'RACK1',
      // As in the suite's own set-up: its tests wait for locks to end.
      TAILRACE_SHARE_LOCK_DURATION_MS_MIN: '1000',
      ...(certificates && {
        TAILRACE_TLS_CERT: certificates.serverCertificate,
        TAILRACE_TLS_KEY: certificates.serverKey,
        TAILRACE_TLS_CLIENT_CA: certificates.ca,
        TAILRACE_TLS_DOORS: 'kafka',
        TAILRACE_KAFKA_AUTH: 'mtls',
        TAILRACE_KAFKA_ACLS: 'open',
      }),
      ...(setUp === 'sasl' && {
        TAILRACE_KAFKA_AUTH: 'scram-sha-256',
        // As in the suite's own set-up: an entry binds this user too, and what none is about is allowed.
        TAILRACE_KAFKA_ACLS: 'open',
        TAILRACE_KAFKA_SESSION_MS: String(SESSION_MS),
      }),
    },
  });
  try {
    await server.start();
    if (proxy && delayMs !== undefined) {
      proxy.target = { port: server.kafkaPort };
      proxy.delay(delayMs);
    }
    return await use(proxy ? `127.0.0.1:${proxy.port}` : server.kafka);
  } finally {
    await proxy?.stop();
    await server.stop();
    await redis?.stop();
  }
}
