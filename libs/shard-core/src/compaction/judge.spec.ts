import { describe, expect, it } from '@jest/globals';
import { encodeBatch, encodeEndTransactionMarker, filterBatch, readBatchHeader } from '@tailrace/kafka-protocol';
import { logger } from '@tailrace/telemetry';
import type { BatchVerdict, LogSlice } from '../contract/log.ts';
import { newShardKey } from '../testing/index.ts';
import { Judge, type JudgeOptions } from './judge.ts';
import { KeyOffsets } from './key-offsets.ts';
import { Pace } from './pace.ts';

// Of batches that cannot be read much is told.
logger.level = 'silent';

const NOW = 1_700_000_000_000;
const shard = newShardKey();

function judgeOf(options: Partial<JudgeOptions> = {}): Judge {
  const pace = new Pace({ signal: new AbortController().signal });
  return new Judge({ keys: new KeyOffsets(0), nowMs: NOW, deleteRetentionMs: 1_000, pace, ...options });
}

/** `key=value`, or `key` alone for a tombstone. */
function batchOf(records: readonly string[], options: Parameters<typeof encodeBatch>[1] = {}): Buffer {
  const drafts = records.map((record) => {
    const [key, value] = record.split('=') as [string, string?];
    return { key, value: value === undefined ? null : Buffer.from(value), timestampMs: NOW - 5_000 };
  });
  return encodeBatch(drafts, options);
}

/** A batch whose tombstones may go by their time. */
function overdue(...records: readonly string[]): Buffer {
  const batch = batchOf(records);
  const limits = { horizonFor: 'tombstones', uncompressedBytesMax: 1 << 20 } as const;
  return filterBatch(batch, readBatchHeader(batch, 0), {
    retains: () => true,
    deleteHorizonMs: NOW - 1,
    ...limits,
  }) as Buffer;
}

function verdicts(judge: Judge, ...chunks: Buffer[]): Promise<readonly BatchVerdict[]> {
  return judge.judge(shard, { chunks, abortedTransactions: [] } as unknown as LogSlice);
}

function hold(judge: Judge, batch: Buffer): void {
  judge.hold(shard, readBatchHeader(batch, 0), batch);
}

const keysOf = (from: number, count: number) => Array.from({ length: count }, (_, i) => `key-${from + i}=1`);

describe('what is judged behind a batch that stays unjudged', () => {
  it('keeps a tombstone of its keys, and no other', async () => {
    const judge = judgeOf();
    hold(judge, batchOf(['a=1', 'b=1']));
    expect(await verdicts(judge, overdue('a'), overdue('c'), overdue('b'))).toEqual(['keep', 'drop', 'keep']);
  });

  it('keeps every tombstone where there is no room for its keys', async () => {
    for (const held of [[keysOf(0, 500), keysOf(500, 500)], [keysOf(0, 5_000)]]) {
      const judge = judgeOf({ heldKeyBytesMax: 0 });
      for (const keys of held) hold(judge, batchOf(keys));
      expect(await verdicts(judge, overdue('key-900'))).toEqual(['keep']);
    }
  });

  it('keeps every tombstone where it cannot be read', async () => {
    const damaged = batchOf(['a=1'], { compression: 'gzip' });
    damaged.fill(0xff, 61);
    const held = judgeOf();
    hold(held, damaged);
    expect(await verdicts(held, overdue('a'))).toEqual(['keep']);
    expect(await verdicts(judgeOf(), damaged, overdue('a'))).toEqual(['keep', 'keep']);
    expect(await verdicts(judgeOf(), overdue('a'), damaged)).toEqual(['drop', 'keep']);
  });

  it('keeps the marker of its transaction as it is', async () => {
    const producer = { id: 4n, epoch: 0, baseSequence: 0 };
    const marker = encodeEndTransactionMarker({
      commits: true, producerId: 4n, producerEpoch: 0, coordinatorEpoch: 0, timestampMs: NOW,
    }); // prettier-ignore
    const judge = judgeOf();
    hold(judge, batchOf(['a=1'], { producer, isTransactional: true }));
    expect(await verdicts(judge, marker)).toEqual(['keep']);
    // A second one ends nothing, and gets its time.
    expect((await verdicts(judge, marker))[0]).toBeInstanceOf(Buffer);
  });
});
