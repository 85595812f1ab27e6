import { describe, expect, it } from '@jest/globals';
import { type BatchHeader, readBatchHeader } from '@tailrace/kafka-protocol';
import { makeBatch, newShardKey } from '../testing/index.ts';
import { checkSequence, type Producer, producerAfter, ProducerTable } from './producer-state.ts';

function header(epoch: number, baseSequence: number, count = 1): BatchHeader {
  const values = Array.from({ length: count }, () => 'v');
  return readBatchHeader(makeBatch(values, { producer: { id: 1n, epoch, baseSequence } }), 0);
}

function after(...batches: [number, number, number?][]): Producer | undefined {
  return batches.reduce<Producer | undefined>(
    (known, [epoch, sequence, count], i) => producerAfter(known, header(epoch, sequence, count), i, i),
    undefined,
  );
}

describe('a producer’s sequence', () => {
  it.each([
    ['anything at first', after(), header(3, 17), 'next'],
    ['the next one', after([0, 0, 5]), header(0, 5), 'next'],
    ['the same again', after([0, 0, 5]), header(0, 0, 5), 'duplicate'],
    ['one too far', after([0, 0, 5]), header(0, 6), 'outOfOrderSequence'],
    [
      'one that was forgotten',
      after([0, 0], [0, 1], [0, 2], [0, 3], [0, 4], [0, 5]),
      header(0, 0),
      'duplicateSequence',
    ],
    ['an older epoch', after([1, 0]), header(0, 1), 'staleProducerEpoch'],
    ['a newer epoch at 0', after([1, 5]), header(2, 0), 'next'],
    ['a newer epoch elsewhere', after([1, 5]), header(2, 6), 'outOfOrderSequence'],
    ['a marker of the same epoch', after([1, 5]), header(1, -1), 'next'],
    ['a marker of an older epoch', after([1, 5]), header(0, -1), 'staleProducerEpoch'],
    ['0 behind a marker of a newer epoch', after([1, 5], [2, -1]), header(2, 0), 'next'],
    ['another behind a marker of a newer epoch', after([1, 5], [2, -1]), header(2, 6), 'outOfOrderSequence'],
    ['the next one behind a marker of the same epoch', after([1, 5], [1, -1]), header(1, 6), 'next'],
    ['0 behind the largest', after([0, 2 ** 31 - 1]), header(0, 0), 'next'],
    ['1 behind the largest', after([0, 2 ** 31 - 1]), header(0, 1), 'outOfOrderSequence'],
    ['one far behind, over the wrap', after([0, 0], [0, 1], [0, 2]), header(0, 2 ** 31 - 5), 'duplicateSequence'],
    ['one from before it came into sight', after([0, 2]), header(0, 1), 'outOfOrderSequence'],
    [
      'the same behind many others',
      after([0, 2], [0, 3], [0, 4], [0, 5], [0, 6], [0, 7], [0, 8]),
      header(0, 1),
      'outOfOrderSequence',
    ],
    [
      'one that was forgotten and was seen',
      after([0, 2], [0, 3], [0, 4], [0, 5], [0, 6], [0, 7], [0, 8]),
      header(0, 2),
      'duplicateSequence',
    ],
  ])('%s', (_, known, next, expected) => {
    const check = checkSequence(known, next);
    expect(check.kind === 'refused' ? check.refusal.code : check.kind).toEqual(expected);
  });
});

