import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openStore, type Store } from '@tailrace/shard-core';
import { eventually, temporaryDirectory, type TemporaryDirectory } from '@tailrace/testkit';
import type { ClientQuotaEntity } from './client-quota.ts';
import { ClientQuotas } from './client-quotas.ts';

let directory: TemporaryDirectory;
let store: Store;
let quotas: ClientQuotas;

beforeEach(async () => {
  directory = await temporaryDirectory();
  store = await openStore({
    store: 'embedded',
    dataDir: directory.path,
    durability: 'relaxed',
    redisUrl: '',
    minInsyncReplicas: 0,
  });
  quotas = await ClientQuotas.open(store.documents);
});
afterEach(async () => {
  await quotas.close();
  await store.close();
  await directory.remove();
});

const set = (entity: ClientQuotaEntity, value: number | undefined) =>
  quotas.change(entity, [{ key: 'producer_byte_rate', value }]);
const found = (user: string, clientId: string) => quotas.find('producer_byte_rate', user, clientId)?.value;

describe('client quotas', () => {
  it("apply the most particular first, in Kafka's order", async () => {
    const order: ClientQuotaEntity[] = [
      { user: 'u', clientId: 'c' },
      { user: 'u', clientId: null },
      { user: 'u' },
      { user: null, clientId: 'c' },
      { user: null, clientId: null },
      { user: null },
      { clientId: 'c' },
      { clientId: null },
    ];
    for (const [i, entity] of order.entries()) expect(await set(entity, i + 1)).toEqual({ ok: true });
    for (const [i, entity] of order.entries()) {
      expect(found('u', 'c')).toBe(i + 1);
      await set(entity, undefined);
    }
    expect(found('u', 'c')).toBeUndefined();
    expect(quotas.size).toBe(0);
  });

  it('are shared by those whom they are for', async () => {
    const sharedBy = (user: string, clientId: string) => quotas.find('producer_byte_rate', user, clientId)?.sharedBy;
    await set({ user: null }, 1);
    expect(sharedBy('a', 'x')).toBe(sharedBy('a', 'y'));
    expect(sharedBy('a', 'x')).not.toBe(sharedBy('b', 'x'));
    await set({ clientId: 'z' }, 1);
    await set({ user: null }, undefined);
    expect(sharedBy('a', 'z')).toBe(sharedBy('b', 'z'));
    await set({ user: 'a', clientId: null }, 1);
    expect(sharedBy('a', 'z')).not.toBe(sharedBy('a', 'y'));
    // A name is no default, and a user is no client.
    await set({ user: null, clientId: null }, 1);
    expect(new Set([sharedBy('p', 'q'), sharedBy('q', 'p'), sharedBy('null', 'q')]).size).toBe(3);
  });

  it('keep the other values of an entity, and reach other processes', async () => {
    const other = await ClientQuotas.open(store.documents);
    await set({ user: 'u' }, 5);
    await quotas.change({ user: 'u' }, [{ key: 'request_percentage', value: 0.5 }]);
    await eventually(() => {
      expect([...other.values()]).toEqual([
        { entity: { user: 'u' }, values: { producer_byte_rate: 5, request_percentage: 0.5 } },
      ]);
    });
    await other.close();
  });

  it.each([
    [{}, 1],
    [{ user: '' }, 1],
    [{ user: 'x'.repeat(1025) }, 1],
    [{ user: 'u' }, 0],
    [{ user: 'u' }, -1],
    [{ user: 'u' }, 1.5],
    [{ user: 'u' }, Infinity],
  ] as [ClientQuotaEntity, number][])('are refused for %p with %p', async (entity, value) => {
    expect(await set(entity, value)).toMatchObject({ ok: false });
    expect(quotas.size).toBe(0);
  });
});
