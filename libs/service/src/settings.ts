import { resolve } from 'node:path';
import { DEFAULT_REGION, parseMasterKey } from '@tailrace/identity';
import { ENCRYPTION_KEY_ID } from '@tailrace/shard-core';
import { isLoopback } from './loopback.ts';
import {
  choice,
  choices,
  hostAndPort,
  integer,
  manyMatching,
  matching,
  onOff,
  port,
  namedSecretKeys,
  secretKeys,
  secretText,
  type Setting,
  text,
} from './setting.ts';

/** Every setting of the service, in the order in which `--help` lists them. */
export const SETTINGS = {
  store: choice('TAILRACE_STORE', ['embedded', 'redis'], 'embedded', {
    help: 'Where the log lives: in a directory of this machine, or in Redis (7.0 or newer).',
  }),
  dataDir: text('TAILRACE_DATA_DIR', './.tailrace', {
    form: 'DIRECTORY',
    help: 'The data directory of the embedded store. One process at a time can have it.',
  }),
  durability: choice('TAILRACE_DURABILITY', ['sync', 'relaxed'], 'sync', {
    help: 'Embedded store: acknowledge when the record is on the disk (sync), or when the operating system has it (relaxed: survives a crash of the process, not of the machine).',
  }),
  redisUrl: text('TAILRACE_REDIS_URL', 'redis://127.0.0.1:6379', {
    form: 'URL',
    help: 'redis://, rediss://, redis+sentinel://HOST:PORT,…/MASTER or redis+cluster://HOST:PORT,…',
  }),
  minInsyncReplicas: integer('TAILRACE_MIN_INSYNC_REPLICAS', 1, {
    min: 1,
    max: 16,
    help: 'Copies of a record, the primary among them, before it is acknowledged to PutRecord and acks=all, and before readers see it.',
  }),
  host: text('TAILRACE_HOST', '127.0.0.1', {
    form: 'ADDRESS',
    help: 'The address to listen on. One that other machines reach needs TAILRACE_AUTH or TAILRACE_KAFKA_AUTH; a door that then asks nobody for credentials stays on 127.0.0.1.',
  }),
  httpPort: port('TAILRACE_HTTP_PORT', 4567, {
    help: 'Kinesis protocol and REST, HTTP/1.1 and HTTP/2. 0 takes a free one.',
  }),
  kafkaPort: port('TAILRACE_KAFKA_PORT', 9092, { help: 'Kafka protocol. 0 takes a free one.' }),
  metricsPort: port('TAILRACE_METRICS_PORT', 9464, { help: 'Prometheus metrics at /metrics. 0 takes a free one.' }),
  kafkaAdvertised: hostAndPort('TAILRACE_KAFKA_ADVERTISED', {
    help: 'The address that Kafka clients are told to connect to; by default the one that is listened on.',
  }),
  nodeId: integer('TAILRACE_NODE_ID', undefined, {
    min: 0,
    max: 2_147_483_647,
    help: 'The Kafka node id of this process; by default a free one is taken.',
  }),
  rack: matching('TAILRACE_RACK', undefined, /^[\x21-\x7e]{1,255}$/, 'must be the name of a place, without spaces', {
    form: 'ZONE',
    help: 'The zone in which this process runs, as Kafka clients name theirs (client.rack).',
  }),
  auth: choice('TAILRACE_AUTH', ['loopback', 'off', 'sigv4'], 'loopback', {
    help: 'loopback: nobody is asked for credentials, and only loopback addresses are listened on. off: nobody is asked, on any address. sigv4: requests of the Kinesis protocol must be signed with an access key (`tailrace keys`), and REST is closed. The Kafka door has TAILRACE_KAFKA_AUTH.',
  }),
  account: matching('TAILRACE_ACCOUNT', '000000000000', /^\d{12}$/, 'must be twelve digits', {
    form: 'ACCOUNT',
    help: 'With TAILRACE_AUTH=sigv4: the account that all streams belong to. Keys of other accounts need a policy of the stream beside their own. With TAILRACE_SEPARATE_ACCOUNTS: the account of the topics of Kafka clients.',
  }),
  region: matching(
    'TAILRACE_REGION',
    undefined,
    /^[a-z0-9-]{1,32}$/,
    'must be the name of a region, as in eu-central-1',
    {
      form: 'REGION',
      help: 'With TAILRACE_AUTH=sigv4: the one region that requests may be signed for. By default every region shows the same streams. With TAILRACE_SEPARATE_ACCOUNTS: the region of the topics of Kafka clients (by default us-east-1), and no region is refused.',
    },
  ),
  separateAccounts: onOff('TAILRACE_SEPARATE_ACCOUNTS', 'off', {
    help: 'on: each account has its own streams in each region of the Kinesis API. Those of TAILRACE_ACCOUNT in TAILRACE_REGION are the topics of Kafka clients; others are topics too, named ACCOUNT.REGION.STREAM. off: all accounts and regions show the same streams.',
  }),
  masterKeys: secretKeys('TAILRACE_MASTER_KEYS', parseMasterKey, {
    help: 'Encrypts the secrets of access keys in the store: 32 bytes, as 64 hexadecimal digits or in base64. Of several, the first encrypts and all decrypt. Without one, secrets are stored as they are.',
  }),
  encryptionKeys: namedSecretKeys('TAILRACE_ENCRYPTION_KEYS', ENCRYPTION_KEY_ID, parseMasterKey, {
    help: 'Keys that StartStreamEncryption can name, each with an id: 32 bytes, as 64 hexadecimal digits or in base64. The first is alias/aws/kinesis. Keep a key for as long as records lie encrypted under it: without it they cannot be read.',
  }),
  kafkaAuth: choices('TAILRACE_KAFKA_AUTH', ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer', 'mtls'], {
    form: 'MECHANISM[,MECHANISM…]',
    help: 'How Kafka clients show who they are: by SASL PLAIN or SCRAM as a user (`tailrace users`), with a token of an OAuth provider, or with a certificate (mtls). One of those named is enough. By default nobody is asked.',
  }),
  kafkaAcls: choice('TAILRACE_KAFKA_ACLS', ['auto', 'off', 'open', 'strict'], 'auto', {
    help: 'Access control lists of the Kafka door, kept by its own admin tools. open: what no entry is about, everybody may do. strict: nobody may. off: there are none. auto: strict where clients are asked who they are, else open.',
  }),
  kafkaSuperUsers: manyMatching('TAILRACE_KAFKA_SUPER_USERS', /^User:./, 'must be User:NAME, with semicolons between', {
    form: 'User:NAME[;User:NAME…]',
    help: 'Who may do everything at the Kafka door, whatever the access control lists say.',
  }),
  offsetsTopic: choice('TAILRACE_OFFSETS_TOPIC', ['named', 'always', 'never'], 'named', {
    help: 'When __consumer_offsets comes into being, the topic in which tools read what groups have committed: when a client first names it, with the start, or never.',
  }),
  kafkaSessionMs: integer('TAILRACE_KAFKA_SESSION_MS', 0, {
    min: 0,
    max: 2_147_483_647,
    form: 'MILLISECONDS',
    help: 'After how long a SASL client must authenticate again (KIP-368). 0: when its token ends, others never.',
  }),
  oauthKeys: text('TAILRACE_OAUTH_JWKS', undefined, {
    form: 'FILE|URL',
    help: 'With oauthbearer: the keys (JWKS) that tokens are signed with, in a file or at an https URL.',
  }),
  oauthIssuer: text('TAILRACE_OAUTH_ISSUER', undefined, {
    form: 'ISSUER',
    help: 'With oauthbearer: what the claim iss of a token must be. By default it is not looked at.',
  }),
  oauthAudience: text('TAILRACE_OAUTH_AUDIENCE', undefined, {
    form: 'AUDIENCE',
    help: 'With oauthbearer: what the claim aud of a token must name. By default it is not looked at.',
  }),
  oauthPrincipalClaim: text('TAILRACE_OAUTH_PRINCIPAL_CLAIM', 'sub', {
    form: 'CLAIM',
    help: 'With oauthbearer: the claim that names the user.',
  }),
  oauthUnsecured: onOff('TAILRACE_OAUTH_UNSECURED', 'off', {
    help: 'With oauthbearer, for development alone: tokens without a signature, which anybody can write.',
  }),
  tlsCert: text('TAILRACE_TLS_CERT', undefined, {
    form: 'FILE',
    help: 'TLS: the certificate, with those that lead to its root behind it, as PEM. Read again when it changes.',
  }),
  tlsKey: text('TAILRACE_TLS_KEY', undefined, { form: 'FILE', help: 'TLS: the key of the certificate, as PEM.' }),
  tlsKeyPassphrase: secretText('TAILRACE_TLS_KEY_PASSPHRASE', { help: 'TLS: opens the key, where it is encrypted.' }),
  tlsClientCa: text('TAILRACE_TLS_CLIENT_CA', undefined, {
    form: 'FILE',
    help: 'TLS: the authorities whose certificates Kafka clients may show, as PEM.',
  }),
  tlsMinVersion: choice('TAILRACE_TLS_MIN_VERSION', ['1.2', '1.3'], '1.2', { help: 'TLS: the oldest version taken.' }),
  tlsDoors: choice('TAILRACE_TLS_DOORS', ['both', 'http', 'kafka'], 'both', {
    help: 'TLS: which ports speak it. The others speak plain text.',
  }),
  limits: onOff('TAILRACE_LIMITS', 'on', {
    help: 'The per-shard limits of Kinesis: 1 MiB/s and 1,000 records/s in, 2 MiB/s and 5 calls/s out.',
  }),
  injectThrottling: integer('TAILRACE_INJECT_THROTTLING', 0, {
    min: 0,
    max: 100,
    form: 'PERCENT',
    help: 'For tests of clients: so many of a hundred records written and calls of GetRecords are refused over HTTP as if a limit were reached. Streams without a limit (ON_DEMAND, made by Kafka clients) take every record.',
  }),
  autoCreateTopics: onOff('TAILRACE_AUTO_CREATE_TOPICS', 'on', {
    help: 'Make a topic when a Kafka client asks for one that is not there.',
  }),
  defaultPartitions: integer('TAILRACE_DEFAULT_PARTITIONS', 4, {
    min: 1,
    max: 1000,
    help: 'Partitions of a topic that is made without saying how many.',
  }),
  offsetsRetentionMinutes: integer('TAILRACE_OFFSETS_RETENTION_MINUTES', 10_080, {
    min: 1,
    max: 35_791_394,
    form: 'MINUTES',
    help: "How long a Kafka group's committed offsets are kept after its last member went, or of topics that its members read no longer after the last commit.",
  }),
  consumerSessionTimeoutMs: integer('TAILRACE_CONSUMER_SESSION_TIMEOUT_MS', 45_000, {
    min: 1_000,
    max: 3_600_000,
    form: 'MILLISECONDS',
    help: 'After how long without a sign of it a member of a consumer group (group.protocol=consumer) is taken for lost. Classic members say that themselves.',
  }),
  consumerHeartbeatIntervalMs: integer('TAILRACE_CONSUMER_HEARTBEAT_INTERVAL_MS', 5_000, {
    min: 100,
    max: 600_000,
    form: 'MILLISECONDS',
    help: 'How often members of a consumer group are asked to show themselves; partitions change hands at this pace. A third of the session time-out or less.',
  }),
  shareLockDurationMsMin: integer('TAILRACE_SHARE_LOCK_DURATION_MS_MIN', 15_000, {
    min: 1_000,
    max: 60_000,
    form: 'MILLISECONDS',
    help: "The shortest time for which a share group may be set to lock its records for a member (Kafka's group.share.min.record.lock.duration.ms).",
  }),
  shutdownGraceMs: integer('TAILRACE_SHUTDOWN_GRACE_MS', 10_000, {
    min: 0,
    max: 600_000,
    form: 'MILLISECONDS',
    help: 'How long requests under way may take to finish after SIGTERM.',
  }),
  logLevel: choice('TAILRACE_LOG_LEVEL', ['error', 'warn', 'info', 'debug'], 'info', { help: 'What is logged.' }),
} as const;

