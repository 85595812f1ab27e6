import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { CrashingStore } from '../testing/crashing-store.ts';
import { accepted, append, appendRequest, makeBatch, openNewShard, readValues } from '../testing/index.ts';
import type { EmbeddedStoreOptions } from './index.ts';

let crashing: CrashingStore;

async function open(options: Partial<EmbeddedStoreOptions>): Promise<CrashingStore> {
  crashing = await CrashingStore.open(options);
  return crashing;
}

afterEach(async () => {
  await crashing.remove();
});

describe('appends that wait', () => {
  it('are let in in their order when there is room again', async () => {
    const { store, files } = await open({ queueBytesMax: 3_000 });
    const shard = await openNewShard(store.log);
    let openGate = () => {};
    files.syncGate = new Promise((resolve) => (openGate = resolve));
    const values = Array.from({ length: 40 }, (_, i) => `${i}`.padEnd(500 + i));
    const appends = values.map((value) => append(store.log, shard, [value]));
    await sleep(20);
    openGate();
    expect((await Promise.all(appends)).map((outcome) => accepted(outcome).baseOffset)).toEqual(
      values.map((_, i) => BigInt(i)),
    );
    expect(await readValues(store.log, shard)).toEqual(values);
  });

  it('hold no more memory than they may: the bytes let in, and so many places outside', async () => {
    const { store, files } = await open({ queueBytesMax: 1_000, waitingAppendsMax: 5 });
    const shard = await openNewShard(store.log);
    let openGate = () => {};
    files.syncGate = new Promise((resolve) => (openGate = resolve));
    // Two are let in before the bound is met; five wait; the eighth is one too many.
    const appends = Array.from({ length: 8 }, () => append(store.log, shard, ['x'.repeat(600)]));
    await expect(appends[7]).rejects.toMatchObject({ name: 'StoreUnavailable' });
    openGate();
    await Promise.all(appends.slice(0, 7));
    expect(accepted(await store.log.bounds(shard)).logEndOffset).toEqual(7n);
  });

  it('are tried when those before them have failed', async () => {
    const { store, files } = await open({ queueBytesMax: 1_000 });
    const shard = await openNewShard(store.log);
    const error = Object.assign(new Error('full'), { code: 'ENOSPC' });
    files.writeFailure = { error, bytesBefore: 0 };
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, () => append(store.log, shard, ['x'.repeat(600)])),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(outcomes.map(() => 'rejected'));
    files.writeFailure = undefined;
    expect(accepted(await append(store.log, shard, ['y'])).baseOffset).toEqual(0n);
  });

  it('are refused once the store is closed', async () => {
    const { store } = await open({});
    const shard = await openNewShard(store.log);
    const last = append(store.log, shard, ['last']);
    await store.close();
    accepted(await last);
    await expect(append(store.log, shard, ['late'])).rejects.toMatchObject({ name: 'StoreUnavailable' });
    await expect(store.documents.write([{ key: 'k', value: '1', expected: 'any' }])).rejects.toMatchObject({
      name: 'StoreUnavailable',
    });
    await store.close();
  });
});

describe('waiting for appends', () => {
  it('is refused to one more than there may be, and forgets those that ended', async () => {
    const { store } = await open({ waitersMax: 3 });
    const shard = await openNewShard(store.log);
    const positions = [{ shard, offset: 0n }];
    const controller = new AbortController();
    for (let round = 0; round < 50; round++) {
      const aborter = new AbortController();
      const waiting = store.log.awaitAppend(positions, { timeoutMs: 10_000, signal: aborter.signal });
      aborter.abort();
      expect(await waiting).toBe(false);
      expect(await store.log.awaitAppend(positions, { timeoutMs: 1 })).toBe(false);
    }
    const { signal } = controller;
    const waiting = Array.from({ length: 3 }, () => store.log.awaitAppend(positions, { timeoutMs: 10_000, signal }));
    await expect(store.log.awaitAppend(positions, { timeoutMs: 10_000 })).rejects.toMatchObject({
      name: 'StoreUnavailable',
    });
    accepted(await append(store.log, shard, ['x']));
    expect(await Promise.all(waiting)).toEqual([true, true, true]);
    expect(await store.log.awaitAppend([{ shard, offset: 1n }], { timeoutMs: 1 })).toBe(false);
  });

  it('ends when the store is closed', async () => {
    const { store } = await open({});
    const shard = await openNewShard(store.log);
    const waiting = store.log.awaitAppend([{ shard, offset: 0n }], { timeoutMs: 60_000 });
    await store.close();
    expect(await waiting).toBe(false);
  });
});

