/**
 * TLS, users, access control lists and quotas, administered with Apache Kafka's own command-line tools and used by its clients and
 * by Python's: each step says what it saw.
 *
 *   node compat/kafka-security/run.ts [--python]
 *
 * `--python` adds confluent-kafka and kafka-python, installed into a folder of this script's own.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { temporaryDirectory, TestAuthority } from '@tailrace/testkit';
import { kafkaDistribution } from '../apache-kafka.ts';
import { service } from '../service.ts';

const { values: options } = parseArgs({ options: { python: { type: 'boolean' } } });

const TOOLS = {
  acls: 'org.apache.kafka.tools.AclCommand',
  configs: 'kafka.admin.ConfigCommand',
  topics: 'org.apache.kafka.tools.TopicCommand',
  producer: 'org.apache.kafka.tools.ConsoleProducer',
  consumer: 'org.apache.kafka.tools.consumer.ConsoleConsumer',
} as const;
const PATIENCE_MS = 120_000;
const PYTHON_CACHE = join(import.meta.dirname, '.cache', 'python');
const PYTHON_PACKAGES = ['confluent-kafka==2.16.1', 'kafka-python==3.0.12'];

const directory = await temporaryDirectory();
const authority = new TestAuthority(directory.path);
const server = authority.server();
const shop = authority.client('/O=Example/OU=tills/CN=till');
const env = {
  TAILRACE_DATA_DIR: join(directory.path, 'data'),
  TAILRACE_TLS_CERT: server.certificate,
  TAILRACE_TLS_KEY: server.key,
  TAILRACE_TLS_CLIENT_CA: authority.certificate,
  TAILRACE_TLS_DOORS: 'kafka',
  TAILRACE_KAFKA_AUTH: 'plain,scram-sha-256,scram-sha-512,mtls',
  TAILRACE_KAFKA_SUPER_USERS: 'User:admin',
};
execFileSync(process.execPath, ['dist/tailrace.mjs', 'users', 'set', 'admin', '--password-stdin'], {
  input: 'admin-secret',
  env: { ...process.env, ...env },
});
const tailrace = await service({ env });
await tailrace.start();

let failures = 0;

/** A tool's output, both streams, without what its logging library says of itself. */
async function run(program: string, args: readonly string[], input = ''): Promise<string> {
  const child = spawn(program, args, { stdio: 'pipe', timeout: PATIENCE_MS, killSignal: 'SIGKILL' });
  let output = '';
  const hear = (chunk: Buffer) => (output += chunk.toString());
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  child.stdin.end(input);
  await new Promise((resolve) => child.once('close', resolve));
  return output.replaceAll(/^SLF4J:.*\n/gm, '').trim();
}

async function step(what: string, doing: Promise<string>, ...expected: readonly (string | RegExp)[]): Promise<void> {
  const output = await doing;
  const missing = expected.filter((one) => (typeof one === 'string' ? !output.includes(one) : !one.test(output)));
  if (missing.length > 0) failures += 1;
  console.log(`${missing.length === 0 ? 'ok      ' : 'FAILED  '}${what}`);
  if (missing.length > 0)
    console.log(`          not found: ${missing.map(String).join(', ')}\n          in: ${output}`);
}

function properties(name: string, lines: readonly string[]): string {
  const file = join(directory.path, `${name}.properties`);
  writeFileSync(
    file,
    [...lines, 'ssl.truststore.type=PEM', `ssl.truststore.location=${authority.certificate}`].join('\n'),
  );
  return file;
}

function asUser(mechanism: string, name: string, password: string): string {
  const module = mechanism === 'PLAIN' ? 'plain.PlainLoginModule' : 'scram.ScramLoginModule';
  return properties(`${name}-${mechanism}`, [
    'security.protocol=SASL_SSL',
    `sasl.mechanism=${mechanism}`,
    `sasl.jaas.config=org.apache.kafka.common.security.${module} required username="${name}" password="${password}";`,
  ]);
}

function byCertificate(): string {
  const keyStore = join(directory.path, 'till.p12');
  execFileSync('openssl', ['pkcs12', '-export', '-in', shop.certificate, '-inkey', shop.key, '-out', keyStore, '-passout', 'pass:secret']); // prettier-ignore
  return properties('till', [
    'security.protocol=SSL',
    `ssl.keystore.location=${keyStore}`,
    'ssl.keystore.type=PKCS12',
    'ssl.keystore.password=secret',
    'ssl.key.password=secret',
  ]);
}

const classPath = `${join(kafkaDistribution(), 'libs')}/*`;
const tool = (name: keyof typeof TOOLS, args: readonly string[], input = '') =>
  run(
    'java',
    [
      '-Xmx128m',
      '-XX:TieredStopAtLevel=1',
      '-cp',
      classPath,
      TOOLS[name],
      '--bootstrap-server',
      tailrace.kafka,
      ...args,
    ],
    input,
  );
const admin = asUser('SCRAM-SHA-512', 'admin', 'admin-secret');
const byAdmin = (name: 'acls' | 'configs' | 'topics', ...args: string[]) =>
  tool(name, ['--command-config', admin, ...args]);
const producer = (config: string, topic: string, text: string) =>
  tool('producer', ['--command-config', config, '--topic', topic, '--command-property', 'delivery.timeout.ms=10000', '--command-property', 'request.timeout.ms=5000', '--command-property', 'linger.ms=0'], `${text}\n`); // prettier-ignore
const consumer = (config: string, group: string, messages: number) =>
  tool('consumer', ['--command-config', config, '--topic', 'orders', '--group', group, '--from-beginning', '--max-messages', String(messages), '--timeout-ms', '15000']); // prettier-ignore