type ValueOf<S> = S extends Setting<infer T> ? T : never;
/** Those whose absence is a value of its own. */
type Optional =
  | 'kafkaAdvertised'
  | 'nodeId'
  | 'region'
  | 'oauthKeys'
  | 'oauthIssuer'
  | 'oauthAudience'
  | 'tlsCert'
  | 'tlsKey'
  | 'tlsKeyPassphrase'
  | 'tlsClientCa';

export type Settings = {
  readonly [K in keyof typeof SETTINGS]: K extends Optional
    ? ValueOf<(typeof SETTINGS)[K]> | undefined
    : ValueOf<(typeof SETTINGS)[K]>;
};

export interface SettingsRead {
  readonly settings: Settings;
  /** Not wrong, but worth a line: a variable that looks like a setting and is none. */
  readonly warnings: readonly string[];
}

/** A setting that cannot be taken. The message lists every one that is wrong, a line each. */
export class BadSettings extends Error {
  override readonly name = 'BadSettings';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** Reads and validates all settings at once. Throws BadSettings. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): SettingsRead {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(SETTINGS) as [string, Setting<unknown>][]) {
    const given = env[setting.variable];
    const written = given === undefined || given === '' ? setting.fallback : given;
    if (written === undefined) {
      values[name] = undefined;
      continue;
    }
    const parsed = setting.parse(written);
    if ('value' in parsed) values[name] = parsed.value;
    else problems.push(`${setting.variable}${setting.secret ? '' : `=${written}`}: ${parsed.problem}.`);
  }
  const settings = values as unknown as Settings;
  // Settings that do not fit together are worth looking at once each of them is one.
  if (problems.length === 0) problems.push(...problemsTogether(settings));
  if (problems.length > 0) throw new BadSettings(problems);
  return { settings, warnings: [...unknownVariables(env), ...risksOf(settings)] };
}

