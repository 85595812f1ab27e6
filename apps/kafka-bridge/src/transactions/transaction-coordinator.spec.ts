import { describe, expect, it } from '@jest/globals';
import { type ErrorCode, errorName } from '@tailrace/kafka-protocol';
import { type Documents, StoreUnavailable } from '@tailrace/shard-core';
import { createLogger } from '@tailrace/telemetry';
import { FakeTimers, settle } from '../testing/fake-timers.ts';
import { MemoryDocuments } from '../testing/memory-documents.ts';
import { OffsetStore } from '../groups/offset-store.ts';
import { PENDING_OFFSETS_BYTES_MAX } from './pending-offsets.ts';
import {
  COMPLETION_WAIT_MS,
  EXPIRATION_INTERVAL_MS,
  type InitAnswer,
  SWEEP_INTERVAL_MS,
  TRANSACTION_TIMEOUT_MS_MAX,
  TRANSACTIONAL_ID_EXPIRATION_MS,
  TransactionCoordinator,
} from './transaction-coordinator.ts';
import { TRANSACTION_BYTES_MAX } from './transaction-document.ts';
import { type Marker, MarkersUnwritten } from './transaction-markers.ts';
import { COMPLETION_PATIENCE_MS } from './transaction-store.ts';

const logger = createLogger({ level: 'fatal', readable: false, destination: { write: () => undefined } });
const orders = { name: 'orders', topicId: 'id-of-orders', partitions: [0] };
const COMMIT = { commit: true, bumpsEpoch: false };
const ABORT = { commit: false, bumpsEpoch: false };
const COMMIT_AND_BUMP = { commit: true, bumpsEpoch: true };

/** One store with as many bridges as a test wants; the id `t` belongs to the bridge that `owner` names. */
function cluster() {
  const documents = new MemoryDocuments();
  const timers = new FakeTimers();
  let producerIds = 100n;
  const state = { owner: 1, term: 1, startedAtMs: 1_000_000 };
  /** What markers were written, by which bridge; `trouble` makes the next ones fail, `hold` keeps them waiting. */
  const written: (Marker & { readonly bridge: number })[] = [];
  const trouble: Error[] = [];
  const held: (() => void)[] = [];
  const holding = new Set<number>();
  const bridge = (nodeId: number, ownDocuments: Documents = documents) =>
    new TransactionCoordinator({
      documents: ownDocuments,
      brokers: {
        owns: () => state.owner === nodeId,
        holdsLease: true,
        get term() {
          return state.term;
        },
      },
      producerIds: { next: async () => producerIds++ },
      markers: {
        async write(marker) {
          if (holding.has(nodeId)) await new Promise<void>((resolve) => held.push(resolve));
          const error = trouble.shift();
          if (error !== undefined) throw error;
          written.push({ ...marker, bridge: nodeId });
        },
      },
      timers,
      wallClock: () => state.startedAtMs + timers.now(),
      logger,
    });
  return {
    documents,
    timers,
    state,
    written,
    trouble,
    bridge,
    hold(nodeId: number) {
      holding.add(nodeId);
    },
    /** Lets the marker through that has waited longest. */
    releaseOne() {
      held.shift()?.();
    },
    release() {
      holding.clear();
      for (const resume of held.splice(0)) resume();
    },
  };
}

const added = { topics: [orders], groups: [] };
const implicitly = { implicit: true, isAdmitted: () => true };
const nameOf = ({ errorCode }: { errorCode: ErrorCode }) => errorName(errorCode);

async function begin(coordinator: TransactionCoordinator) {
  const producer = await coordinator.init('t', 60_000, undefined);
  expect([nameOf(producer), errorName(await coordinator.add('t', producer, added))]).toEqual(['NONE', 'NONE']);
  return producer;
}

async function stateOf(coordinator: TransactionCoordinator) {
  return (await coordinator.read('t'))?.state;
}

