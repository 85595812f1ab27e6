import { describe, expect, it } from '@jest/globals';
import { itRefusesStreams, withStream } from '../../../test/aws-cases.ts';
import { least, most, shortest, validationError } from '../../../test/aws-harness.ts';

describe('ListTagsForStream', () => {
  it('lists tags by their keys, in pages', async () => {
    const { ok } = await withStream({ ShardCount: 1, Tags: { c: '3', a: '1', b: '' } });
    const [a, b, c] = [
      { Key: 'a', Value: '1' },
      { Key: 'b', Value: '' },
      { Key: 'c', Value: '3' },
    ];
    const list = (input: object) => ok('ListTagsForStream', { StreamName: 's', ...input });
    expect(await list({})).toEqual({ Tags: [a, b, c], HasMoreTags: false });
    expect(await list({ Limit: 2 })).toEqual({ Tags: [a, b], HasMoreTags: true });
    expect(await list({ ExclusiveStartTagKey: 'b', Limit: 1 })).toEqual({ Tags: [c], HasMoreTags: false });
    expect(await list({ ExclusiveStartTagKey: 'z' })).toEqual({ Tags: [], HasMoreTags: false });
  });

  it.each([
    [{ Limit: 0 }, validationError(["'0'", 'limit', least(1)])],
    [
      { Limit: 51, ExclusiveStartTagKey: '' },
      validationError(["'51'", 'limit', most(50)], ["''", 'exclusiveStartTagKey', shortest(1)]),
    ],
  ])('refuses (1) %j', async (input, answer) => {
    const { call } = await withStream();
    expect(await call('ListTagsForStream', { StreamName: 's', ...input })).toEqual(answer);
  });

  itRefusesStreams('ListTagsForStream', {});
});
