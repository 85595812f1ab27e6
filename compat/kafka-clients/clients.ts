import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

const HERE = import.meta.dirname;
const CACHE = join(HERE, '.cache');
const ROOT = join(HERE, '..', '..');

export interface Client {
  /** As it is named on the command line and in the table. */
  readonly name: string;
  /** The library as its registry names it, with its version. */
  readonly library: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Whether each record can have headers of its own; yes unless said otherwise. */
  readonly headers?: boolean;
  /** The compressions that it can read, where that is not all of them. */
  readonly reads?: readonly string[];
  /** Fetches and builds what is not there yet. */
  install(): void;
}

function run(command: string, args: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}): void {
  execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...env } });
}

/** Where librdkafka is built without Debian's headers of zstd. */
const BUILT_HERE = ['none', 'gzip', 'snappy', 'lz4'];

const nodeFolder = join(CACHE, 'node');

/** All npm clients at once. The two with librdkafka inside are compiled, against the headers of the Node.js that runs them. */
function installFromNpm(): void {
  mkdirSync(nodeFolder, { recursive: true });
  for (const name of ['package.json', 'recipe', 'kafkajs', 'platformatic', 'confluent', 'rdkafka', 'kcat']) {
    const file = name.includes('.') ? name : `${name}.mjs`;
    cpSync(join(HERE, 'node', file), join(nodeFolder, file));
  }
  if (existsSync(join(nodeFolder, 'node_modules', '.package-lock.json'))) return;
  run('npm', ['install', '--no-audit', '--no-fund'], nodeFolder, {
    npm_config_nodedir: join(ROOT, 'node_modules', `node-${process.platform}-${process.arch}`),
    // The libraries of the system, not sources from elsewhere.
    CKJS_LINKING: 'dynamic',
  });
}

const npmClient = (name: string, library: string, file: string, reads?: readonly string[]): Client => ({
  name,
  library,
  ...(reads && { reads }),
  command: process.execPath,
  args: [join(nodeFolder, file)],
  install: installFromNpm,
});

const pythonFolder = join(CACHE, 'python');
const PYTHON_LIBRARIES = [
  'confluent-kafka==2.16.1',
  'kafka-python==3.0.12',
  'aiokafka==0.14.0',
  // Compressions of the two in Python.
  'cramjam==2.14.0',
  'lz4==4.4.5',
  'python-snappy==0.7.3',
  'zstandard==0.25.0',
];

function installFromPyPi(): void {
  if (existsSync(join(pythonFolder, 'installed'))) return;
  run('python3', ['-m', 'venv', pythonFolder], HERE);
  run(join(pythonFolder, 'bin', 'pip'), ['install', '--quiet', ...PYTHON_LIBRARIES], HERE);
  mkdirSync(join(pythonFolder, 'installed'));
}

const pythonClient = (name: string, library: string, file: string): Client => ({
  name,
  library,
  command: join(pythonFolder, 'bin', 'python'),
  args: [join(HERE, 'python', file)],
  install: installFromPyPi,
});

/** The jars of one version of Java's clients, Kafka Streams among them. */
export function javaLibraries(version: string): string {
  const folder = join(CACHE, `java-${version}`);
  const jars = join(folder, 'lib');
  if (!existsSync(jars)) {
    mkdirSync(folder, { recursive: true });
    cpSync(join(HERE, 'java', 'pom.xml'), join(folder, 'pom.xml'));
    run('mvn', ['-q', '-B', 'dependency:copy-dependencies', `-Dkafka=${version}`, `-DoutputDirectory=${jars}`], folder);
  }
  return jars;
}

const javaClient = (name: string, version: string): Client => ({
  name,
  library: `Maven org.apache.kafka:kafka-clients ${version}`,
  command: 'java',
  args: ['-Xmx256m', '-cp', join(CACHE, `java-${version}`, 'lib', '*'), join(HERE, 'java', 'client.java')],
  install: () => void javaLibraries(version),
});

const goFolder = join(CACHE, 'go');

const goClient = (name: string, library: string, folder: string): Client => ({
  name,
  library,
  command: join(goFolder, folder),
  args: [],
  install() {
    mkdirSync(goFolder, { recursive: true });
    run('go', ['build', '-o', `${goFolder}/`, `./${folder}`], join(HERE, 'go'));
  },
});

export const CLIENTS: readonly Client[] = [
  npmClient('kafkajs', 'npm kafkajs 2.2.4', 'kafkajs.mjs', ['none', 'gzip']),
  npmClient('platformatic', 'npm @platformatic/kafka 2.12.1', 'platformatic.mjs'),
  // It makes a string of every header's value, so that bytes which are no UTF-8 are lost on the way out.
  { ...npmClient('node-rdkafka', 'npm node-rdkafka 3.6.1', 'rdkafka.mjs', BUILT_HERE), headers: false },
  npmClient('confluent-javascript', 'npm @confluentinc/kafka-javascript 1.10.1', 'confluent.mjs', BUILT_HERE),
  {
    ...npmClient('kcat', 'Debian kcat 1.7.1', 'kcat.mjs'),
    headers: false,
  },
  pythonClient('confluent-python', 'PyPI confluent-kafka 2.16.1', 'confluent.py'),
  pythonClient('kafka-python', 'PyPI kafka-python 3.0.12', 'kafka_python.py'),
  pythonClient('aiokafka', 'PyPI aiokafka 0.14.0', 'aio.py'),
  javaClient('java-3.9', '3.9.1'),
  javaClient('java-4.3', '4.3.1'),
  goClient('franz-go', 'Go github.com/twmb/franz-go 1.22.2', 'franz'),
  goClient('sarama', 'Go github.com/IBM/sarama 1.61.1', 'sarama'),
];
