import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { handlers } from '../src/handlers/index.ts';
import { changeableBrokerConfigs } from '../src/topics/configs/broker-configs.ts';
import { clientMetricsConfigs } from '../src/topics/configs/client-metrics-resource.ts';
import type { ConfigDefinition, ConfigDefinitions } from '../src/topics/configs/config-definition.ts';
import { groupConfigs } from '../src/topics/configs/group-configs.ts';
import { topicConfigs } from '../src/topics/configs/topic-configs.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const DOCUMENT = join(ROOT, 'docs', 'kafka-compatibility.md');
const HANDLERS = join(import.meta.dirname, '..', 'src', 'handlers');
const PEER = 'Apache Kafka 4.3';

/** What clients can ask of a broker of Apache Kafka 4.3 and not of this door, and why. */
const notOffered: readonly (readonly [key: number, name: string, why: string])[] = [
  ...['CreateDelegationToken', 'RenewDelegationToken', 'ExpireDelegationToken', 'DescribeDelegationToken'].map(
    (name, index) => [38 + index, name, 'There are no delegation tokens.'] as const,
  ),
  [55, 'DescribeQuorum', 'There is no quorum of controllers: bridges agree by leases in the store.'],
  [64, 'UnregisterBroker', 'A bridge that is gone is forgotten by itself.'],
  [71, 'GetTelemetrySubscriptions', 'No client is asked for its metrics. A Kafka broker without a plugin for them has it as little.'],
  [72, 'PushTelemetry', 'As GetTelemetrySubscriptions.'],
  [80, 'AddRaftVoter', 'As DescribeQuorum.'],
  [81, 'RemoveRaftVoter', 'As DescribeQuorum.'],
  ...['InitializeShareGroupState', 'ReadShareGroupState', 'WriteShareGroupState', 'DeleteShareGroupState', 'ReadShareGroupStateSummary'].map(
    (name, index) => [83 + index, name, 'Brokers say it to each other: what share groups have read is kept in the store, which all bridges share.'] as const,
  ),
  [88, 'StreamsGroupHeartbeat', 'There are no streams groups (KIP-1071); Kafka Streams runs with the classic protocol.'],
  [89, 'StreamsGroupDescribe', 'As StreamsGroupHeartbeat.'],
]; // prettier-ignore

/** Remarks on versions. */
const remarks: Readonly<Record<string, string>> = {
  Produce: 'Versions 0 to 2 are named, as Kafka names them for old clients, and refused.',
};

/** What an operation is for, by the first sentence of its file. */
function sentenceOf(key: number, name: string): string {
  const prefix = `${String(key).padStart(2, '0')}-`;
  const isOne = (file: string) =>
    file.startsWith(prefix) && !file.endsWith('.spec.ts') && file !== '00-produce-before-3.ts';
  const file = readdirSync(HANDLERS).find(isOne); // prettier-ignore
  const text = readFileSync(join(HANDLERS, file as string), 'utf8').replaceAll(/\n \* ?/g, ' ');
  const sentence = new RegExp(`/\\*\\*\\s+${name}: (.+?\\.)(?:\\s|$)`).exec(text)?.[1];
  if (sentence === undefined) throw new Error(`${file}: its header does not begin with "${name}: …"`);
  return cell(sentence.charAt(0).toUpperCase() + sentence.slice(1));
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').trim();
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

function versionsOf([first, last]: readonly [number, number]): string {
  return first === last ? String(first) : `${first} to ${last}`;
}

function configTable(definitions: ConfigDefinitions): string {
  const rows = Object.entries<ConfigDefinition>(definitions).map(([name, { default: fallback, effect, documentation }]) => [
    `\`${name}\``,
    fallback === null || fallback === '' ? '' : `\`${fallback}\``,
    effect === 'honoured' ? 'yes' : 'kept',
    cell(documentation),
  ]); // prettier-ignore
  return table(['Setting', "Kafka's default", 'Honoured', ''], rows);
}

/** The parts of the document that are written by this spec, by the name in their marks. */
const generated: Readonly<Record<string, () => string>> = {
  operations: () =>
    table(
      ['Key', 'Operation', 'Versions', 'What it does'],
      handlers.map(({ api, versions }) => [
        String(api.key),
        api.name,
        versionsOf(versions),
        [sentenceOf(api.key, api.name), remarks[api.name]].filter(Boolean).join(' '),
      ]),
    ),
  'not-offered': () =>
    table(
      ['Key', 'Operation', 'Why not'],
      notOffered.map(([key, name, why]) => [String(key), name, why]),
    ),
  'topic-settings': () => configTable(topicConfigs),
  'broker-settings': () => configTable(changeableBrokerConfigs),
  'group-settings': () => configTable(groupConfigs),
  'client-metrics-settings': () => configTable(clientMetricsConfigs),
};

function withGenerated(document: string): string {
  let written = document;
  for (const [name, content] of Object.entries(generated)) {
    const [begin, end] = [`<!-- generated: ${name} -->`, `<!-- end of ${name} -->`];
    const [from, to] = [written.indexOf(begin), written.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`${DOCUMENT} has no part that is marked ${begin} … ${end}`);
    written = `${written.slice(0, from)}${begin}\n\n${content()}\n\n${written.slice(to)}`;
  }
  return written;
}

describe('docs/kafka-compatibility.md', () => {
  it('has the operations and settings of this door; TAILRACE_WRITE_DOCS=1 writes them', () => {
    const document = readFileSync(DOCUMENT, 'utf8');
    const wanted = withGenerated(document);
    if (process.env['TAILRACE_WRITE_DOCS'] === '1') writeFileSync(DOCUMENT, wanted);
    else expect(document).toBe(wanted);
  });

  it('has the operations in the order of their keys', () => {
    const order = handlers.map(({ api }) => api.key);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  const keys = join(ROOT, '..', 'shared', 'kafka-messages', 'api-keys.json');
  (existsSync(keys) ? it : it.skip)(`names every operation that a broker of ${PEER} has, once, with a version of it`, () => {
    const { apis } = JSON.parse(readFileSync(keys, 'utf8')) as {
      apis: { key: number; name: string; validVersions: string; listeners: string[]; clusterAction: boolean }[];
    };
    const ours = new Map<number, string>([
      ...handlers.map(({ api }) => [api.key, api.name] as const),
      ...notOffered.map(([key, name]) => [key, name] as const),
    ]);
    expect(ours.size).toBe(handlers.length + notOffered.length);
    // What brokers say to each other, and to controllers, is no client's affair.
    const theirs = apis.filter(({ listeners, validVersions }) => listeners.includes('broker') && validVersions !== 'none');
    for (const { key, name } of theirs) expect([key, ours.get(key)]).toEqual([key, name]);
    for (const [key, name] of ours) expect(apis.find((one) => one.key === key)?.name).toBe(name);
  }); // prettier-ignore
});