/** Where accounts and regions are kept apart, whose the streams are that belong to nobody else; else `undefined`. */
export function homeOf({
  separateAccounts,
  account,
  region = DEFAULT_REGION,
}: Pick<Settings, 'separateAccounts' | 'account' | 'region'>): { account: string; region: string } | undefined {
  return separateAccounts ? { account, region } : undefined;
}

type Listening = Pick<Settings, 'auth' | 'host' | 'kafkaAuth'>;

/** Where the HTTP door listens: while the Kafka door alone asks for credentials, only where this machine reaches it. */
export function httpHost({ auth, host, kafkaAuth }: Listening): string {
  return auth === 'loopback' && kafkaAuth.length > 0 && !isLoopback(host) ? '127.0.0.1' : host;
}

/** Where the Kafka door listens: while the HTTP door alone asks for credentials, only where this machine reaches it. */
export function kafkaHost({ auth, host, kafkaAuth }: Listening): string {
  return auth === 'sigv4' && kafkaAuth.length === 0 && !isLoopback(host) ? '127.0.0.1' : host;
}

function problemsTogether(settings: Settings): string[] {
  const { auth, host, kafkaAuth, oauthKeys, oauthUnsecured, tlsCert, tlsKey, tlsClientCa, tlsDoors } = settings;
  const problems: string[] = [];
  if (auth === 'loopback' && kafkaAuth.length === 0 && !isLoopback(host)) {
    problems.push(
      `TAILRACE_HOST=${host}: other machines can reach this address, and no authentication is configured. ` +
        'Listen on 127.0.0.1, or set TAILRACE_AUTH=sigv4 to ask for access keys, TAILRACE_KAFKA_AUTH to ask Kafka clients, or ' +
        'TAILRACE_AUTH=off to let everybody who reaches it read and write everything.',
    );
  }
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    problems.push('TAILRACE_TLS_CERT and TAILRACE_TLS_KEY: one is set and the other is not; TLS needs both.');
  }
  if (tlsClientCa !== undefined && tlsCert === undefined) {
    problems.push(
      'TAILRACE_TLS_CLIENT_CA: without TAILRACE_TLS_CERT there is no TLS in which a client could show a certificate.',
    );
  }
  if (kafkaAuth.includes('mtls') && (tlsClientCa === undefined || tlsDoors === 'http')) {
    problems.push(
      'TAILRACE_KAFKA_AUTH=mtls: needs TLS at the Kafka port, and TAILRACE_TLS_CLIENT_CA to know whose certificates are taken.',
    );
  }
  if (kafkaAuth.includes('oauthbearer') && (oauthKeys !== undefined) === oauthUnsecured) {
    problems.push(
      oauthUnsecured
        ? 'TAILRACE_OAUTH_UNSECURED=on: together with TAILRACE_OAUTH_JWKS it would make the signatures worthless.'
        : 'TAILRACE_KAFKA_AUTH=oauthbearer: needs TAILRACE_OAUTH_JWKS, the keys that tokens are signed with.',
    );
  }
  const keysUrl = oauthKeys === undefined ? undefined : urlOf(oauthKeys);
  if (keysUrl === 'unreadable') problems.push(`TAILRACE_OAUTH_JWKS=${oauthKeys}: this is no URL.`);
  else if (keysUrl?.protocol === 'http:' && !isLoopback(keysUrl.hostname.replace(/^\[|\]$/g, ''))) {
    problems.push(
      `TAILRACE_OAUTH_JWKS=${oauthKeys}: keys that come over plain http could be anybody's; use https or a file.`,
    );
  }
  return problems;
}

