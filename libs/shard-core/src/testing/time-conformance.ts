import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { accepted, append, newShardKey, openNewShard } from './batches.ts';
import type { CurrentStore } from './store-conformance.ts';

export function timeConformance(store: CurrentStore): void {
  it('finds the first batch that was appended at or after a time', async () => {
    const { log } = store();
    const shard = await openNewShard(log, 7n);
    const appended = [];
    for (let i = 0; i < 5; i++) {
      appended.push(accepted(await append(log, shard, ['a', 'b'])));
      // Append times have a resolution of a millisecond: these must differ.
      await sleep(3);
    }
    for (const { appendTimeMs, baseOffset } of appended) {
      const found = { baseOffset, timestampMs: appendTimeMs };
      expect(accepted(await log.offsetForTime(shard, appendTimeMs, 'append'))).toEqual(found);
      expect(accepted(await log.offsetForTime(shard, appendTimeMs - 1, 'append'))).toEqual(found);
    }
    const last = appended.at(-1)!;
    expect(accepted(await log.offsetForTime(shard, last.appendTimeMs + 1, 'append'))).toBeUndefined();
    expect(accepted(await log.offsetForTime(shard, 0, 'append'))?.baseOffset).toEqual(7n);
  });

  it('finds the first batch whose largest record timestamp is at or after a time, in whatever order they come', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    for (const timestampMs of [5_000, 3_000, 9_000, 1_000, 9_000, 7_000]) {
      accepted(await append(log, shard, ['a', 'b'], { timestampMs }));
    }
    const find = async (timestampMs: number) => accepted(await log.offsetForTime(shard, timestampMs, 'record'));
    expect(await find(0)).toEqual({ baseOffset: 0n, timestampMs: 5_000 });
    expect(await find(5_000)).toEqual({ baseOffset: 0n, timestampMs: 5_000 });
    expect(await find(5_001)).toEqual({ baseOffset: 4n, timestampMs: 9_000 });
    expect(await find(9_000)).toEqual({ baseOffset: 4n, timestampMs: 9_000 });
    expect(await find(9_001)).toBeUndefined();
    expect(accepted(await log.maxRecordTimestamp(shard))).toEqual({ baseOffset: 4n, timestampMs: 9_000 });
  });

  it('does not find what was trimmed', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    for (const timestampMs of [9_000, 3_000, 8_000, 1_000]) accepted(await append(log, shard, ['x'], { timestampMs }));
    accepted(await log.trim(shard, 1n));
    expect(accepted(await log.maxRecordTimestamp(shard))).toEqual({ baseOffset: 2n, timestampMs: 8_000 });
    expect(accepted(await log.offsetForTime(shard, 2_000, 'record'))).toEqual({ baseOffset: 1n, timestampMs: 3_000 });
    expect(accepted(await log.offsetForTime(shard, 8_001, 'record'))).toBeUndefined();
    expect(accepted(await log.offsetForTime(shard, 0, 'append'))?.baseOffset).toEqual(1n);
  });

  it('finds among many batches of mixed sizes', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    const count = 300;
    await Promise.all(
      Array.from({ length: count }, async (_, i) =>
        accepted(await append(log, shard, ['x'.repeat((i * 37) % 5_000)], { timestampMs: 1_000 + 10 * i })),
      ),
    );
    for (const i of [0, 1, 150, 298, 299]) {
      expect(accepted(await log.offsetForTime(shard, 1_000 + 10 * i - 9, 'record'))).toEqual({
        baseOffset: BigInt(i),
        timestampMs: 1_000 + 10 * i,
      });
    }
  });

  it('finds nothing in an empty log', async () => {
    const { log } = store();
    const shard = await openNewShard(log);
    expect(await log.offsetForTime(shard, 0, 'append')).toEqual({ ok: true, value: undefined });
    expect(await log.offsetForTime(shard, 0, 'record')).toEqual({ ok: true, value: undefined });
    expect(await log.maxRecordTimestamp(shard)).toEqual({ ok: true, value: undefined });
  });

  it('refuses: shardNotFound', async () => {
    const { log } = store();
    const shard = newShardKey();
    const refusal = { ok: false, refusal: { code: 'shardNotFound', shard } };
    expect(await log.offsetForTime(shard, 0, 'append')).toEqual(refusal);
    expect(await log.offsetForTime(shard, 0, 'record')).toEqual(refusal);
    expect(await log.maxRecordTimestamp(shard)).toEqual(refusal);
  });
}
