import { expect, it } from '@jest/globals';
import { uniqueName } from '@tailrace/testkit';
import { accepted, append, openNewShard, readAll } from './batches.ts';
import type { StoreUnderTest } from './store-conformance.ts';

export function reopenConformance(openStore: () => Promise<StoreUnderTest>): void {
  it('has every log as it was: records, bounds, seals, trims and producers', async () => {
    const underTest = await openStore();
    try {
      const { log } = underTest.store;
      const [open, sealed, trimmed, deleted] = await Promise.all(
        [3n, 0n, 0n, 0n].map((start) => openNewShard(log, start)),
      );
      const producer = { id: 12n, epoch: 1, baseSequence: 0 };
      const first = accepted(await append(log, open!, ['a', 'b'], { producer }));
      for (let i = 0; i < 50; i++) {
        for (const shard of [open!, sealed!, trimmed!, deleted!])
          accepted(await append(log, shard, [`${i}`.repeat(i)]));
      }
      accepted(await log.seal(sealed!));
      accepted(await log.trim(trimmed!, 20n));
      await log.deleteShards([deleted!]);
      const shards = [open!, sealed!, trimmed!];
      const before = await Promise.all(shards.map((shard) => log.bounds(shard).then(accepted)));
      const records = await Promise.all(shards.map((shard, i) => readAll(log, shard, before[i]!.logStartOffset)));

      const again = (await underTest.reopen()).log;
      const after = await Promise.all(shards.map((shard) => again.bounds(shard).then(accepted)));
      const exact = ({ logStartOffset, highWatermark, logEndOffset, sealed: isSealed }: (typeof before)[0]) => ({
        logStartOffset,
        highWatermark,
        logEndOffset,
        isSealed,
      });
      expect(after.map(exact)).toEqual(before.map(exact));
      expect(await Promise.all(shards.map((shard, i) => readAll(again, shard, after[i]!.logStartOffset)))).toEqual(
        records,
      );
      expect(await again.bounds(deleted!)).toMatchObject({ ok: false, refusal: { code: 'shardNotFound' } });
      expect(await append(again, sealed!, ['x'])).toMatchObject({ ok: false, refusal: { code: 'shardSealed' } });
      expect(accepted(await append(again, open!, ['a', 'b'], { producer }))).toEqual({ ...first, duplicate: true });
      expect(await append(again, open!, ['c'], { producer: { ...producer, baseSequence: 5 } })).toMatchObject({
        ok: false,
        refusal: { code: 'outOfOrderSequence', expected: 2 },
      });
      const next = accepted(await append(again, open!, ['d'], { producer: { ...producer, baseSequence: 2 } }));
      expect(next.baseOffset).toEqual(before[0]!.logEndOffset);
      expect(next.appendTimeMs).toBeGreaterThanOrEqual(first.appendTimeMs);
    } finally {
      await underTest.close();
    }
  });

  it('has every document, and goes on with larger versions and lease epochs', async () => {
    const underTest = await openStore();
    try {
      const { documents, leases } = underTest.store;
      const base = uniqueName('reopen');
      const written = await documents.write(
        Array.from({ length: 10 }, (_, i) => ({ key: `${base}/${i}`, value: `${i}`, expected: 'absent' as const })),
      );
      await documents.write([{ key: `${base}/9`, value: undefined, expected: 'any' }]);
      const before = await documents.list(base);
      const { lease } = await leases.acquire(`${base}/lease`, 'one', 60_000);
      await leases.release(`${base}/lease`, 'one');

      const again = await underTest.reopen();
      expect(await again.documents.list(base)).toEqual(before);
      const renewed = await again.documents.write([{ key: `${base}/9`, value: '9', expected: 'absent' }]);
      const largest = Math.max(...(written.ok ? written.versions : []));
      expect(renewed.ok && renewed.versions[0]).toBeGreaterThan(largest);
      const { lease: next } = await again.leases.acquire(`${base}/lease`, 'two', 60_000);
      expect(next.leaseEpoch).toBeGreaterThan(lease.leaseEpoch);
    } finally {
      await underTest.close();
    }
  });
}
