import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, SERVER_CORE, spawnOnCore, stop, until } from '../processes.ts';
import { installFromMaven } from './install.ts';
import type { Server } from './server.ts';

/** Any 22 base64url characters of a UUID. */
const CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qk';

/** One KRaft node as its own scripts would run it: 1 GB heap, G1. `undefined` where Java or Maven is missing. */
export async function startApacheKafka(): Promise<Server | undefined> {
  const folder = installFromMaven('apache-kafka');
  if (folder === undefined) return undefined;
  const [port, controllerPort] = [await freePort(), await freePort()];
  const dataDir = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'kafka-bench-'));
  const properties = join(dataDir, 'server.properties');
  writeFileSync(
    properties,
    Object.entries({
      'process.roles': 'broker,controller',
      'node.id': 1,
      'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
      listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
      'controller.listener.names': 'CONTROLLER',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      'log.dirs': join(dataDir, 'logs'),
      'offsets.topic.replication.factor': 1,
      'transaction.state.log.replication.factor': 1,
      'transaction.state.log.min.isr': 1,
      'share.coordinator.state.topic.replication.factor': 1,
      'share.coordinator.state.topic.min.isr': 1,
      'group.initial.rebalance.delay.ms': 0,
    })
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  const classPath = `${join(folder, 'lib')}/*`;
  execFileSync('java', ['-cp', classPath, 'kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', properties], {
    stdio: 'ignore',
  });
  const begin = performance.now();
  const child = spawnOnCore(
    SERVER_CORE,
    'java',
    [
      '-Xmx1G',
      '-Xms1G',
      '-server',
      '-XX:+UseG1GC',
      '-XX:MaxGCPauseMillis=20',
      '-XX:InitiatingHeapOccupancyPercent=35',
      '-XX:+ExplicitGCInvokesConcurrent',
      '-Djava.awt.headless=true',
      '-cp',
      classPath,
      'kafka.Kafka',
      properties,
    ],
    { stdio: 'ignore' },
  );
  await until('Apache Kafka', () => answers(port));
  return {
    name: 'Apache Kafka 4.3.1',
    pid: child.pid as number,
    startedInMs: performance.now() - begin,
    kafkaPort: port,
    stop: async () => {
      await stop(child);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** ApiVersions version 0 gets an answer. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
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
