import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { coordinatorRecordType, decodeBatch, decodeCoordinatorKey, decodeCoordinatorValue, offsetCommitRecord, readBatchHeader } from '@tailrace/kafka-protocol'; // prettier-ignore
import { groupOffsetKey, groupStateKey, type Store, StoreUnavailable, StreamCatalog } from '@tailrace/shard-core';
import { openEmbeddedStore } from '@tailrace/shard-core/embedded';
import { createLogger } from '@tailrace/telemetry';
import { eventually, temporaryDirectory, type TemporaryDirectory } from '@tailrace/testkit';
import type { GroupDocument } from '../group-document.ts';
import { OffsetStore } from '../offset-store.ts';
import { CHANGES_NOTED_MAX, FIRST_WRITE_WAIT_MS, OffsetsProjection, type OffsetsTopicMode } from './offsets-projection.ts'; // prettier-ignore
import { offsetsPartitionOf } from './offsets-topic.ts';
import { BATCH_BYTES_MAX } from './offsets-topic-log.ts';

const TOPIC = '__consumer_offsets';
const TOPIC_ID = '0123456789abcdefghijkA';

let directory: TemporaryDirectory;
let store: Store;
let catalog: StreamCatalog;
let offsets: OffsetStore;
let opened: OffsetsProjection[];

beforeEach(async () => {
  directory = await temporaryDirectory();
  store = await openEmbeddedStore({ dataDir: directory.path, durability: 'relaxed' });
  catalog = await StreamCatalog.open(store);
  offsets = new OffsetStore(store.documents);
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((projection) => projection.close()));
  await catalog.close();
  await store.close();
  await directory.remove();
});

/** A bridge's view of who has which group, moved by hand. */
class Brokers {
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[];
  owns: (groupId: string) => boolean;
  readonly #listeners: (() => void)[] = [];

  constructor(count = 1, owns = true) {
    this.brokers = Array.from({ length: count }, (_, nodeId) => ({ nodeId, host: 'h', port: nodeId }));
    this.owns = () => owns;
  }

