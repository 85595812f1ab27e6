import { parseMasterKey } from '@tailrace/identity';
import { ENCRYPTION_KEY_ID } from '@tailrace/shard-core';
import { isLoopback } from './loopback.ts';
import {
  choice,
  hostAndPort,
  integer,
  matching,
  onOff,
  port,
  namedSecretKeys,
  secretKeys,
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
    help: 'The address to listen on. One that other machines reach needs TAILRACE_AUTH.',
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
  auth: choice('TAILRACE_AUTH', ['loopback', 'off', 'sigv4'], 'loopback', {
    help: 'loopback: nobody is asked for credentials, and only loopback addresses are listened on. off: nobody is asked, on any address. sigv4: requests of the Kinesis protocol must be signed with an access key (`tailrace keys`), REST is closed, and Kafka, which asks nobody yet, listens on loopback addresses only.',
  }),
  account: matching('TAILRACE_ACCOUNT', '000000000000', /^\d{12}$/, 'must be twelve digits', {
    form: 'ACCOUNT',
    help: 'With TAILRACE_AUTH=sigv4: the account that all streams belong to. Keys of other accounts need a policy of the stream beside their own.',
  }),
  region: matching(
    'TAILRACE_REGION',
    undefined,
    /^[a-z0-9-]{1,32}$/,
    'must be the name of a region, as in eu-central-1',
    {
      form: 'REGION',
      help: 'With TAILRACE_AUTH=sigv4: the one region that requests may be signed for. By default every region shows the same streams.',
    },
  ),
  masterKeys: secretKeys('TAILRACE_MASTER_KEYS', parseMasterKey, {
    help: 'Encrypts the secrets of access keys in the store: 32 bytes, as 64 hexadecimal digits or in base64. Of several, the first encrypts and all decrypt. Without one, secrets are stored as they are.',
  }),
  encryptionKeys: namedSecretKeys('TAILRACE_ENCRYPTION_KEYS', ENCRYPTION_KEY_ID, parseMasterKey, {
    help: 'Keys that StartStreamEncryption can name, each with an id: 32 bytes, as 64 hexadecimal digits or in base64. The first is alias/aws/kinesis. Keep a key for as long as records lie encrypted under it: without it they cannot be read.',
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
type Optional = 'kafkaAdvertised' | 'nodeId' | 'region';

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
  if (problems.length === 0 && settings.auth === 'loopback' && !isLoopback(settings.host)) {
    problems.push(
      `TAILRACE_HOST=${settings.host}: other machines can reach this address, and no authentication is configured. ` +
        'Listen on 127.0.0.1, or set TAILRACE_AUTH=sigv4 to ask for access keys, or TAILRACE_AUTH=off to let everybody ' +
        'who reaches it read and write everything.',
    );
  }
  if (problems.length > 0) throw new BadSettings(problems);
  return { settings, warnings: unknownVariables(env) };
}

/** Where a door listens that asks nobody for credentials, while others do: where only this machine reaches it. */
export function hostWithoutCredentials({ auth, host }: Pick<Settings, 'auth' | 'host'>): string {
  return auth === 'sigv4' && !isLoopback(host) ? '127.0.0.1' : host;
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