/** Of text that names a place on the web, and not a file. */
function urlOf(text: string): URL | 'unreadable' | undefined {
  if (!/^https?:/i.test(text)) return undefined;
  return URL.canParse(text) ? new URL(text) : 'unreadable';
}

/** Allowed, and worth a line at the start. */
function risksOf(settings: Settings): string[] {
  const { host, kafkaAuth, kafkaAcls, kafkaSuperUsers, oauthUnsecured, oauthIssuer, oauthAudience, tlsCert, tlsDoors } =
    settings;
  const risks: string[] = [];
  const plainText = tlsCert === undefined || tlsDoors === 'http';
  if (plainText && !isLoopback(host) && (kafkaAuth.includes('plain') || kafkaAuth.includes('oauthbearer'))) {
    risks.push(
      'Kafka clients send their passwords or tokens in the clear: set TAILRACE_TLS_CERT and TAILRACE_TLS_KEY.',
    );
  }
  if (kafkaAuth.includes('oauthbearer')) {
    if (oauthUnsecured)
      risks.push('TAILRACE_OAUTH_UNSECURED=on: anybody can write a token that lets them in as anybody.');
    else if (oauthIssuer === undefined || oauthAudience === undefined) {
      risks.push(
        'Tokens that were made for other services are taken too: set TAILRACE_OAUTH_ISSUER and TAILRACE_OAUTH_AUDIENCE.',
      );
    }
  }
  const strict = kafkaAcls === 'strict' || (kafkaAcls === 'auto' && kafkaAuth.length > 0);
  if (strict && kafkaSuperUsers.length === 0) {
    risks.push(
      'Nobody may change the access control lists of Kafka unless an entry says so: TAILRACE_KAFKA_SUPER_USERS names who may.',
    );
  }
  return risks;
}