describe('producers', () => {
  const send = (id: bigint, baseSequence: number) => ({ producer: { id, epoch: 0, baseSequence } });

  it('are forgotten above the bound, the one first that was silent longest', async () => {
    const { store } = await open({ producersPerShardMax: 3 });
    const shard = await openNewShard(store.log);
    for (const id of [1n, 2n, 3n]) accepted(await append(store.log, shard, ['x'], send(id, 0)));
    accepted(await append(store.log, shard, ['x'], send(1n, 1)));
    accepted(await append(store.log, shard, ['x'], send(4n, 0)));
    // 2 is forgotten, and may begin anywhere; 1 and 3 are remembered.
    expect(accepted(await append(store.log, shard, ['x'], send(1n, 1))).duplicate).toBe(true);
    expect(accepted(await append(store.log, shard, ['x'], send(3n, 0))).duplicate).toBe(true);
    expect(accepted(await append(store.log, shard, ['x'], send(2n, 17))).duplicate).toBe(false);
  });

  it('are forgotten when they have been silent for long', async () => {
    let now = 1_000_000;
    const { store } = await open({ producerExpiryMs: 1_000, clock: () => now });
    const shard = await openNewShard(store.log);
    accepted(await append(store.log, shard, ['x'], send(1n, 0)));
    now += 900;
    accepted(await append(store.log, shard, ['x'], send(2n, 0)));
    expect(accepted(await append(store.log, shard, ['x'], send(1n, 0))).duplicate).toBe(true);
    now += 200;
    accepted(await append(store.log, shard, ['x'], send(3n, 0)));
    expect(accepted(await append(store.log, shard, ['x'], send(1n, 0))).duplicate).toBe(false);
    expect(accepted(await append(store.log, shard, ['x'], send(2n, 0))).duplicate).toBe(true);
  });

  it('are forgotten then although a marker in another partition has fenced them', async () => {
    let now = 1_000_000;
    const { store } = await open({ producerExpiryMs: 1_000, clock: () => now });
    const shard = await openNewShard(store.log);
    const write = (id: bigint, partition: number) =>
      store.log.append(appendRequest(shard, makeBatch(['x'], send(id, 0)), { partition }));
    for (const partition of [0, 1]) accepted(await write(1n, partition));
    const marker = { shard, producerId: 1n, producerEpoch: 1, coordinatorEpoch: 0, commit: true } as const;
    accepted(await store.log.endTransaction({ ...marker, acks: 'all', minInsyncReplicas: 1, timeoutMs: 1_000 }));
    expect(await write(1n, 1)).toMatchObject({ ok: false, refusal: { code: 'staleProducerEpoch' } });
    now += 1_001;
    accepted(await write(2n, 0));
    expect(accepted(await write(1n, 1)).duplicate).toBe(false);
  });
});

describe('the clock of the machine', () => {
  it('may go back: append times do not', async () => {
    let now = 5_000;
    const { store } = await open({ clock: () => now });
    const shard = await openNewShard(store.log);
    expect(accepted(await append(store.log, shard, ['a'])).appendTimeMs).toEqual(5_000);
    now = 3_000;
    expect(accepted(await append(store.log, shard, ['b'])).appendTimeMs).toEqual(5_000);
    const next = await crashing.opened(() => 0);
    expect(accepted(await append(next.store.log, shard, ['c'])).appendTimeMs).toEqual(5_000);
    await next.close();
  });
});
