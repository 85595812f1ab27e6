/**
 * Groups of real clients whose members come, go, crash and change their protocol while records flow, with a check of every
 * record:
 *
 *   node compat/consumer-groups/run.ts [LIBRARY …]     java, python, confluent-javascript, kafkajs; all by default
 *
 *   --scenarios join,crash    only these: join, crash, rolling, migration, restart
 *   --redis                   the service on Redis, instead of the embedded store
 *   --peer apache             a real Apache Kafka 4.3.1 instead of the service, which then is not killed (restart)
 *
 * Each scenario has a topic of 12 partitions, into each of which a record is written every 50 ms. In the end every record must
 * have been read, and the group must have committed the end of every partition; and no record may have been read twice, but
 * where something was killed, or spoke the classic protocol.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startRedis, temporaryDirectory } from '@tailrace/testkit';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { startApacheKafka } from '../apache-kafka.ts';
import { type Service, service } from '../service.ts';
import { listGroups } from './list-groups.ts';
import { install, Ledger, type Library, Member, type Protocol, PROTOCOLS } from './members.ts';

const PARTITIONS = 12;
const RECORD_EVERY_MS = 50;
const PATIENCE_MS = 60_000;
const SESSION_MS = 6_000;
const HEARTBEAT_MS = 500;
const SCENARIOS = ['join', 'crash', 'rolling', 'migration', 'restart'] as const;
type Scenario = (typeof SCENARIOS)[number];

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { scenarios: { type: 'string' }, redis: { type: 'boolean' }, peer: { type: 'string' } },
});
if (options.peer !== undefined && options.peer !== 'apache') throw new Error(`--peer ${options.peer}: there is apache`);

/** What a scenario needs of the service, or of its peer. */
type Server = Pick<Service, 'kafka' | 'kafkaPort' | 'start' | 'stop' | 'kill9'>;

async function until(what: string, reached: () => boolean | Promise<boolean>): Promise<void> {
  const begin = performance.now();
  while (!(await reached())) {
    if (performance.now() - begin > PATIENCE_MS) throw new Error(`${what}: not within ${PATIENCE_MS} ms`);
    await sleep(100);
  }
}

/** One group, its members, and the records that flow to it. */
class Stage {
  readonly #server: Server;
  readonly #kafka: Kafka;
  readonly topic: string;
  readonly group: string;
  readonly ledger = new Ledger();
  readonly members: Member[] = [];
  #written: number[] = Array.from({ length: PARTITIONS }, () => 0);
  #flowing: Promise<void> | undefined;
  #isFlowing = true;

  constructor(server: Server, name: string) {
    this.#server = server;
    this.topic = `topic-${name}`;
    this.group = `group-${name}`;
    this.#kafka = new Kafka({ brokers: [server.kafka], logLevel: logLevel.NOTHING, retry: { retries: 100, maxRetryTime: 1_000 } }); // prettier-ignore
  }

  async begin(): Promise<void> {
    const admin = this.#kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: this.topic, numPartitions: PARTITIONS }] });
    await admin.disconnect();
    this.#flowing = this.#flow();
  }

