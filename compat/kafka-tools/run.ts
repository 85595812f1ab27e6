/**
 * Kafka's own command-line tools against the service, with a look at what they print and at what has changed behind it.
 *
 *   node compat/kafka-tools/run.ts [--redis] [--peer apache]
 *
 * `--peer apache` runs the same against Apache Kafka 4.3.1: what is expected here is what it does, too.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { temporaryDirectory } from '@tailrace/testkit';
import { startServer } from '../kafka-clients/server.ts';
import { runTool, type Tool } from './tool.ts';

const { values: options } = parseArgs({ options: { redis: { type: 'boolean' }, peer: { type: 'string' } } });

interface Step {
  readonly what: string;
  readonly tool: Tool;
  readonly args: readonly string[];
  readonly input?: string;
  /** All of these must be in what the tool writes. A text is a whole line, but for white space at its ends. */
  readonly expect: readonly (string | RegExp)[];
  readonly expectNot?: readonly RegExp[];
}

const TOPIC = 'tools';
const RECORDS = 300;
const ENTITY = ['--entity-type', 'topics', '--entity-name', TOPIC] as const;

function steps(file: (name: string, content: unknown) => string, node: string): readonly Step[] {
  const offsets = (partition: number, offset: number) => ({ topic: TOPIC, partition, offset });
  const config = (...args: string[]) => ({ tool: 'kafka-configs' as const, args });
  const topics = (...args: string[]) => ({ tool: 'kafka-topics' as const, args });
  const partitionLine = (partition: number) =>
    new RegExp(`Topic: ${TOPIC}\\s+Partition: ${partition}\\s+Leader: ${node}\\s+Replicas: ${node}\\s+Isr: ${node}`);
  const noError = [/Exception|Error/];
  return [
    { what: 'a topic is made', ...topics('--create', '--topic', TOPIC, '--partitions', '3', '--replication-factor', '1', '--config', 'retention.ms=3600000'), expect: [`Created topic ${TOPIC}.`] },
    { what: 'not twice', ...topics('--create', '--topic', TOPIC, '--partitions', '3'), expect: [/Topic 'tools' already exists/] },
    { what: 'but for those who ask so', ...topics('--create', '--if-not-exists', '--topic', TOPIC), expect: [], expectNot: noError },
    { what: 'nor with a setting that nobody knows', ...topics('--create', '--topic', 'other', '--config', 'no.such=1'), expect: [/Unknown topic config name: no\.such/] },
    { what: 'it is listed', ...topics('--list'), expect: [TOPIC] },
    { what: 'and described', ...topics('--describe', '--topic', TOPIC), expect: [/PartitionCount: 3\s+ReplicationFactor: 1\s+Configs: .*retention\.ms=3600000/, partitionLine(0), partitionLine(1), partitionLine(2)] },
    { what: 'it grows to 5 partitions', ...topics('--alter', '--topic', TOPIC, '--partitions', '5'), expect: [], expectNot: noError },
    { what: 'and has exactly 5', ...topics('--describe', '--topic', TOPIC), expect: [/PartitionCount: 5/, partitionLine(4)], expectNot: [/Partition: 5/] },
    { what: 'it does not shrink', ...topics('--alter', '--topic', TOPIC, '--partitions', '4'), expect: [/4 would not be an increase/] },
    { what: 'no partition is without a leader or copies', ...topics('--describe', '--unavailable-partitions'), expect: [], expectNot: [/Partition:/] },
    { what: `${RECORDS} records go in`, tool: 'kafka-console-producer', args: ['--topic', TOPIC, '--reader-property', 'parse.key=true', '--reader-property', 'key.separator=:'], input: Array.from({ length: RECORDS }, (_, i) => `key-${i}:value-${i}\n`).join(''), expect: [], expectNot: noError },
    { what: 'their number is in the offsets', tool: 'kafka-get-offsets', args: ['--topic', TOPIC], expect: [/tools:0:\d+/, /tools:4:\d+/, new RegExp(`sum .* is ${RECORDS}$`, 'm')] },
    { what: 'all begin at 0', tool: 'kafka-get-offsets', args: ['--topic', TOPIC, '--time', 'earliest'], expect: ['tools:0:0', 'tools:4:0', /sum .* is 0$/m] },
    { what: 'every partition has a newest record', tool: 'kafka-get-offsets', args: ['--topic', TOPIC, '--time', 'max-timestamp'], expect: [/tools:0:\d+/, /tools:4:\d+/] },
    { what: 'nothing lies elsewhere', tool: 'kafka-get-offsets', args: ['--topic', TOPIC, '--time', 'latest-tiered'], expect: [], expectNot: [/tools:\d:\d/] },
    { what: 'all of them come out', tool: 'kafka-console-consumer', args: ['--topic', TOPIC, '--from-beginning', '--max-messages', String(RECORDS), '--timeout-ms', '20000'], expect: ['value-0', `value-${RECORDS - 1}`, `Processed a total of ${RECORDS} messages`] },
    { what: 'partition 0 begins at 2, partition 1 at its end', tool: 'kafka-delete-records', args: ['--offset-json-file', file('offsets.json', { partitions: [offsets(0, 2), offsets(1, -1)], version: 1 })], expect: [/partition: tools-0\s+low_watermark: 2/, /partition: tools-1\s+low_watermark: \d\d/] },
    { what: 'as the offsets say, too', tool: 'kafka-get-offsets', args: ['--topic', TOPIC, '--time', 'earliest'], expect: ['tools:0:2', /tools:1:\d\d/, 'tools:2:0'] },
    { what: 'no more can be deleted than there is', tool: 'kafka-delete-records', args: ['--offset-json-file', file('beyond.json', { partitions: [offsets(2, 1_000_000)], version: 1 })], expect: [/OffsetOutOfRange/] },
    { what: 'settings of the topic are shown with where they come from', ...config('--describe', ...ENTITY), expect: [/retention\.ms=3600000 sensitive=false synonyms=\{DYNAMIC_TOPIC_CONFIG:retention\.ms=3600000/] },
    { what: 'they change', ...config('--alter', ...ENTITY, '--add-config', 'retention.bytes=1000000,cleanup.policy=[compact,delete]'), expect: [`Completed updating config for topic ${TOPIC}.`] },
    { what: 'to what was asked for', ...config('--describe', ...ENTITY), expect: [/cleanup\.policy=compact,delete .*DEFAULT_CONFIG:log\.cleanup\.policy=delete/, /retention\.bytes=1000000/] },
    { what: 'and back', ...config('--alter', ...ENTITY, '--delete-config', 'retention.bytes,cleanup.policy'), expect: [/Completed updating/] },
    { what: 'to their defaults', ...config('--describe', '--all', ...ENTITY), expect: [/cleanup\.policy=delete sensitive=false synonyms=\{DEFAULT_CONFIG/, /retention\.bytes=-1/, /segment\.bytes=1073741824/] },
    { what: 'a wrong value is refused', ...config('--alter', ...ENTITY, '--add-config', 'retention.ms=soon'), expect: [/Invalid value soon for configuration retention\.ms: Not a number of type LONG/] },
    { what: 'settings of the broker are shown', ...config('--describe', '--all', '--entity-type', 'brokers', '--entity-name', node), expect: [/log\.dirs=/, /num\.partitions=4/, /auto\.create\.topics\.enable=true/] },
    { what: 'those that need a restart do not change', ...config('--alter', '--entity-type', 'brokers', '--entity-name', node, '--add-config', 'log.dirs=/elsewhere'), expect: [/Cannot update these configs dynamically: \[log\.dirs\]/] },
    { what: 'others do', ...config('--alter', '--entity-type', 'brokers', '--entity-name', node, '--add-config', 'num.io.threads=9'), expect: [/Completed updating/] },
    { what: 'and are shown as changed', ...config('--describe', '--entity-type', 'brokers', '--entity-name', node), expect: [/num\.io\.threads=9 .*DYNAMIC_BROKER_CONFIG:num\.io\.threads=9, .*DEFAULT_CONFIG:num\.io\.threads=8/] },
    { what: 'loggers have levels', ...config('--alter', '--entity-type', 'broker-loggers', '--entity-name', node, '--add-config', 'root=ERROR'), expect: [/Completed updating/] },
    { what: 'that can be seen', ...config('--describe', '--entity-type', 'broker-loggers', '--entity-name', node), expect: [/root=ERROR/] },
    { what: 'groups have settings', ...config('--alter', '--entity-type', 'groups', '--entity-name', 'readers', '--add-config', 'consumer.session.timeout.ms=50000'), expect: [/Completed updating/] },
    { what: 'and are listed with them', ...config('--describe', '--entity-type', 'groups'), expect: [/group readers are/, /consumer\.session\.timeout\.ms=50000 .*DYNAMIC_GROUP_CONFIG/] },
    { what: 'metrics of clients can be subscribed to', tool: 'kafka-client-metrics', args: ['--alter', '--name', 'all', '--interval', '1000', '--metrics', 'org.apache.kafka.'], expect: [/Altered client metrics config for all/] },
    { what: 'and are listed', tool: 'kafka-client-metrics', args: ['--list'], expect: ['all'] },
    { what: 'sizes are told', tool: 'kafka-log-dirs', args: ['--describe', '--topic-list', TOPIC], expect: [/"partition":"tools-4","size":[1-9]\d+,"offsetLag":0,"isFuture":false/] },
    { what: 'a partition stays where it is', tool: 'kafka-reassign-partitions', args: ['--reassignment-json-file', file('stay.json', { version: 1, partitions: [{ topic: TOPIC, partition: 0, replicas: [Number(node)] }] }), '--execute'], expect: [/Successfully started partition reassignment for tools-0/] },
    { what: 'and is there', tool: 'kafka-reassign-partitions', args: ['--reassignment-json-file', file('stay.json', { version: 1, partitions: [{ topic: TOPIC, partition: 0, replicas: [Number(node)] }] }), '--verify'], expect: [/Reassignment of partition tools-0 is completed/] },
    { what: 'none is on its way', tool: 'kafka-reassign-partitions', args: ['--list'], expect: ['No partition reassignments found.'] },
    { what: 'the right broker leads', tool: 'kafka-leader-election', args: ['--election-type', 'preferred', '--topic', TOPIC, '--partition', '0'], expect: [/Valid replica already elected for partitions tools-0/] },
    { what: 'the cluster has an id', tool: 'kafka-cluster', args: ['cluster-id'], expect: [/Cluster ID: [\w-]{22}/] },
    { what: 'and an endpoint', tool: 'kafka-cluster', args: ['list-endpoints'], expect: [new RegExp(`^${node}\\s+127\\.0\\.0\\.1\\s+\\d+\\s+null\\s+unfenced\\s+broker`, 'm')] },
    { what: 'its levels are told', tool: 'kafka-features', args: ['describe'], expect: [/Feature: transaction\.version\s+SupportedMinVersion: 0\s+SupportedMaxVersion: 2\s+FinalizedVersionLevel: 2/] },
    { what: 'and do not go where they cannot', tool: 'kafka-features', args: ['upgrade', '--feature', 'transaction.version=9'], expect: [/Could not upgrade|Invalid update version/] },
    { what: 'operations and versions are told', tool: 'kafka-broker-api-versions', args: [], expect: [/Produce\(0\): 0 to 13 \[usable: 13\]/, /CreatePartitions\(37\): 0 to 3 \[usable: 3\]/, /DescribeTopicPartitions\(75\): 0 \[usable: 0\]/] },
    { what: 'the topic goes', ...topics('--delete', '--topic', TOPIC), expect: [], expectNot: noError },
    { what: 'and is gone', ...topics('--describe', '--topic', TOPIC), expect: [/Topic 'tools' does not exist as expected/] },
  ]; // prettier-ignore
}

/** What is wrong with what a tool wrote; nothing is. */
function problemsOf({ expect, expectNot = [] }: Step, output: string): string[] {
  const lines = output.split('\n').map((line) => line.trim());
  const missing = expect.filter((one) => (typeof one === 'string' ? !lines.includes(one) : !one.test(output)));
  const surplus = expectNot.filter((one) => one.test(output));
  return [...missing.map((one) => `there is no ${String(one)}`), ...surplus.map((one) => `there is ${String(one)}`)];
}

/** The sum of the offsets that kafka-get-offsets lists, as a line of its own. */
function withSum(output: string): string {
  const offsets = [...output.matchAll(/^[\w.-]+:\d+:(\d+)$/gm)].map(([, offset]) => Number(offset));
  return offsets.length === 0
    ? output
    : `${output}\nthe sum of the last column is ${offsets.reduce((a, b) => a + b, 0)}`;
}

const directory = await temporaryDirectory();
const server = await startServer({ redis: options.redis ?? false, ...(options.peer && { peer: options.peer }) });
const file = (name: string, content: unknown) => {
  const path = join(directory.path, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
};
let failures = 0;
try {
  for (const step of steps(file, '1')) {
    // One subcommand comes before the address.
    const [first, ...rest] = step.args;
    const where = ['--bootstrap-server', server.bootstrap];
    const hasSubcommand = first !== undefined && !first.startsWith('--') && step.tool === 'kafka-cluster';
    const args = hasSubcommand ? [first, ...where, ...rest] : [...where, ...step.args];
    const output = withSum(await runTool(step.tool, args, step.input));
    const problems = problemsOf(step, output);
    console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${step.tool}: ${step.what}`);
    if (problems.length === 0) continue;
    failures += 1;
    console.log(`${problems.map((problem) => `       ${problem}\n`).join('')}${output.replaceAll(/^/gm, '       | ')}`);
  }
} finally {
  await server.stop();
  await directory.remove();
}
console.log(`${server.name}: ${failures === 0 ? 'passed' : `FAILED, ${failures} steps`}`);
process.exitCode = failures === 0 ? 0 : 1;