  ownsGroup(groupId: string): boolean {
    return this.owns(groupId);
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  give(owns: boolean): void {
    this.owns = () => owns;
    for (const listener of this.#listeners) listener();
  }
}

interface Setting {
  readonly brokers?: Brokers;
  readonly mode?: OffsetsTopicMode;
  readonly log?: Pick<Store['log'], 'append' | 'read' | 'bounds'>;
  readonly watch?: Store['documents']['watch'];
  readonly recordBytesMax?: number;
}

function open(setting: Setting = {}): OffsetsProjection {
  const { brokers = new Brokers(), mode = 'named', log = store.log, recordBytesMax = 1_000_000 } = setting;
  const { documents } = store;
  const { watch = documents.watch.bind(documents) } = setting;
  const projection = new OffsetsProjection({
    store: {
      log,
      documents: {
        get: documents.get.bind(documents),
        list: documents.list.bind(documents),
        write: documents.write.bind(documents),
        watch,
      },
    },
    catalog,
    brokers,
    mode,
    minInsyncReplicas: 1,
    recordBytesMax,
    clock: Date.now,
    logger: createLogger({ level: 'silent', readable: false }),
  });
  opened.push(projection);
  return projection;
}

async function known(groupId: string, more: Partial<GroupDocument> = {}): Promise<void> {
  const document: GroupDocument = { generation: 0, protocolType: null, protocolName: null, leaderId: null, members: [], ...more }; // prettier-ignore
  await store.documents.write([{ key: groupStateKey(groupId), value: JSON.stringify(document), expected: 'any' }]);
}

async function commit(groupId: string, topic: string, partition: number, offset: bigint): Promise<void> {
  const of = { leaderEpoch: 0, metadata: '', topicId: TOPIC_ID, committedAtMs: 1_000 };
  await offsets.commit(groupId, [{ topic, partition, offset, ...of }]);
}

/** What the topic says of offsets, in its order, each as `group topic-partition offset`. */
async function said(groupId: string): Promise<string[]> {
  const { chain = [] } = catalog.peek(TOPIC)?.partitions[offsetsPartitionOf(groupId)] ?? {};
  const lines: string[] = [];
  for (const { key: shard, startOffset } of chain) {
    const read = await store.log.read(shard, startOffset, { maxBytes: 10_000_000 });
    if (!read.ok) throw new Error(read.refusal.code);
    for (const chunk of read.value.chunks) {
      for (let position = 0; position < chunk.length;) {
        const header = readBatchHeader(chunk, position);
        for (const { key, value } of decodeBatch(chunk, position, header, { uncompressedBytesMax: 10_000_000 })) {
          lines.push(lineOf(key as Buffer, value));
        }
        position += header.sizeBytes;
      }
    }
    read.value.release();
  }
  return lines;
}

function lineOf(key: Buffer, value: Buffer | null): string {
  const type = coordinatorRecordType(key);
  if (type !== offsetCommitRecord.type) return `${type} ${value === null ? 'gone' : 'there'}`;
  const { group, topic, partition } = decodeCoordinatorKey(offsetCommitRecord, key);
  const offset = value === null ? 'gone' : decodeCoordinatorValue(offsetCommitRecord, value).offset.toString();
  return `${group} ${topic}-${partition} ${offset}`;
}

describe('the offsets topic', () => {
  it('is not there, and costs nothing, until somebody names it', async () => {
    let watches = 0;
    const { log, documents } = store;
    const watched = {
      get: documents.get.bind(documents),
      list: documents.list.bind(documents),
      write: documents.write.bind(documents),
      watch: () => {
        watches += 1;
        return Promise.resolve(() => undefined);
      },
    };
    const projection = new OffsetsProjection({
      store: { log, documents: watched },
      catalog,
      brokers: new Brokers(),
      mode: 'named',
      minInsyncReplicas: 1,
      recordBytesMax: 1_000_000,
      clock: Date.now,
      logger: createLogger({ level: 'silent', readable: false }),
    });
    await projection.start();
    await commit('g', 'orders', 0, 5n);
    expect([catalog.peek(TOPIC), watches]).toEqual([undefined, 0]);
    await projection.close();
  });

  it('is there from the start, if wished', async () => {
    await open({ mode: 'always' }).start();
    expect(catalog.peek(TOPIC)?.partitions.length).toBe(50);
    expect(catalog.peek(TOPIC)?.document.configs).toEqual({
      'cleanup.policy': 'compact',
      'compression.type': 'producer',
      'segment.bytes': '104857600',
    });
  });

  it('never comes, if wished', async () => {
    await open({ mode: 'never' }).named();
    expect(catalog.peek(TOPIC)).toBe(undefined);
  });

  it('has at once what was committed before it was named, and then each change', async () => {
    await known('g');
    await commit('g', 'orders', 0, 5n);
    await commit('g', 'orders', 1, 6n);
    await open().named();
    expect(await said('g')).toEqual(['g orders-0 5', 'g orders-1 6']);
    await commit('g', 'orders', 0, 7n);
    await eventually(async () => expect(await said('g')).toHaveLength(3));
    await offsets.remove('g', [{ topic: 'orders', partition: 1 }]);
    await eventually(async () => expect(await said('g')).toHaveLength(4));
    expect((await said('g')).slice(2)).toEqual(['g orders-0 7', 'g orders-1 gone']);
  });

  it('ends with the newest of many commits that come faster than it is written', async () => {
    await open().named();
    await known('g');
    await Promise.all(Array.from({ length: 500 }, (_, i) => commit('g', 'orders', i % 3, BigInt(i))));
    await eventually(async () => {
      const lines = await said('g');
      const last = new Map(lines.map((line) => [line.split(' ')[1], line]));
      expect([...last.values()].sort()).toEqual(['g orders-0 498', 'g orders-1 499', 'g orders-2 497']);
    });
  });

  it('says what became of members when they are gone, and that a group is gone behind its offsets', async () => {
    await open().named();
    const member = {
      memberId: 'm', instanceId: null, rackId: null, clientId: 'c', clientHost: 'h', rebalanceTimeoutMs: 1, topicNames: [], topicRegex: '',
      serverAssignor: null, memberEpoch: 1, previousMemberEpoch: 0, state: 'stable', assigned: { [TOPIC_ID]: '0-1@1' }, revoking: {}, target: { [TOPIC_ID]: '0-1' }, classic: null,
    }; // prettier-ignore
    const consumer = { kind: 'consumer', groupEpoch: 1, assignmentEpoch: 1, assignor: 'range', topicsStamp: '', emptySinceMs: null, members: [member] }; // prettier-ignore
    const write = (value: object | undefined) =>
      store.documents.write([{ key: groupStateKey('g'), value: value && JSON.stringify(value), expected: 'any' }]);
    await write(consumer);
    await eventually(async () =>
      expect(await said('g')).toEqual(['5 there', '3 there', '7 there', '6 there', '8 there']),
    );
    await write({ ...consumer, groupEpoch: 2, members: [] });
    await eventually(async () => expect(await said('g')).toHaveLength(9));
    expect((await said('g')).slice(5)).toEqual(['5 gone', '7 gone', '8 gone', '3 there']);
    await commit('g', 'orders', 0, 1n);
    await eventually(async () => expect(await said('g')).toHaveLength(10));
    await store.documents.write([
      { key: groupStateKey('g'), value: undefined, expected: 'any' },
      { key: groupOffsetKey('g', 'orders', 0), value: undefined, expected: 'any' },
    ]);
    await eventually(async () => expect(await said('g')).toHaveLength(13));
    expect((await said('g')).slice(10)).toEqual(['g orders-0 gone', '3 gone', '6 gone']);
  });

  it('is not written again by the next life, but for what has changed between', async () => {
    await known('g', { generation: 3, protocolType: 'consumer' });
    await commit('g', 'orders', 0, 1n);
    await commit('g', 'orders', 1, 1n);
    await commit('g', 'orders', 2, 1n);
    const first = open();
    await first.named();
    const before = await said('g');
    expect(before).toEqual(['2 there', 'g orders-0 1', 'g orders-1 1', 'g orders-2 1']);
    await first.close();
    await commit('g', 'orders', 1, 2n);
    await offsets.remove('g', [{ topic: 'orders', partition: 2 }]);
    await open().named();
    expect(await said('g')).toEqual([...before, 'g orders-2 gone', 'g orders-1 2']);
  });

  it('forgets groups that went while nobody looked', async () => {
    await known('g');
    await commit('g', 'orders', 0, 1n);
    const first = open();
    await first.named();
    await first.close();
    await offsets.remove('g', [{ topic: 'orders', partition: 0 }]);
    await store.documents.write([{ key: groupStateKey('g'), value: undefined, expected: 'any' }]);
    await open().named();
    expect(await said('g')).toEqual(['g orders-0 1', 'g orders-0 gone']);
  });

  it('is whole again after it was deleted and named anew', async () => {
    await known('g');
    await commit('g', 'orders', 0, 1n);
    const projection = open();
    await projection.named();
    await catalog.delete(TOPIC);
    await commit('g', 'orders', 0, 2n);
    await projection.named();
    expect(await said('g')).toEqual(['g orders-0 2']);
  });

  it('gets what it missed while the store took nothing', async () => {
    let isAway = false;
    const { log } = store;
    const append: typeof log.append = (request) => isAway ? Promise.reject(new StoreUnavailable('away')) : log.append(request); // prettier-ignore
    await open({ log: { append, read: log.read.bind(log), bounds: log.bounds.bind(log) } }).named();
    isAway = true;
    await known('g');
    await commit('g', 'orders', 0, 1n);
    await commit('g', 'orders', 0, 2n);
    expect(await said('g')).toEqual([]);
    isAway = false;
    await eventually(async () => expect(await said('g')).toEqual(['g orders-0 2']));
  });

  it('ends with the newest state where the bridge that loses a group writes late', async () => {
    const late = Promise.withResolvers<void>();
    let isHeld = false;
    const { log } = store;
    const append: typeof log.append = async (request) => {
      if (isHeld) await late.promise;
      return log.append(request);
    };
    const [former, latter] = [new Brokers(2, true), new Brokers(2, false)];
    await known('g');
    await open({ brokers: former, log: { append, read: log.read.bind(log), bounds: log.bounds.bind(log) } }).named();
    await open({ brokers: latter }).named();
    isHeld = true;
    await commit('g', 'orders', 0, 1n);
    await eventually(async () => expect(await said('g')).toEqual([]));
    // The next one takes over and goes on; what the first one has under way comes last of all.
    former.owns = () => false;
    latter.give(true);
    await commit('g', 'orders', 0, 2n);
    await eventually(async () => expect((await said('g')).at(-1)).toBe('g orders-0 2'));
    isHeld = false;
    late.resolve();
    await eventually(async () => expect((await said('g')).at(-1)).toBe('g orders-0 1'));
    former.give(false);
    await eventually(async () => expect((await said('g')).at(-1)).toBe('g orders-0 2'));
  });

  it('follows all other groups where one cannot be read, and that one again when it can', async () => {
    await known('g');
    await commit('g', 'orders', 0, 1n);
    await known('other');
    await commit('other', 'orders', 0, 1n);
    const garbage = (key: string) => store.documents.write([{ key, value: '{"later":', expected: 'any' }]);
    await garbage(groupStateKey('broken'));
    await garbage(groupOffsetKey('g', 'orders', 1));
    await open().named();
    expect(await said('other')).toEqual(['other orders-0 1']);
    await garbage(groupStateKey('broken'));
    await garbage(groupOffsetKey('g', 'orders', 2));
    await commit('other', 'orders', 0, 2n);
    await eventually(async () => expect(await said('other')).toEqual(['other orders-0 1', 'other orders-0 2']));
    await offsets.remove('g', [{ topic: 'orders', partition: 1 }]);
    await offsets.remove('g', [{ topic: 'orders', partition: 2 }]);
    await commit('g', 'orders', 0, 3n);
    await eventually(async () => expect((await said('g')).at(-1)).toBe('g orders-0 3'));
  });

  it('lets go of what it watches where it can watch a part only, and watches again', async () => {
    let watched = 0;
    let isAway = true;
    const { documents } = store;
    const watch: typeof documents.watch = async (prefix, listener) => {
      if (isAway && watched > 0) throw new StoreUnavailable('away');
      const stop = await documents.watch(prefix, listener);
      watched += 1;
      return () => {
        watched -= 1;
        stop();
      };
    };
    await known('g');
    await commit('g', 'orders', 0, 1n);
    const projection = open({ watch });
    const naming = projection.named();
    await eventually(() => expect(catalog.peek(TOPIC)?.partitions.length).toBe(50));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(watched).toBe(0);
    isAway = false;
    await naming;
    expect([await said('g'), watched]).toEqual([['g orders-0 1'], 2]);
    await projection.close();
    expect(watched).toBe(0);
  });

  it('gets what went by while nobody could tell of changes', async () => {
    const listeners: ((key: string | undefined) => void)[] = [];
    const watch: Store['documents']['watch'] = async (_, listener) => {
      listeners.push(listener);
      return () => undefined;
    };
    await open({ watch }).named();
    await known('g');
    await commit('g', 'orders', 0, 1n);
    expect(await said('g')).toEqual([]);
    listeners[0]?.(undefined);
    await eventually(async () => expect(await said('g')).toEqual(['g orders-0 1']));
    // And the same where more was told of than is noted.
    await commit('g', 'orders', 0, 2n);
    for (let n = 0; n <= CHANGES_NOTED_MAX; n++) listeners[0]?.(groupOffsetKey('another', 'orders', n));
    await eventually(async () => expect((await said('g')).at(-1)).toBe('g orders-0 2'));
  }, 20_000);

  it('gets a change that could not be written, though nothing is changed again', async () => {
    let fails = 0;
    const { log } = store;
    const append: typeof log.append = (request) => fails-- > 0 ? Promise.reject(new StoreUnavailable('away')) : log.append(request); // prettier-ignore
    await open({ log: { append, read: log.read.bind(log), bounds: log.bounds.bind(log) } }).named();
    fails = 1;
    await known('g');
    await commit('g', 'orders', 0, 1n);
    await eventually(async () => expect(await said('g')).toEqual(['g orders-0 1']));
  });

  it('says that a group is gone of which it has never said anything, and once only', async () => {
    await open().named();
    await known('g');
    await commit('g', 'orders', 0, 1n);
    await eventually(async () => expect(await said('g')).toHaveLength(1));
    await store.documents.write([
      { key: groupStateKey('g'), value: undefined, expected: 'any' },
      { key: groupOffsetKey('g', 'orders', 0), value: undefined, expected: 'any' },
    ]);
    await eventually(async () => expect(await said('g')).toEqual(['g orders-0 1', 'g orders-0 gone', '2 gone']));
    await Promise.all(opened.splice(0).map((projection) => projection.close()));
    await open().named();
    expect(await said('g')).toHaveLength(3);
  });

  it('has what fits where a record of a group does not', async () => {
    await known('g', { generation: 3, protocolType: 'consumer', protocolName: 'x'.repeat(300) });
    await commit('g', 'orders', 0, 1n);
    await open({ recordBytesMax: 250 }).named();
    expect(await said('g')).toEqual(['g orders-0 1']);
  });

  it('has a group of very many offsets, in batches that are bounded', async () => {
    await known('g');
    const of = { leaderEpoch: 0, metadata: 'm'.repeat(1_000), topicId: TOPIC_ID, committedAtMs: 1_000 };
    const all = Array.from({ length: 1_500 }, (_, partition) => ({ topic: 't', partition, offset: 1n, ...of }));
    for (let from = 0; from < all.length; from += 500) await offsets.commit('g', all.slice(from, from + 500));
    const sizes: number[] = [];
    const { log } = store;
    const append: typeof log.append = (request) => {
      sizes.push(request.batch.length);
      return log.append(request);
    };
    await open({ log: { append, read: log.read.bind(log), bounds: log.bounds.bind(log) } }).named();
    expect(await said('g')).toHaveLength(1_500);
    expect(Math.max(...sizes)).toBeLessThan(BATCH_BYTES_MAX + 20_000 + 2_000);
    expect(sizes.length).toBeGreaterThan(2);
  });

  it('leaves alone a topic of its name with too few partitions, and does not let anybody wait', async () => {
    await catalog.create({ name: TOPIC, shardCount: 3, mode: 'ON_DEMAND', origin: 'kafka' });
    await known('g');
    await commit('g', 'orders', 0, 1n);
    const started = performance.now();
    const projection = open();
    await projection.named();
    expect(performance.now() - started).toBeLessThan(FIRST_WRITE_WAIT_MS / 2);
    await catalog.delete(TOPIC);
    await projection.named();
    expect(await said('g')).toEqual(['g orders-0 1']);
  });
});