  async #flow(): Promise<void> {
    const producer = this.#kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, idempotent: true });
    await producer.connect();
    while (this.#isFlowing) {
      const messages = Array.from({ length: PARTITIONS }, (_, partition) => ({ partition, value: 'x' }));
      const sent = await producer.send({ topic: this.topic, messages, acks: -1 });
      for (const { partition, baseOffset } of sent) this.#written[partition] = Number(baseOffset) + 1;
      await sleep(RECORD_EVERY_MS);
    }
    await producer.disconnect();
  }

  add(library: Library, protocol: Protocol, instance = ''): Member {
    const args = [this.#server.kafka, this.topic, this.group, protocol, instance] as const;
    const member = new Member(library, args, this.ledger);
    this.members.push(member);
    return member;
  }

  async leave(member: Member): Promise<void> {
    this.members.splice(this.members.indexOf(member), 1);
    await member.stop();
  }

  async crash(member: Member): Promise<void> {
    this.members.splice(this.members.indexOf(member), 1);
    await member.kill9();
  }

  /** Until each member reads from its share of the partitions and no more, and all of them are read. */
  async shared(): Promise<void> {
    const least = Math.floor(PARTITIONS / this.members.length);
    let wanted = '';
    await until('shares', async () => {
      for (const { partitions } of this.members) partitions.clear();
      await sleep(1_000);
      const all = this.members.flatMap(({ partitions }) => [...partitions]);
      wanted = this.members.map(({ partitions }) => partitions.size).join();
      const fair = this.members.every(({ partitions }) => partitions.size >= least && partitions.size <= least + 1);
      return fair && all.length === PARTITIONS && new Set(all).size === PARTITIONS;
    }).catch((error: Error) => {
      throw new Error(`${error.message}, last seen ${wanted}${this.members.map(({ errors }) => errors).join('\n')}`);
    });
  }

  async isOfType(type: string): Promise<void> {
    await until(`a group of type ${type}`, async () => {
      const groups = await listGroups(this.#server.kafkaPort);
      return groups.some(({ groupId, groupType }) => groupId === this.group && groupType === type);
    });
  }

  /** Lets the rest flow through, ends all, and answers what is wrong. */
  async end(mayRepeat: boolean): Promise<string[]> {
    this.#isFlowing = false;
    await this.#flowing;
    const written = this.#written.reduce((sum, one) => sum + one, 0);
    const problems: string[] = [];
    await until('all records read', () => this.ledger.read.size >= written).catch((error: Error) => {
      problems.push(`${written - this.ledger.read.size} of ${written} records were not read (${error.message})`);
    });
    for (const member of [...this.members]) await this.leave(member);
    const admin = this.#kafka.admin();
    await admin.connect();
    const [offsets] = await admin.fetchOffsets({ groupId: this.group, topics: [this.topic] });
    await admin.disconnect();
    for (const { partition, offset } of offsets?.partitions ?? [])
      if (Number(offset) !== this.#written[partition])
        problems.push(`partition ${partition}: committed ${offset}, written ${this.#written[partition]}`);
    if (!mayRepeat && this.ledger.duplicates > 0) problems.push(`${this.ledger.duplicates} records were read twice`);
    return problems;
  }

  async abandon(): Promise<void> {
    this.#isFlowing = false;
    for (const member of this.members.splice(0)) await member.kill9();
    await this.#flowing?.catch(() => undefined);
  }
}

const SCRIPTS: Record<Scenario, (stage: Stage, library: Library, protocol: Protocol, server: Server) => Promise<void>> =
  {
    /** Members come one after the other, and go. */
    async join(stage, library, protocol) {
      stage.add(library, protocol);
      await stage.shared();
      const second = stage.add(library, protocol);
      await stage.shared();
      stage.add(library, protocol);
      await stage.shared();
      await stage.leave(second);
      await stage.shared();
    },

    /** A member is killed: the others go on with its share when it is missed. */
    async crash(stage, library, protocol) {
      const victim = stage.add(library, protocol);
      stage.add(library, protocol);
      stage.add(library, protocol);
      await stage.shared();
      await stage.crash(victim);
      await stage.shared();
    },

    /** Static members are replaced one after the other, and each goes on where its predecessor stopped. */
    async rolling(stage, library, protocol) {
      for (const instance of ['a', 'b', 'c']) stage.add(library, protocol, instance);
      await stage.shared();
      for (const instance of ['a', 'b', 'c']) {
        await stage.leave(stage.members[0] as Member);
        stage.add(library, protocol, instance);
        await stage.shared();
      }
    },

    /** Members of the classic protocol are replaced by some of the consumer protocol, and back. */
    async migration(stage, library) {
      for (let i = 0; i < 3; i++) stage.add(library, 'classic');
      await stage.shared();
      await stage.isOfType('classic');
      for (const protocol of ['consumer', 'classic'] as const) {
        for (let i = 0; i < 3; i++) {
          await stage.leave(stage.members[0] as Member);
          stage.add(library, protocol);
          await stage.shared();
        }
        await stage.isOfType(protocol);
      }
    },

    /** The service is killed, and comes back: members go on in their group. */
    async restart(stage, library, protocol, server) {
      for (let i = 0; i < 3; i++) stage.add(library, protocol);
      await stage.shared();
      await server.kill9();
      await sleep(2_000);
      await server.start();
      await stage.shared();
    },
  };

const libraries = (positionals.length === 0 ? Object.keys(PROTOCOLS) : positionals) as Library[];
const scenarios = SCENARIOS.filter(
  (one) => options.scenarios === undefined || options.scenarios.split(',').includes(one),
);
install(libraries);
const directory = await temporaryDirectory();
const redis = options.redis ? await startRedis({ appendonly: true }) : undefined;

/** Apache Kafka with the same times; it is started once. */
async function peer(): Promise<Server> {
  const broker = await startApacheKafka({
    'group.initial.rebalance.delay.ms': '100',
    'group.consumer.min.session.timeout.ms': String(SESSION_MS),
    'group.consumer.session.timeout.ms': String(SESSION_MS),
    'group.consumer.min.heartbeat.interval.ms': String(HEARTBEAT_MS),
    'group.consumer.heartbeat.interval.ms': String(HEARTBEAT_MS),
  });
  const kill9 = () => Promise.reject(new Error('the peer is not killed'));
  return { ...broker, kafkaPort: Number(broker.kafka.split(':')[1]), start: async () => 0, kill9 };
}

const server =
  options.peer === undefined
    ? await service({
        env: {
          TAILRACE_DATA_DIR: directory.path,
          TAILRACE_CONSUMER_SESSION_TIMEOUT_MS: String(SESSION_MS),
          TAILRACE_CONSUMER_HEARTBEAT_INTERVAL_MS: String(HEARTBEAT_MS),
          ...(redis ? { TAILRACE_STORE: 'redis', TAILRACE_REDIS_URL: redis.url } : {}),
        },
      })
    : await peer();
await server.start();
let failures = 0;
try {
  for (const library of libraries) {
    for (const scenario of scenarios) {
      if (scenario === 'restart' && options.peer !== undefined) continue;
      if (scenario === 'migration' && !PROTOCOLS[library].includes('consumer')) continue;
      const protocols = scenario === 'migration' ? (['consumer'] as const) : PROTOCOLS[library];
      for (const protocol of protocols) {
        const stage = new Stage(server, `${library}-${scenario}-${protocol}`);
        const begin = performance.now();
        const problems: string[] = [];
        try {
          await stage.begin();
          await SCRIPTS[scenario](stage, library, protocol, server);
          // A classic member may hear of a rebalance after it, and then cannot commit what it has read.
          const mayRepeat = protocol === 'classic' || ['crash', 'migration', 'restart'].includes(scenario);
          problems.push(...(await stage.end(mayRepeat)));
        } catch (error) {
          problems.push((error as Error).message);
          await stage.abandon();
        }
        if (problems.length > 0) failures += 1;
        const { ledger } = stage;
        const seconds = ((performance.now() - begin) / 1000).toFixed(0);
        console.log(
          `${library.padEnd(21)} ${scenario.padEnd(10)} ${protocol.padEnd(9)} ${String(ledger.read.size).padStart(6)} records, ` +
            `${ledger.duplicates} read twice, ${seconds} s: ${problems.length === 0 ? 'passed' : problems.join('; ')}`,
        );
      }
    }
  }
} finally {
  await server.stop();
  await redis?.stop();
  await directory.remove();
}
console.log(failures === 0 ? 'passed' : `${failures} FAILED`);
process.exit(failures === 0 ? 0 : 1);
