import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TESTS } from './build.ts';

export type Protocol = 'classic' | 'consumer';

/** One entry of the table in test.c. */
export interface Entry {
  /** Begins with the number: `0045_subscribe_update`. */
  readonly name: string;
  readonly number: string;
  /** Scenarios of test.c: `default`, `noautocreate`. An entry may have several. */
  readonly scenarios: readonly string[];
  /** What it needs. Only `broker` meets a real broker. */
  readonly kind: 'broker' | 'local' | 'mock' | 'known issue' | 'manual';
  /** It cuts and delays its own connections, which the runner has to be let. */
  readonly emulatesSockets: boolean;
  /** It consumes in a group, so that it is run with both group protocols; those of share groups have one of their own. */
  readonly groups: boolean;
}

/** Not marked as local, but all their brokers are librdkafka's own mock cluster. */
const ON_MOCK_ALONE = [
  '0009_mock_cluster',
  '0068_produce_timeout',
  '0139_offset_validation_mock',
  '0150_telemetry_mock',
];

/** The table of tests, read out of test.c, so that it is the runner's own. */
export function readEntries(): readonly Entry[] {
  const source = readFileSync(join(TESTS, 'test.c'), 'utf8');
  const table = /struct test tests\[\] = \{(.*?)\{NULL\}\}/s.exec(source)?.[1];
  if (table === undefined) throw new Error('there is no table of tests in test.c');
  const sources = new Map(
    readdirSync(TESTS)
      .filter((name) => /^\d{4}.*\.(c|cpp)$/.test(name))
      .map((name) => [name, readFileSync(join(TESTS, name), 'utf8')]),
  );
  return table
    .split('_TEST(')
    .slice(1)
    .map((text): Entry => {
      const name = /^\w+/.exec(text)?.[0] ?? '';
      const number = name.slice(0, 4);
      const program = [...sources.values()].find((file) => new RegExp(`int main_${name}\\(`).test(file)) ?? '';
      return {
        name,
        number,
        scenarios: /\.scenario = "([^"]+)"/.exec(text)?.[1]?.split(',') ?? ['default'],
        kind: kindOf(name, text),
        emulatesSockets: text.includes('TEST_F_SOCKEM'),
        groups: !name.includes('share_consumer') && /subscribe\(|TEST_CONSUMER|group\.id/.test(program),
      };
    });
}

function kindOf(name: string, text: string): Entry['kind'] {
  if (text.includes('TEST_F_LOCAL') || name.startsWith('0000')) return 'local';
  if (text.includes('TEST_F_MANUAL')) return 'manual';
  if (ON_MOCK_ALONE.includes(name)) return 'mock';
  if (/TEST_F_KNOWN_ISSUE\b/.test(text)) return 'known issue';
  return 'broker';
}
