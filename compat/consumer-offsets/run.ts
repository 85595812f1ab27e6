/**
 * What Kafka's own tools make of `__consumer_offsets`: groups have one conversation, and the console consumer prints it with
 * Kafka's formatters. What Apache Kafka 4.3.1 printed after the same conversation stands in `apache-kafka-4.3.1.txt`.
 *
 *   node compat/consumer-offsets/run.ts [--redis] [--peer apache] [--write]
 *
 * `--peer apache` has it with Apache Kafka itself; `--write` keeps what was printed as what is expected.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { WireClient } from '@tailrace/kafka-bridge/testing';
import { startServer } from '../kafka-clients/server.ts';
import { runTool } from '../kafka-tools/tool.ts';
import { converse } from './conversation.ts';

const { values: options } = parseArgs({
  options: { redis: { type: 'boolean' }, peer: { type: 'string' }, write: { type: 'boolean' } },
});
const EXPECTED = join(import.meta.dirname, 'apache-kafka-4.3.1.txt');
/** The consumer ends when nothing has come for so long. */
const SILENCE_MS = 6_000;
const FORMATTERS = ['OffsetsMessageFormatter', 'GroupMetadataMessageFormatter'];

/** What is another each time: times and ids. Offsets of transactions name no topic id at Kafka, others do. */
function withoutChance(line: string): string {
  return line
    .replaceAll(/"(commitTimestamp|expireTimestamp|currentStateTimestamp)":\d+/g, '"$1":"a time"')
    .replaceAll(/,"topicId":"[\w-]{22}"/g, '')
    .replaceAll(/conversation-[0-9a-f-]{36}/g, 'a member id');
}

function groupOf(line: string): string {
  return /"group":"([^"]*)"/.exec(line)?.[1] ?? '';
}

/** Kafka also writes down a group before its first generation; here it is written down when it has one. */
const BEFORE_THE_FIRST_GENERATION = /"protocolType":"","generation":0/;

/** Lines of one group come in the order in which they were written; partitions come in any. */
function byGroup(output: string): string[] {
  // The formatters end no lines.
  const lines = output
    .replaceAll('{"key":', '\n{"key":')
    .split('\n')
    .filter((line) => line.startsWith('{"key":') && !BEFORE_THE_FIRST_GENERATION.test(line));
  const groups = [...new Set(lines.map(groupOf))].filter((group) => !group.startsWith('console-consumer-')).sort();
  return groups.flatMap((group) =>
    lines
      .filter((line) => groupOf(line) === group)
      .map((line) => withoutChance(line.replace(/Processed a total.*/, ''))),
  );
}

function keyOf(line: string): string {
  return line.slice(0, line.indexOf(',"value":'));
}

/** What is left of lines when they are compacted. */
function newestByKey(lines: readonly string[]): ReadonlyMap<string, string> {
  return new Map(lines.filter((line) => line.startsWith('{')).map((line) => [keyOf(line), line]));
}

/**
 * What is wrong with what was printed. It is a compacted topic: of a key that was overwritten the older records may be gone by
 * the time when it is read. All others must be there, and nothing else, in the same order.
 */
function problemsOf(printed: readonly string[], expected: readonly string[]): string[] {
  const problems: string[] = [];
  let at = 0;
  for (const line of printed) {
    const found = expected.indexOf(line, at);
    if (found < 0) problems.push(`surplus, or not in its order: ${line}`);
    else at = found + 1;
  }
  const newest = newestByKey(printed);
  for (const [key, line] of newestByKey(expected)) if (newest.get(key) !== line) problems.push(`missing: ${line}`);
  return problems;
}

const server = await startServer({ redis: options.redis ?? false, ...(options.peer && { peer: options.peer }) });
let isEqual = true;
try {
  const [host = '', port = ''] = server.bootstrap.split(':');
  const client = await WireClient.connect({ host, port: Number(port) }, 'conversation');
  const read = (formatter: string) => {
    const args = ['--bootstrap-server', server.bootstrap, '--topic', '__consumer_offsets', '--from-beginning'];
    const more = ['--timeout-ms', String(SILENCE_MS), '--isolation-level', 'read_committed'];
    return runTool('kafka-console-consumer', [
      ...args,
      ...more,
      '--formatter',
      `org.apache.kafka.tools.consumer.${formatter}`,
    ]);
  };
  // Once before, so that every change is written as it comes; without it, what stands at the end would be all.
  const before = await read('OffsetsMessageFormatter');
  if (byGroup(before).length > 0) throw new Error(`offsets before anybody has committed any: ${before}`);
  await converse(client);
  client.close();
  const printed: string[] = [];
  for (const formatter of FORMATTERS) printed.push(`# ${formatter}`, ...byGroup(await read(formatter)));
  if (options.write) writeFileSync(EXPECTED, `${printed.join('\n')}\n`);
  const expected = readFileSync(EXPECTED, 'utf8').trimEnd().split('\n');
  const problems = problemsOf(printed, expected);
  for (const problem of problems) console.log(problem);
  isEqual = problems.length === 0;
  const newest = newestByKey(expected).size;
  if (isEqual)
    console.log(
      `${printed.length - FORMATTERS.length} records printed, of ${expected.length - FORMATTERS.length} that Apache Kafka 4.3.1 has in this order, the newest of ${newest} keys among them`,
    );
} finally {
  await server.stop();
}
console.log(`${server.name}: ${isEqual ? 'passed' : 'FAILED'}`);
process.exitCode = isEqual ? 0 : 1;