describe('a table of producers', () => {
  it('undoes failed appends from the newest on', () => {
    const table = new ProducerTable();
    const [first, second, third] = [after([0, 0])!, after([0, 0], [0, 1])!, after([0, 0], [0, 1], [0, 2])!];
    table.begin(1n, first);
    table.begin(1n, second);
    table.begin(1n, third);
    table.commit(1n, first);
    table.undo(1n, second);
    expect(table.get(1n)).toBe(second);
    table.undo(1n, first);
    expect(table.get(1n)).toBe(first);
    table.begin(2n, first);
    table.undo(2n, undefined);
    expect(table.get(2n)).toBeUndefined();
  });

  it('forgets the silent ones, in every partition, but none of which a marker is awaited', () => {
    const table = new ProducerTable();
    const at = (appendTimeMs: number) => ({ ...after([0, 0])!, appendTimeMs });
    table.commit(1n, at(10));
    table.commit(2n, { ...at(11), openIn: [newShardKey()] });
    table.commit(3n, at(12));
    table.commit(4n, at(13));
    table.commit(1n, at(10), 6);
    table.commit(5n, at(30));
    table.expire(20, 100, (producerId) => producerId === 3n);
    expect([1n, 2n, 3n, 4n, 5n].map((id) => table.get(id) !== undefined)).toEqual([false, true, true, false, true]);
    expect(table.get(1n, 6)).toBeUndefined();
    // Too many: the most silent go, however lately they were heard; those that cannot go count as gone.
    for (let id = 10n; id < 15n; id++) table.commit(id, at(40));
    table.expire(20, 4, (producerId) => producerId === 3n);
    const left = [2n, 3n, 5n, 10n, 11n, 14n].filter((id) => table.get(id) !== undefined);
    expect(left).toEqual([2n, 3n, 11n, 14n]);
  });

  it('fences older epochs in every partition', () => {
    const table = new ProducerTable();
    table.commit(1n, after([0, 0])!, 0);
    table.commit(1n, after([0, 0])!, 3);
    table.commit(2n, after([0, 0])!, 3);
    table.fence(1n, { ...after([4, -1])!, coordinatorEpoch: 9 });
    expect([table.get(1n, 0), table.get(1n, 3), table.get(2n, 3)]).toMatchObject([
      { epoch: 4, batches: [], coordinatorEpoch: 9 },
      { epoch: 4, batches: [], coordinatorEpoch: 9 },
      { epoch: 0, batches: [{ sequence: 0 }] },
    ]);
  });

  it('fences at once what comes behind a marker, in the partitions where the producer is of an older epoch', () => {
    const table = new ProducerTable();
    const [older, same] = [after([0, 0])!, after([4, 7])!];
    table.commit(1n, older, 0);
    table.commit(1n, older, 3);
    table.commit(1n, same, 5);
    const [fenced, ...others] = table.beginFence(1n, after([4, -1])!, 0);
    expect([fenced, others]).toMatchObject([{ partition: 3, before: older, after: { epoch: 4, batches: [] } }, []]);
    expect([table.get(1n, 0), table.get(1n, 3), table.get(1n, 5)]).toEqual([older, fenced!.after, same]);
    table.undo(1n, fenced!.before, 3);
    expect(table.get(1n, 3)).toBe(older);
  });

  it('stays fenced where an append of the older epoch fails behind the marker', () => {
    const table = new ProducerTable();
    const [first, second] = [after([0, 0])!, after([0, 0], [0, 1])!];
    table.commit(1n, first, 3);
    table.begin(1n, second, 3);
    table.fence(1n, { ...after([4, -1])!, coordinatorEpoch: 9 });
    table.undo(1n, first, 3);
    expect(table.get(1n, 3)).toMatchObject({ epoch: 4, batches: [] });
  });

  it('is the same when it was saved and loaded', () => {
    const table = new ProducerTable();
    table.commit(2n ** 62n, after([3, 2 ** 31 - 2, 5], [3, 3])!);
    table.commit(5n, { ...after([1, -1])!, openIn: [newShardKey()], coordinatorEpoch: 7 }, 3);
    const loaded = new ProducerTable();
    loaded.load(table.save());
    expect(loaded.get(2n ** 62n)).toEqual(table.get(2n ** 62n));
    expect(loaded.get(5n, 3)).toEqual(table.get(5n, 3));
    expect(loaded.save()).toEqual(table.save());
  });
});
