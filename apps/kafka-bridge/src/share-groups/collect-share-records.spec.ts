import { describe, expect, it } from '@jest/globals';
import type { ShareFetchRequest } from '@tailrace/kafka-protocol';
import type { Exchange } from '../connection/exchange.ts';
import { settle } from '../testing/fake-timers.ts';
import { type OffsetRange, shareReadScene } from '../testing/share-read-scene.ts';
import { collectShareRecords } from './collect-share-records.ts';

/** Nobody waits so long: what ends before was ended. */
const LONG_MS = 60_000;

function sceneOf(...ranges: readonly OffsetRange[]) {
  const scene = shareReadScene(...ranges);
  const collect = (memberId: string, request: Partial<ShareFetchRequest>) => {
    const session = scene.sessionOf(memberId);
    const connection = new AbortController();
    const exchange = { peer: { signal: connection.signal } } as unknown as Exchange;
    const wanted = { maxWaitMs: LONG_MS, minBytes: 1, maxBytes: 1_000_000, maxRecords: 500, shareAcquireMode: 0 };
    let isOver = false;
    const collected = collectShareRecords(
      session,
      { ...wanted, ...request } as ShareFetchRequest,
      exchange,
      scene.bridge,
    )
      .then(([read]) => read?.recordCount ?? 0)
      .finally(() => (isOver = true));
    /** Until it waits for an append; answers whether it does. */
    const waits = async () => {
      while (scene.log.waits === 0 && !isOver) await settle();
      return !isOver;
    };
    return { session, connection, collected, waits };
  };
  return { ...scene, collect };
}

describe('what a share fetch brings', () => {
  it('is waited for also by a client that wants no bytes at least', async () => {
    const { collect } = sceneOf();
    const { waits, connection, collected } = collect('m', { minBytes: 0 });
    expect(await waits()).toBe(true);
    connection.abort();
    expect(await collected).toBe(0);
  });

  it('is nothing for a client that wants no bytes at most, which waits for its time all the same', async () => {
    const { collect, log, partitions } = sceneOf([0, 2]);
    const { waits, connection, collected } = collect('m', { maxBytes: 0 });
    expect([await waits(), log.reads, partitions.size]).toEqual([true, [], 0]);
    connection.abort();
    expect(await collected).toBe(0);
  });

  it('ends with its session, when what that one had comes back', async () => {
    const { collect, held } = sceneOf([0, 2]);
    // Of what is there it has all, and wants more.
    const { session, collected, waits } = collect('m', { minBytes: 1_000_000 });
    expect(await waits()).toBe(true);
    session.end();
    await held().leave('m', true);
    expect(await collected).toBe(3);
  });

  it('is not waited for any more by a request that reads: who comes meanwhile is to look for itself', async () => {
    const { collect, held, log, append } = sceneOf();
    const { collected, waits } = collect('m', {});
    expect(await waits()).toBe(true);
    const { first } = held().line;
    expect(first?.isWatching).toBe(true);
    log.meanwhile = () => expect(first?.isWatching).toBe(false);
    append(0, 2);
    expect(await collected).toBe(3);
  });
});
