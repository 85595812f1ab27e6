import { execFileSync, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { chmodSync, cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, guardProcess, temporaryDirectory } from '@tailrace/testkit';

/** The bench's list of jars and its cache: the same Apache Kafka is fetched once. */
const JAR_LIST = join(import.meta.dirname, '..', 'bench', 'peers', 'apache-kafka', 'pom.xml');
const JAR_CACHE = join(import.meta.dirname, '..', 'bench', '.cache', 'apache-kafka');
const DISTRIBUTION = join(import.meta.dirname, '.cache', 'kafka');
/** Any 22 base64url characters of a UUID. */
const CLUSTER_ID = 'Y29tcGF0LWthZmthLTAwMQ';
const START_PATIENCE_MS = 90_000;
const STOP_PATIENCE_MS = 20_000;

/** Kafka's commands that the suites call, and the class behind each. */
const COMMANDS: Readonly<Record<string, string>> = {
  'kafka-run-class.sh': '',
  'kafka-topics.sh': 'org.apache.kafka.tools.TopicCommand',
  'kafka-configs.sh': 'kafka.admin.ConfigCommand',
  'kafka-acls.sh': 'org.apache.kafka.tools.AclCommand',
  'kafka-consumer-groups.sh': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  'kafka-delete-records.sh': 'org.apache.kafka.tools.DeleteRecordsCommand',
};

/** A folder as a release of Apache Kafka 4.3.1 unpacks, as far as is needed: `libs` and `bin`. Needs Java 17, and Maven once. */
export function kafkaDistribution(): string {
  const jars = join(JAR_CACHE, 'lib');
  if (!existsSync(jars)) {
    mkdirSync(JAR_CACHE, { recursive: true });
    cpSync(JAR_LIST, join(JAR_CACHE, 'pom.xml'));
    const args = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${jars}`];
    execFileSync('mvn', args, { cwd: JAR_CACHE, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  const bin = join(DISTRIBUTION, 'bin');
  mkdirSync(bin, { recursive: true });
  const libs = join(DISTRIBUTION, 'libs');
  if (!existsSync(libs)) symlinkSync(jars, libs);
  if (Object.keys(COMMANDS).some((name) => !existsSync(join(bin, name)))) {
    for (const [name, program] of Object.entries(COMMANDS)) {
      const file = join(bin, name);
      writeFileSync(file, `#!/bin/sh\nexec java -Xmx256m -cp "${jars}/*:$CLASSPATH" ${program} "$@"\n`);
      chmodSync(file, 0o755);
    }
  }
  return DISTRIBUTION;
}

export interface ApacheKafka {
  readonly kafka: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** One KRaft node on free ports, with a small heap; clients speak `protocol` to it. `properties` come last and win. */
export async function startApacheKafka(
  properties: Readonly<Record<string, string>> = {},
  protocol: 'PLAINTEXT' | 'SSL' = 'PLAINTEXT',
): Promise<ApacheKafka> {
  const classPath = `${join(kafkaDistribution(), 'libs')}/*`;
  const [port, controllerPort] = [await freePort(), await freePort()];
  const directory = await temporaryDirectory();
  const file = join(directory.path, 'server.properties');
  const all = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `${protocol}://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `${protocol}://127.0.0.1:${port}`,
    'inter.broker.listener.name': protocol,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': `${protocol}:${protocol},CONTROLLER:PLAINTEXT`,
    'log.dirs': join(directory.path, 'logs'),
    'num.partitions': '4',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'share.coordinator.state.topic.num.partitions': '4',
    ...properties,
  };
  writeFileSync(
    file,
    Object.entries(all)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  const format = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', file];
  execFileSync('java', ['-cp', classPath, ...format], { stdio: 'ignore' });
  const child = spawn('java', ['-Xmx512m', '-Djava.awt.headless=true', '-cp', classPath, 'kafka.Kafka', file], {
    stdio: 'ignore',
  });
  const release = guardProcess(child.pid as number);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const begin = performance.now();
  while (!(await listens(port, protocol))) {
    if (child.exitCode !== null) throw new Error(`Apache Kafka ended with ${child.exitCode}`);
    if (performance.now() - begin > START_PATIENCE_MS) throw new Error('Apache Kafka did not start');
    await sleep(100);
  }
  return {
    kafka: `127.0.0.1:${port}`,
    pid: child.pid as number,
    async stop() {
      child.kill('SIGTERM');
      const overdue = setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE_MS);
      await exited;
      clearTimeout(overdue);
      release();
      await directory.remove();
    },
  };
}

/** ApiVersions version 0 gets an answer; with TLS, the port is open. */
function listens(port: number, protocol: 'PLAINTEXT' | 'SSL'): Promise<boolean> {
  return new Promise((resolve) => {
    if (protocol === 'SSL') {
      const probe = connect(port, '127.0.0.1', () => {
        probe.destroy();
        resolve(true);
      });
      probe.once('error', () => resolve(false));
      return;
    }
    const socket = connect(port, '127.0.0.1', () => socket.write(Buffer.from('0000000a0012000000000001ffff', 'hex')));
    socket.setTimeout(500, () => socket.destroy());
    socket.once('data', () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