describe('TransactionCoordinator', () => {
  it('answers for its own ids alone, and for no impossible ones', async () => {
    const { bridge, state } = cluster();
    const coordinator = bridge(1);
    const producer = { producerId: 1n, producerEpoch: 0 };
    state.owner = 2;
    expect(nameOf(await coordinator.init('t', 1, undefined))).toBe('NOT_COORDINATOR');
    expect(errorName(await coordinator.add('t', producer, added))).toBe('NOT_COORDINATOR');
    expect(nameOf(await coordinator.end('t', producer, COMMIT))).toBe('NOT_COORDINATOR');
    expect(errorName((await coordinator.describe('t')) as ErrorCode)).toBe('NOT_COORDINATOR');
    expect(await coordinator.list()).toEqual([]);
    expect(nameOf(await coordinator.end('', producer, COMMIT))).toBe('INVALID_REQUEST');
    expect(nameOf(await coordinator.init('t', TRANSACTION_TIMEOUT_MS_MAX + 1, undefined))).toBe(
      'INVALID_TRANSACTION_TIMEOUT',
    );
    // Any bridge takes what a producer writes.
    expect(errorName(await coordinator.addImplicitly('t', producer, added))).toBe('INVALID_PRODUCER_ID_MAPPING');
  });

  it('answers that a transaction is decided before all partitions know, and says so to who comes meanwhile', async () => {
    const { bridge, hold, release, timers, written } = cluster();
    const coordinator = bridge(1);
    const producer = await begin(coordinator);
    hold(1);
    const ending = coordinator.end('t', producer, COMMIT);
    await settle();
    await timers.advance(COMPLETION_WAIT_MS);
    expect(nameOf(await ending)).toBe('NONE');
    expect(await stateOf(coordinator)).toBe('PrepareCommit');
    const ask = async (asked: Promise<{ errorCode: ErrorCode }>) => {
      await settle();
      await timers.advance(COMPLETION_WAIT_MS);
      return nameOf(await asked);
    };
    expect(await ask(coordinator.init('t', 60_000, undefined))).toBe('CONCURRENT_TRANSACTIONS');
    expect(errorName(await coordinator.add('t', producer, added))).toBe('CONCURRENT_TRANSACTIONS');
    expect(await ask(coordinator.end('t', producer, COMMIT))).toBe('CONCURRENT_TRANSACTIONS');
    expect(await ask(coordinator.end('t', producer, ABORT))).toBe('INVALID_TXN_STATE');
    release();
    await settle();
    expect([await stateOf(coordinator), written.length]).toEqual(['CompleteCommit', 1]);
    expect(nameOf(await coordinator.end('t', producer, COMMIT))).toBe('NONE');
    expect(nameOf(await coordinator.end('t', producer, ABORT))).toBe('INVALID_TXN_STATE');
  });

  it('sends markers again until all partitions have them, each time with a higher coordinator epoch', async () => {
    const { bridge, trouble, timers, written } = cluster();
    const coordinator = bridge(1);
    const producer = await begin(coordinator);
    trouble.push(new StoreUnavailable('away'), new MarkersUnwritten('one is missing'));
    const ending = coordinator.end('t', producer, COMMIT);
    await settle();
    expect(await stateOf(coordinator)).toBe('PrepareCommit');
    await timers.advance(500);
    expect(nameOf(await ending)).toBe('NONE');
    expect(written).toEqual([{ ...identity(producer), commit: true, coordinatorEpoch: 2, bridge: 1 }]);
    expect(await stateOf(coordinator)).toBe('CompleteCommit');
  });

  it('sends no marker again before the higher coordinator epoch is stored', async () => {
    const { bridge, documents, trouble, timers, written } = cluster();
    const coordinator = bridge(1);
    const producer = await begin(coordinator);
    trouble.push(new StoreUnavailable('away'));
    const ending = coordinator.end('t', producer, COMMIT);
    await settle();
    documents.away = true;
    await timers.advance(COMPLETION_WAIT_MS);
    expect(nameOf(await ending)).toBe('NONE');
    // One that is still under way from the first try could not be told from these.
    expect(written).toEqual([]);
    documents.away = false;
    await timers.advance(5_000);
    expect(written).toEqual([{ ...identity(producer), commit: true, coordinatorEpoch: 1, bridge: 1 }]);
    expect(await stateOf(coordinator)).toBe('CompleteCommit');
  });

  it('goes on with what another bridge has decided and did not complete', async () => {
    const { bridge, hold, release, state, timers, written } = cluster();
    const [first, second] = [bridge(1), bridge(2)];
    const producer = await begin(first);
    hold(1);
    const ending = first.end('t', producer, COMMIT);
    await settle();
    // It stops here for a while, and the others take it for dead.
    state.owner = 2;
    await second.sweep();
    expect(await stateOf(second)).toBe('PrepareCommit');
    await timers.advance(COMPLETION_PATIENCE_MS);
    expect(nameOf(await ending)).toBe('NONE');
    await second.sweep();
    await settle();
    release();
    await settle();
    const marker = { ...identity(producer), commit: true };
    expect(written).toEqual([
      { ...marker, coordinatorEpoch: 1, bridge: 2 },
      { ...marker, coordinatorEpoch: 0, bridge: 1 },
    ]);
    expect(await second.read('t')).toMatchObject({ state: 'CompleteCommit', coordinatorEpoch: 1 });
    expect(await second.pendingOffsets.unstable('g')).toEqual(new Set());
  });

  it('is not complete before the bridge that took over has written its markers', async () => {
    const { bridge, hold, releaseOne, release, state, timers } = cluster();
    const [first, second] = [bridge(1), bridge(2)];
    const producer = await begin(first);
    hold(1);
    hold(2);
    const ending = first.end('t', producer, COMMIT);
    await settle();
    state.owner = 2;
    await timers.advance(COMPLETION_PATIENCE_MS);
    expect(nameOf(await ending)).toBe('NONE');
    await second.sweep();
    await settle();
    // Those of the first, which the others outrank: a next transaction could be ended by them.
    releaseOne();
    await settle();
    expect(await stateOf(second)).toBe('PrepareCommit');
    release();
    await settle();
    expect(await stateOf(second)).toBe('CompleteCommit');
  });

  it('looks again before it refuses by what it remembers', async () => {
    const { bridge, state } = cluster();
    const [first, second] = [bridge(1), bridge(2)];
    await first.init('t', 60_000, undefined);
    state.owner = 2;
    const heir = await second.init('t', 60_000, undefined);
    expect(errorName(await first.addImplicitly('t', heir, added))).toBe('NONE');
  });

  it('cannot set back what the bridge that took over has done', async () => {
    const { bridge, documents, hold, release, state, timers, written } = cluster();
    const [first, second] = [bridge(1), bridge(2)];
    const offsets = new OffsetStore(documents);
    const producer = await begin(first);
    const commitOffset = (coordinator: TransactionCoordinator, offset: bigint) =>
      coordinator.commitOffsets('t', producer, 'g', [offsetOf(offset)], implicitly);
    expect(errorName(await commitOffset(first, 5n))).toBe('NONE');
    hold(1);
    const ending = first.end('t', producer, COMMIT);
    await settle();
    await timers.advance(COMPLETION_PATIENCE_MS);
    await ending;
    state.owner = 2;
    await second.sweep();
    await settle();
    // The next transaction is complete as well before the first one comes back.
    expect(errorName(await commitOffset(second, 9n))).toBe('NONE');
    expect(nameOf(await second.end('t', producer, COMMIT))).toBe('NONE');
    await settle();
    release();
    await settle();
    expect((await offsets.ofTopic('g', 'orders')).get(0)?.offset).toBe(9n);
    expect(await second.read('t')).toMatchObject({ state: 'CompleteCommit', coordinatorEpoch: 1 });
    expect(written.map(({ bridge: by, coordinatorEpoch }) => [by, coordinatorEpoch])).toEqual([[2, 1], [2, 1], [1, 0]]); // prettier-ignore
  });

  it.each([
    ['ends', (one: TransactionCoordinator, producer: InitAnswer) => one.end('t', producer, COMMIT)],
    ['fences', (one: TransactionCoordinator) => one.init('t', 60_000, undefined)],
    [
      'adds to',
      async (one: TransactionCoordinator, producer: InitAnswer) => ({
        errorCode: await one.add('t', producer, { topics: [], groups: ['late'] }),
      }),
    ],
  ])('%s no transaction that began elsewhere while it had lost its lease', async (_, ask) => {
    const { bridge, documents, state } = cluster();
    const { promise: stopped, resolve: goOn } = Promise.withResolvers<void>();
    let stops = false;
    const [first, second] = [
      bridge(1, {
        get: (key) => documents.get(key),
        list: (prefix, options) => documents.list(prefix, options),
        watch: () => documents.watch(),
        // It stops between what it was asked and what it makes of it.
        async write(writes) {
          if (stops) await stopped;
          return documents.write(writes);
        },
      }),
      bridge(2),
    ];
    const producer = await begin(first);
    stops = true;
    const late = ask(first, producer);
    state.owner = 2;
    expect(nameOf(await second.end('t', producer, COMMIT))).toBe('NONE');
    expect(errorName(await second.add('t', producer, added))).toBe('NONE');
    const next = await second.read('t');
    Object.assign(state, { owner: 1, term: 3 });
    goOn();
    expect(nameOf(await late)).toBe('NOT_COORDINATOR');
    expect(await second.read('t')).toEqual(next);
    expect(next?.state).toBe('Ongoing');
  });

  it('gives nobody the id who asked before the lease ended, although it has ended the transaction for that', async () => {
    const { bridge, hold, release, state } = cluster();
    const coordinator = bridge(1);
    const producer = await begin(coordinator);
    hold(1);
    const late = coordinator.init('t', 60_000, undefined);
    await settle();
    state.term = 3;
    release();
    expect(nameOf(await late)).toBe('CONCURRENT_TRANSACTIONS');
    expect(await coordinator.read('t')).toMatchObject({
      state: 'CompleteAbort',
      producerEpoch: producer.producerEpoch + 1,
    });
  });

  it('takes no offsets of members that were admitted before the group went elsewhere', async () => {
    const { bridge } = cluster();
    const coordinator = bridge(1);
    const producer = await begin(coordinator);
    const gone = { implicit: true, isAdmitted: () => false };
    expect(errorName(await coordinator.commitOffsets('t', producer, 'g', [offsetOf(5n)], gone))).toBe(
      'NOT_COORDINATOR',
    );
    expect(await coordinator.read('t')).toMatchObject({ groups: [] });
  });

  it('aborts what is open for longer than it may be, whichever bridge began it', async () => {
    const { bridge, state, timers, written } = cluster();
    const [first, second] = [bridge(1), bridge(2)];
    const producer = await begin(first);
    state.owner = 2;
    second.start();
    await timers.advance(60_000 - SWEEP_INTERVAL_MS);
    expect(await stateOf(second)).toBe('Ongoing');
    await timers.advance(2 * SWEEP_INTERVAL_MS);
    expect(await second.read('t')).toMatchObject({ state: 'CompleteAbort', producerEpoch: 1 });
    expect(written).toEqual([
      { ...identity(producer), producerEpoch: 1, commit: false, coordinatorEpoch: 0, bridge: 2 },
    ]);
    expect(nameOf(await second.end('t', producer, COMMIT))).toBe('PRODUCER_FENCED');
    await second.close();
    expect(timers.armedCount).toBe(0);
  });

  it('lets one of two producers win that want the id at once', async () => {
    const { bridge } = cluster();
    const [first, second] = [bridge(1), bridge(1)];
    const [a, b] = await Promise.all([first.init('t', 60_000, undefined), second.init('t', 60_000, undefined)]);
    expect([nameOf(a), nameOf(b)]).toEqual(['NONE', 'NONE']);
    expect(a.producerId).toBe(b.producerId);
    expect([a.producerEpoch, b.producerEpoch].sort()).toEqual([0, 1]);
    const older = a.producerEpoch === 0 ? a : b;
    expect(errorName(await first.add('t', older, added))).toBe('PRODUCER_FENCED');
  });

  it('adds what comes through several bridges at once', async () => {
    const { bridge } = cluster();
    const bridges = [bridge(1), bridge(2), bridge(3)];
    const producer = await begin(bridges[0] as TransactionCoordinator);
    const codes = await Promise.all(
      bridges.map((one, i) => {
        const topics = [{ ...orders, partitions: [10 + i] }];
        return one.addImplicitly('t', producer, { topics, groups: [`group ${i}`] });
      }),
    );
    expect(codes.map(errorName)).toEqual(['NONE', 'NONE', 'NONE']);
    const { topics, groups } = (await bridges[0]?.read('t')) ?? { topics: [], groups: [] };
    expect(topics.map(({ partitions }) => partitions.toSorted((a, b) => a - b))).toEqual([[0, 10, 11, 12]]);
    expect(groups.toSorted()).toEqual(['group 0', 'group 1', 'group 2']);
  });

  it('lets a producer abort its next transaction, in which it wrote nothing, as soon as the one before is complete', async () => {
    const { bridge, hold, release, timers } = cluster();
    const coordinator = bridge(1);
    const producer = await begin(coordinator);
    hold(1);
    const ending = coordinator.end('t', producer, COMMIT_AND_BUMP);
    await settle();
    await timers.advance(COMPLETION_WAIT_MS);
    const { producerId, producerEpoch } = await ending;
    const next = { producerId, producerEpoch };
    const early = coordinator.end('t', next, { commit: false, bumpsEpoch: true });
    await settle();
    await timers.advance(COMPLETION_WAIT_MS);
    expect(nameOf(await early)).toBe('CONCURRENT_TRANSACTIONS');
    release();
    await settle();
    expect(await coordinator.end('t', next, { commit: false, bumpsEpoch: true })).toMatchObject({
      errorCode: 0,
      producerEpoch: producerEpoch + 1,
    });
  });

  it('knows its own work when the answer of the store was lost', async () => {
    const { bridge, documents } = cluster();
    const coordinator = bridge(1);
    const producer = await begin(coordinator);
    documents.loseNextAnswer = true;
    expect(nameOf(await coordinator.end('t', producer, COMMIT_AND_BUMP))).toBe('COORDINATOR_NOT_AVAILABLE');
    expect(await stateOf(coordinator)).toBe('PrepareCommit');
    expect(nameOf(await coordinator.end('t', producer, COMMIT_AND_BUMP))).toBe('CONCURRENT_TRANSACTIONS');
  });

  it('is not available while the store is away', async () => {
    const { bridge, documents } = cluster();
    const coordinator = bridge(1);
    const producer = await begin(coordinator);
    documents.away = true;
    expect(nameOf(await coordinator.init('t', 60_000, undefined))).toBe('COORDINATOR_NOT_AVAILABLE');
    const more = { topics: [{ ...orders, partitions: [1] }], groups: [] };
    expect(errorName(await coordinator.add('t', producer, more))).toBe('COORDINATOR_NOT_AVAILABLE');
    expect(nameOf(await coordinator.end('t', producer, COMMIT))).toBe('COORDINATOR_NOT_AVAILABLE');
    expect(errorName((await coordinator.describe('t')) as ErrorCode)).toBe('COORDINATOR_NOT_AVAILABLE');
    documents.away = false;
    expect(nameOf(await coordinator.end('t', producer, COMMIT))).toBe('NONE');
  });

  it('commits more offsets than fit into one write, and no more than fit into a document', async () => {
    const { bridge, documents } = cluster();
    const coordinator = bridge(1);
    const producer = await begin(coordinator);
    const many = Array.from({ length: 2_500 }, (_, partition) => ({ ...offsetOf(7n), partition }));
    expect(errorName(await coordinator.commitOffsets('t', producer, 'g', many, implicitly))).toBe('NONE');
    const huge = [{ ...offsetOf(1n), metadata: 'x'.repeat(PENDING_OFFSETS_BYTES_MAX) }];
    expect(errorName(await coordinator.commitOffsets('t', producer, 'g', huge, implicitly))).toBe(
      'INVALID_COMMIT_OFFSET_SIZE',
    );
    expect(nameOf(await coordinator.end('t', producer, COMMIT))).toBe('NONE');
    expect((await new OffsetStore(documents).ofTopic('g', 'orders')).size).toBe(2_500);
    expect(Math.max(...documents.writes.map((writes) => writes.length))).toBeLessThanOrEqual(1_000);
    expect(await documents.list('transaction-offsets/')).toEqual([]);
  });

  it('refuses a transaction that no document holds', async () => {
    const { bridge } = cluster();
    const coordinator = bridge(1);
    const producer = await begin(coordinator);
    const groups = Array.from({ length: 3 }, (_, i) => `${i}`.repeat(TRANSACTION_BYTES_MAX / 3));
    expect(errorName(await coordinator.add('t', producer, { topics: [], groups }))).toBe('INVALID_REQUEST');
    expect(nameOf(await coordinator.end('t', producer, COMMIT))).toBe('NONE');
  });

  it('completes what it is at when it is closed, but does not wait for it for ever', async () => {
    const { bridge, hold, release, timers, written } = cluster();
    const coordinator = bridge(1);
    const producer = await begin(coordinator);
    hold(1);
    void coordinator.end('t', producer, COMMIT);
    await settle();
    let closed = false;
    const closing = coordinator.close().then(() => (closed = true));
    await settle();
    expect(closed).toBe(false);
    await timers.advance(COMPLETION_WAIT_MS);
    expect([closed, await closing]).toEqual([true, true]);
    release();
    await settle();
    expect([written.length, await stateOf(coordinator)]).toEqual([1, 'CompleteCommit']);
  });

  it('forgets an id that nobody has used for a week, and none that is in use', async () => {
    const { bridge, documents, timers, state } = cluster();
    const coordinator = bridge(1);
    await coordinator.init('old', 60_000, undefined);
    state.startedAtMs += TRANSACTIONAL_ID_EXPIRATION_MS;
    await coordinator.init('new', 60_000, undefined);
    await timers.advance(EXPIRATION_INTERVAL_MS);
    await coordinator.sweep();
    expect((await documents.list('transaction/')).map(({ key }) => key)).toEqual(['transaction/new']);
  });

  it('keeps ids apart whatever they hold', async () => {
    const { bridge } = cluster();
    const coordinator = bridge(1);
    const ids = ['a/b', 'a%2Fb', 'ä', '\ud800', ' ', 'a'];
    for (const id of ids) expect(nameOf(await coordinator.init(id, 60_000, undefined))).toBe('NONE');
    const listed = (await coordinator.list()).map(({ transactionalId }) => transactionalId);
    expect(listed.toSorted()).toEqual(ids.map((id) => id.toWellFormed()).toSorted());
  });
});

function identity({ producerId, producerEpoch }: { producerId: bigint; producerEpoch: number }) {
  return { producerId, producerEpoch };
}

function offsetOf(offset: bigint) {
  return { topic: 'orders', topicId: 'id', partition: 0, offset, leaderEpoch: -1, metadata: '', committedAtMs: 1 };
}
