import { describe, expect, it } from '@jest/globals';
import { Stream, type ShardDocument } from '../streams/stream.ts';
import { type GroupPlace, groupPlaces } from './group-places.ts';

const LOW = { start: '0', end: '99' };

function streamOf(...shards: readonly Partial<ShardDocument>[]): Stream {
  const document = {
    id: 'id', name: 's', status: 'ACTIVE', mode: 'PROVISIONED', origin: 'kinesis', createdAtMs: 0, retentionMs: 1, configs: {},
    shards: shards.map((shard, number) => ({ number, hashRange: LOW, partition: 0, startOffset: '0', openedAtMs: 0, ...shard })),
  } as const; // prettier-ignore
  return new Stream(document, 1);
}

const closedAt = (endOffset: string) => ({ endOffset, closedAtMs: 1 });
const placesOf = (stream: Stream, offsets: Readonly<Record<number, bigint>>) => {
  const given = new Map(Object.entries(offsets).map(([partition, offset]) => [Number(partition), offset]));
  return [...groupPlaces(stream, given).values()].map((place: GroupPlace) =>
    place.kind === 'goesOn' ? place.offset : place.kind,
  );
};

describe('the place of a group in the shards of a stream', () => {
  const split = streamOf(
    closedAt('10'),
    { parent: 0, startOffset: '10' },
    { parent: 0, startOffset: '10', partition: 1 },
  );

  it('is its offset in the one shard of a partition', () => {
    expect(placesOf(streamOf({}, { partition: 1 }), { 0: 3n })).toEqual([3n, 'begins']);
  });

  it('is in the shard that was split, and its children follow', () => {
    expect(placesOf(split, { 0: 3n })).toEqual([3n, 'follows', 'follows']);
  });

  it('is in the children when the shard that was split has been read', () => {
    expect(placesOf(split, { 0: 10n, 1: 12n })).toEqual(['done', 10n, 12n]);
  });

  it('is at the beginning of a child whose parent has been read and for which nothing is committed', () => {
    expect(placesOf(split, { 0: 15n })).toEqual(['done', 15n, 'begins']);
  });

  it('is behind the offsets that a merge left out', () => {
    const merged = streamOf(
      closedAt('10'),
      { ...closedAt('30'), partition: 1 },
      { parent: 0, adjacentParent: 1, startOffset: '30', continuesFrom: '10' },
    );
    expect(placesOf(merged, { 0: 10n, 1: 30n })).toEqual(['done', 30n, 30n]);
    expect(placesOf(merged, { 0: 4n, 1: 7n })).toEqual([4n, 7n, 'follows']);
    expect(placesOf(merged, { 0: 40n, 1: 7n })).toEqual(['done', 7n, 40n]);
  });

  it('is the oldest shard that is there where the one that was read has gone', () => {
    const rest = streamOf({ ...closedAt('10'), expired: true }, { parent: 0, startOffset: '10' });
    expect(placesOf(rest, { 0: 3n })).toEqual(['begins']);
  });
});
