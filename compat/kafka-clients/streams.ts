/**
 * Kafka Streams counts words, exactly once, and is killed in the middle:
 *
 *   node compat/kafka-clients/streams.ts [--version 4.3.1] [--kills 2] [--redis] [--peer apache]
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { javaLibraries } from './clients.ts';
import { countThroughKills } from './count-through-kills.ts';

/** Kafka Streams writes a count as a long. */
const COUNT_BYTES = 8;

const { values: options } = parseArgs({
  options: {
    version: { type: 'string', default: '4.3.1' },
    kills: { type: 'string', default: '2' },
    redis: { type: 'boolean' },
    peer: { type: 'string' },
  },
});
const jars = javaLibraries(options.version);
const program = join(import.meta.dirname, 'java', 'word-count.java');

const passed = await countThroughKills(
  {
    javaArgs: (bootstrap, statePath) =>
      ['-Xmx256m', '-cp', join(jars, '*'), program, bootstrap, 'lines', 'counts', 'word-count', statePath], // prettier-ignore
    countOf: (value) => (value.length === COUNT_BYTES ? Number(value.readBigInt64BE()) : NaN),
    lines: 3000,
    wordsALine: 3,
    sendEveryMs: 0,
  },
  { ...options, kills: Number(options.kills) },
);
process.exit(passed ? 0 : 1);
