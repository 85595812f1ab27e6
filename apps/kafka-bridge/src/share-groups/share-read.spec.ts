import { describe, expect, it } from '@jest/globals';
import { errorName } from '@tailrace/kafka-protocol';
import type { Exchange } from '../connection/exchange.ts';
import { partitionSets } from '../groups/topic-partitions.ts';
import { batchAt, emptied, type OffsetRange, SHARED, shareReadScene } from '../testing/share-read-scene.ts';
import type { SharePartition } from './share-partition.ts';
import { SHARE_READS_MAX, type ShareLimits, ShareRead } from './share-read.ts';
import type { Waiter } from './waiting-line.ts';

const LIMITS: ShareLimits = { recordsMax: 500, bytesMax: 1_000_000, strict: false, isEmpty: true };
const RELEASE = [2];

function sceneOf(...ranges: readonly OffsetRange[]) {
  const scene = shareReadScene(...ranges);
  const request = (memberId: string) => {
    const waiter: Waiter = { isWatching: false, wake: () => undefined };
    const session = scene.sessionOf(memberId);
    const read = new ShareRead(SHARED, session, waiter);
    const advance = (limits: Partial<ShareLimits> = {}) =>
      read.advance({ ...LIMITS, ...limits }, {} as Exchange, scene.bridge);
    return { session, waiter, read, advance };
  };
  return { ...scene, request };
}

describe('one partition of a share fetch', () => {
  it('has the batches in which something was locked, and says what', async () => {
    const { request, held } = sceneOf([0, 2], [3, 5], [6, 8]);
    const [one, other] = [request('m'), request('n')];
    await one.advance({ bytesMax: batchAt(0, 2).length * 2 });
    expect(one.read.acquired).toEqual([{ first: 0, last: 5, deliveryCount: 1 }]);
    expect(await held().acknowledge('m', [{ first: 1, last: 1, types: RELEASE }])).toBe(0);
    await other.advance();
    // Nothing of the second batch, which lies between those two.
    expect(other.read.acquired).toEqual([
      { first: 1, last: 1, deliveryCount: 2 },
      { first: 6, last: 8, deliveryCount: 1 },
    ]);
    expect(Buffer.concat(other.read.chunks)).toEqual(Buffer.concat([batchAt(0, 2), batchAt(6, 8)]));
    expect([other.read.byteCount, other.read.recordCount]).toEqual([batchAt(0, 2).length * 2, 4]);
    expect([other.read.isFull, other.read.isDue]).toEqual([false, false]);
  });

  it('passes over batches of which compaction has left nothing but the offsets', async () => {
    const { request, held, log } = sceneOf([0, 2], [3, 5]);
    log.batches[0] = emptied(batchAt(0, 2));
    const { read, advance } = request('m');
    await advance();
    expect([read.acquired, held().startOffset]).toEqual([[{ first: 3, last: 5, deliveryCount: 1 }], 3n]);
    expect(Buffer.concat(read.chunks)).toEqual(batchAt(3, 5));
  });

  it('gives others their turn after so many reads for nobody, and goes on then, whoever stands first', async () => {
    const { request, partitions, log } = sceneOf(
      ...Array.from({ length: SHARE_READS_MAX + 1 }, (_, i) => [i, i] as const),
    );
    log.batches.forEach((batch, i) => i < SHARE_READS_MAX && (log.batches[i] = emptied(batch)));
    ((await partitions.hold(SHARED)) as SharePartition).line.join({ isWatching: false, wake: () => undefined });
    const { read, advance } = request('m');
    await advance({ bytesMax: 1 });
    expect([log.reads.length, read.recordCount, read.isDue]).toEqual([SHARE_READS_MAX, 0, true]);
    await advance({ bytesMax: 1 });
    expect(read.recordCount).toBe(1);
  });

  it('is over when the session forgets it, or ends, while the partition is being taken over', async () => {
    const { partitions, request, log } = sceneOf([0, 2]);
    const [forgets, ends] = [request('m'), request('n')];
    const advancing = [forgets.advance(), ends.advance()];
    forgets.session.forget(partitionSets([{ topicId: 't', partitions: [0] }]));
    ends.session.end();
    await Promise.all(advancing);
    for (const { read } of [forgets, ends]) {
      expect([errorName(read.errorCode), read.recordCount, read.isDue]).toEqual(['NONE', 0, false]);
    }
    // Nobody would ever let go of it.
    expect([partitions.size, log.reads]).toEqual([0, []]);
  });

  it('is read at once where whoever waited for the same take-over has let go of the partition', async () => {
    const { request } = sceneOf([0, 2]);
    const [ends, stays] = [request('m'), request('n')];
    const advancing = [ends.advance(), stays.advance()];
    ends.session.end();
    await Promise.all(advancing);
    expect(stays.read.recordCount).toBe(3);
  });

  it('is not read on once another bridge has the partition', async () => {
    const { request, held, log } = sceneOf([0, 2]);
    const { read, advance } = request('m');
    log.meanwhile = () => held().close();
    await advance();
    expect([read.recordCount, log.reads]).toEqual([0, [0n]]);
    log.meanwhile = () => undefined;
    await advance();
    expect(read.recordCount).toBe(3);
  });

  it('is due again as soon as another bridge has the partition for which it waits', async () => {
    const { request, held } = sceneOf([0, 2]);
    const { read, advance } = request('m');
    await advance();
    expect([read.isDue, read.tail?.offset]).toEqual([false, 3n]);
    held().close();
    expect(read.isDue).toBe(true);
  });

  it('stands behind the others once it has something, although it wants more', async () => {
    const { request, held } = sceneOf([0, 2], [3, 5]);
    const [one, other] = [request('m'), request('n')];
    for (const { advance } of [one, other]) await advance({ recordsMax: 0 });
    expect(held().line.first).toBe(one.waiter);
    await one.advance({ recordsMax: 1 });
    expect(held().line.first).toBe(other.waiter);
    await other.advance({ recordsMax: 0 });
    expect(held().line.first).toBe(other.waiter);
  });

  it('does not have a batch twice of which something came back, be it the last record', async () => {
    const { request, held } = sceneOf([0, 2], [3, 5]);
    const { read, advance } = request('m');
    await advance({ recordsMax: 1 });
    expect(await held().acknowledge('m', [{ first: 2, last: 2, types: RELEASE }])).toBe(0);
    await advance();
    expect([read.acquired, read.isFull]).toEqual([[{ first: 0, last: 2, deliveryCount: 1 }], true]);
  });

  it('moves the group along with the start of the log', async () => {
    const { request, held, log } = sceneOf([0, 2], [3, 5]);
    const { advance } = request('m');
    await advance({ recordsMax: 1 });
    log.startOffset = 2n;
    await advance();
    expect(held().startOffset).toBe(2n);
  });
});