/** Where records lie, for people: the absolute path of the data directory, or `redis`. */
export function placeOfRecords({ store, dataDir }: Pick<Settings, 'store' | 'dataDir'>): string {
  return store === 'embedded' ? resolve(dataDir) : store;
}

/**
 * Only a warning: an orchestrator that links services by environment sets variables of its own, such as
 * TAILRACE_SERVICE_HOST or TAILRACE_PORT_4567_TCP, in every container beside a service of this name.
 */
function unknownVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = new Set<string>(Object.values(SETTINGS).map(({ variable }) => variable));
  return Object.keys(env)
    .filter((name) => name.startsWith('TAILRACE_') && !known.has(name))
    .filter((name) => !/^TAILRACE_(SERVICE|PORT)(_|$)/.test(name))
    .map((name) => `${name} is no setting of this service; \`tailrace --help\` lists them.`);
}

/** The settings as `--help` shows them. */
export function describeSettings(width = 100): string {
  const indent = ' '.repeat(6);
  return (Object.values(SETTINGS) as Setting<unknown>[])
    .map(({ variable, form, fallback, help }) => {
      const heading = `  ${variable}=${form}${fallback ? `   (default ${fallback})` : ''}`;
      return `${heading}\n${wrap(help, width - indent.length, indent)}`;
    })
    .join('\n');
}

function wrap(sentence: string, width: number, indent: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of sentence.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(indent + line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  lines.push(indent + line);
  return lines.join('\n');
}