try {
  const entity = (...more: string[]) => ['--entity-type', 'users', '--entity-name', 'shop', ...more];
  const clients = ['--entity-type', 'clients', '--entity-default'];
  const ofShop = ['--allow-principal', 'User:shop'];
  await step('topics are made over TLS by an administrator with SCRAM-SHA-512', byAdmin('topics', '--create', '--topic', 'orders', '--partitions', '1'), 'Created topic orders.'); // prettier-ignore
  await step('a user gets SCRAM credentials', byAdmin('configs', '--alter', ...entity('--add-config', 'SCRAM-SHA-256=[iterations=8192,password=shop-secret],SCRAM-SHA-512=[password=shop-secret]')), 'Completed updating config for user shop.'); // prettier-ignore
  await step('which are shown without their keys', byAdmin('configs', '--describe', ...entity()), 'SCRAM-SHA-256=iterations=8192', 'SCRAM-SHA-512=iterations=4096'); // prettier-ignore
  const shopUser = asUser('SCRAM-SHA-256', 'shop', 'shop-secret');
  await step('the user does not see the topic yet', tool('topics', ['--command-config', shopUser, '--describe', '--topic', 'orders']), "Topic 'orders' does not exist"); // prettier-ignore
  // The tool's log of what goes wrong needs a library that is not there: what was refused is missing at the end.
  await producer(shopUser, 'orders', 'refused');
  await step('entries let it write', byAdmin('acls', '--add', ...ofShop, '--producer', '--topic', 'orders'), 'Adding ACLs for resource', 'operation=WRITE'); // prettier-ignore
  await producer(shopUser, 'orders', 'by scram');
  await producer(asUser('PLAIN', 'shop', 'shop-secret'), 'orders', 'by plain');
  await producer(shopUser, 'payments', 'refused');
  await step('a topic that it may not make is not made', byAdmin('topics', '--list'), /^orders$/);
  const wrong = asUser('SCRAM-SHA-512', 'shop', 'wrong');
  await step('a wrong password is told as such', tool('topics', ['--command-config', wrong, '--list']), 'invalid credentials with SASL mechanism SCRAM-SHA-512'); // prettier-ignore
  await step('entries let a certificate write', byAdmin('acls', '--add', '--allow-principal', 'User:CN=till,OU=tills,O=Example', '--producer', '--topic', 'orders'), 'User:CN=till,OU=tills,O=Example'); // prettier-ignore
  await producer(byCertificate(), 'orders', 'by certificate');
  await step('entries let the user read in groups', byAdmin('acls', '--add', ...ofShop, '--consumer', '--topic', 'orders', '--group', 'team-', '--resource-pattern-type', 'prefixed'), 'patternType=PREFIXED'); // prettier-ignore
  await step('of a prefix goes for the topic as well, so that one is added', byAdmin('acls', '--add', ...ofShop, '--operation', 'Read', '--topic', 'orders'), 'operation=READ'); // prettier-ignore
  await step('entries are listed', byAdmin('acls', '--list', '--topic', 'orders'), 'principal=User:shop', 'operation=WRITE', 'operation=DESCRIBE'); // prettier-ignore
  await step('the user reads what it wrote by SCRAM and PLAIN, and what the certificate wrote', consumer(shopUser, 'team-1', 3), 'by scram', 'by plain', 'by certificate'); // prettier-ignore
  await step('but not in another group', consumer(shopUser, 'other', 1), 'Processed a total of 0 messages');
  await step('quotas are set', byAdmin('configs', '--alter', '--add-config', 'producer_byte_rate=1024,request_percentage=50', ...entity(), ...clients), 'Completed updating config'); // prettier-ignore
  await step('and shown', byAdmin('configs', '--describe', ...entity(), ...clients), 'producer_byte_rate=1024', 'request_percentage=50'); // prettier-ignore
  await byAdmin('acls', '--remove', '--force', ...ofShop, '--producer', '--topic', 'orders');
  await producer(shopUser, 'orders', 'refused');
  await step('entries that are removed are gone', byAdmin('acls', '--list', '--topic', 'orders', '--principal', 'User:shop'), /^(?![\s\S]*operation=WRITE)/); // prettier-ignore
  await step('credentials are removed', byAdmin('configs', '--alter', ...entity('--delete-config', 'SCRAM-SHA-256')), 'Completed updating config for user shop.'); // prettier-ignore
  await step('and let nobody in', tool('topics', ['--command-config', shopUser, '--list']), 'invalid credentials with SASL mechanism SCRAM-SHA-256'); // prettier-ignore
  await step('nothing that was refused is there', consumer(admin, 'all', 4), 'Processed a total of 3 messages', /^(?![\s\S]*refused)/); // prettier-ignore
  if (options.python) {
    if (!existsSync(PYTHON_CACHE)) {
      execFileSync('python3', ['-m', 'pip', 'install', '--quiet', '--target', PYTHON_CACHE, ...PYTHON_PACKAGES], { stdio: 'inherit' }); // prettier-ignore
    }
    process.env.PYTHONPATH = PYTHON_CACHE;
    for (const library of ['confluent', 'kafka-python']) {
      for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']) {
        const script = join(import.meta.dirname, 'client.py');
        const args = [script, library, tailrace.kafka, authority.certificate, mechanism, 'admin', 'admin-secret'];
        await step(`${library} writes and reads by ${mechanism}`, run('python3', args), 'read back');
      }
    }
  }
} finally {
  await tailrace.stop();
  await directory.remove();
}
console.log(failures === 0 ? 'passed' : `FAILED: ${failures} steps`);
process.exitCode = failures === 0 ? 0 : 1;
