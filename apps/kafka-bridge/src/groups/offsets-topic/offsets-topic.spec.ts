import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { groupIdOfKey } from './offsets-record.ts';
import { OFFSETS_PARTITIONS, offsetsPartitionOf } from './offsets-topic.ts';

const FIXTURE = join(import.meta.dirname, '../../../../../libs/kafka-protocol/src/__fixtures__/consumer-offsets.jsonl');

describe('the partition of a group', () => {
  it('is the one into which Apache Kafka writes it', () => {
    const recorded = readFileSync(FIXTURE, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { partition: number; key: string });
    const groups = new Map(recorded.map(({ key, partition }) => [groupIdOfKey(Buffer.from(key, 'hex')), partition]));
    expect([...groups.keys()].sort()).toEqual(['classic', 'doomed', 'modern', 'simple']);
    for (const [groupId, partition] of groups) expect(offsetsPartitionOf(groupId as string)).toBe(partition);
  });

  it('is there for every id', () => {
    // Its hash in Java is the smallest number of all, which has no positive twin.
    expect(offsetsPartitionOf('polygenelubricants')).toBe(0);
    for (const groupId of ['', 'é', '\u{1f600}', 'x'.repeat(10_000)]) {
      const partition = offsetsPartitionOf(groupId);
      expect(Number.isInteger(partition) && partition >= 0 && partition < OFFSETS_PARTITIONS).toBe(true);
    }
  });
});
