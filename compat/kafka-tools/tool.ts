import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { kafkaDistribution } from '../apache-kafka.ts';

/** Kafka's command-line tools by the names of their scripts, and the class behind each. */
const TOOLS = {
  'kafka-broker-api-versions': 'org.apache.kafka.tools.BrokerApiVersionsCommand',
  'kafka-client-metrics': 'org.apache.kafka.tools.ClientMetricsCommand',
  'kafka-cluster': 'org.apache.kafka.tools.ClusterTool',
  'kafka-configs': 'kafka.admin.ConfigCommand',
  'kafka-console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'kafka-console-producer': 'org.apache.kafka.tools.ConsoleProducer',
  'kafka-delete-records': 'org.apache.kafka.tools.DeleteRecordsCommand',
  'kafka-features': 'org.apache.kafka.tools.FeatureCommand',
  'kafka-get-offsets': 'org.apache.kafka.tools.GetOffsetShell',
  'kafka-leader-election': 'org.apache.kafka.tools.LeaderElectionCommand',
  'kafka-log-dirs': 'org.apache.kafka.tools.LogDirsCommand',
  'kafka-reassign-partitions': 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand',
  'kafka-topics': 'org.apache.kafka.tools.TopicCommand',
} as const;

export type Tool = keyof typeof TOOLS;

/** A tool that has not ended by then is killed: it waits for an answer that does not come. */
const PATIENCE_MS = 60_000;
/** What the logging library of the tools says of itself. */
const NOISE = /^SLF4J:|KIP-848/;

/** Runs a tool with these arguments and answers what it wrote, both streams, without empty lines at the ends. */
export async function runTool(tool: Tool, args: readonly string[], input = ''): Promise<string> {
  const classPath = `${join(kafkaDistribution(), 'libs')}/*`;
  const java = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-cp', classPath, TOOLS[tool], ...args];
  const child = spawn('java', java, { stdio: 'pipe', timeout: PATIENCE_MS, killSignal: 'SIGKILL' });
  let output = '';
  const hear = (chunk: Buffer) => (output += chunk.toString());
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  child.stdin.end(input);
  const ended = await new Promise<string | number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(signal ?? code));
  });
  if (ended === 'SIGKILL') throw new Error(`${tool} ${args.join(' ')} did not end; it wrote:\n${output}`);
  const lines = output.split('\n').filter((line) => !NOISE.test(line));
  return lines.join('\n').trim();
}
