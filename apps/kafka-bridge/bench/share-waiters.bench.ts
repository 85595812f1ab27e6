/**
 * What an appended record costs while many members of a share group wait for it in one partition:
 * `node apps/kafka-bridge/bench/share-waiters.bench.ts [--members 100] [--records 300]`.
 *
 * A door in this process over the embedded engine (relaxed), a connection for each member, one record at a time: the next one is
 * written when a member has the last one. Members accept with their next fetch, as clients do. Told are reads of the log and waits in
 * it for each record, and how long the way from the producer to the member takes.
 */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { produceApi } from '@tailrace/kafka-protocol';
import type { Store } from '@tailrace/shard-core';
import { openDoorUnderTest } from '../src/testing/door-under-test.ts';
import { batchOf } from '../src/testing/records.ts';
import { ShareClient } from '../src/testing/share-client.ts';
import { createTopic } from '../src/topics/topic-creation.ts';

const WAIT_MS = 5_000;

const { values: options } = parseArgs({
  options: { members: { type: 'string', default: '100' }, records: { type: 'string', default: '300' } },
});
const memberCount = Number(options.members);
const recordCount = Number(options.records);

let reads = 0;
let waits = 0;
function counted(store: Store): Store {
  const log = new Proxy(store.log, {
    get(target, name) {
      if (name === 'read') reads += 1;
      if (name === 'awaitAppend') waits += 1;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return new Proxy(store, { get: (target, name) => (name === 'log' ? log : (Reflect.get(target, name) as unknown)) });
}

const under = await openDoorUnderTest({ wrapStore: counted });
const created = await createTopic(under.catalog, { name: 'shared', partitionCount: 1, configs: {} });
if (!created.ok) throw new Error(created.refusal.code);
const stream = created.value;
const producer = await under.connect();
const arrived = new EventTarget();
const perMember = new Map<string, number>();
let ended = false;

async function share(index: number): Promise<void> {
  const client = await under.connect();
  const member = new ShareClient(client, 'sharers', `m${index}`, stream.id);
  await member.fetch([0]);
  let acknowledge: { first: number; last: number; types: number[] }[] = [];
  while (!ended) {
    const { records } = await member.fetch([], { maxWaitMs: WAIT_MS, acknowledge });
    acknowledge = records.map(({ offset }) => ({ first: offset, last: offset, types: [1] }));
    if (records.length === 0) continue;
    perMember.set(member.memberId, (perMember.get(member.memberId) ?? 0) + records.length);
    arrived.dispatchEvent(new Event('record'));
  }
  client.close();
}

async function produce(value: string): Promise<void> {
  const topicData = [{ name: stream.name, partitionData: [{ index: 0, records: batchOf([value]) }] }];
  await producer.request(produceApi, 9, { acks: -1, timeoutMs: 1_000, topicData });
}

const sharing = Array.from({ length: memberCount }, (_, index) => share(index));
await new Promise((resolve) => setTimeout(resolve, 1_000));
[reads, waits] = [0, 0];
const delaysMs: number[] = [];
const cpu = process.cpuUsage();
for (let i = 0; i < recordCount; i++) {
  const came = once(arrived, 'record');
  const beginMs = performance.now();
  await Promise.all([produce(String(i)), came]);
  delaysMs.push(performance.now() - beginMs);
}
const { user, system } = process.cpuUsage(cpu);
delaysMs.sort((a, b) => a - b);
const each = (count: number) => (count / recordCount).toFixed(1);
const counts = [...perMember.values()];
console.log(
  `${memberCount} members, ${recordCount} records: a record ${each(reads)} reads, ${each(waits)} waits, CPU ${each((user + system) / 1_000)} ms`,
);
console.log(`  p50 ${delaysMs[recordCount >> 1]?.toFixed(2)} ms, p99 ${delaysMs[Math.floor(recordCount * 0.99)]?.toFixed(2)} ms; members that got any ${counts.length}, the most for one ${Math.max(...counts)}`); // prettier-ignore
ended = true;
for (let i = 0; i < memberCount; i++) await produce('end');
await Promise.all(sharing);
producer.close();
await under.close();
