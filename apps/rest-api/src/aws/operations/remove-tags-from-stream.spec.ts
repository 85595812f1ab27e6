import { describe, expect, it } from '@jest/globals';
import { itRefusesStreams, withStream } from '../../../test/aws-cases.ts';
import { ACCOUNT, awsError, NOT_NULL, shortest, validationError } from '../../../test/aws-harness.ts';

describe('RemoveTagsFromStream', () => {
  it('removes tags, and passes over those that are not there', async () => {
    const { call, ok } = await withStream({ ShardCount: 1, Tags: { a: '1', b: '2' } });
    const answer = await call('RemoveTagsFromStream', { StreamName: 's', TagKeys: ['a', 'none'] });
    expect(answer).toEqual({ statusCode: 200, contentType: 'application/x-amz-json-1.1', body: '' });
    expect(await ok('ListTagsForStream', { StreamName: 's' })).toEqual({
      Tags: [{ Key: 'b', Value: '2' }],
      HasMoreTags: false,
    });
  });

  it.each([
    [{}, validationError(['null', 'tagKeys', NOT_NULL])],
    [{ TagKeys: [] }, validationError(["'[]'", 'tagKeys', shortest(1)])],
  ])('refuses (1) %j', async (input, answer) => {
    const { call } = await withStream();
    expect(await call('RemoveTagsFromStream', { StreamName: 's', ...input })).toEqual(answer);
  });

  itRefusesStreams('RemoveTagsFromStream', { TagKeys: ['a'] });

  it.each([
    [
      'a;b',
      'Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - % @.',
    ],
    [
      '%',
      `Failed to remove tags from stream s under account ${ACCOUNT} because some tags contained illegal characters. ` +
        "The allowed characters are Unicode letters, white-spaces, '_',',','/','=','+','-','@'.",
    ],
  ])('refuses (5) %j', async (key, message) => {
    const { call } = await withStream();
    expect(await call('RemoveTagsFromStream', { StreamName: 's', TagKeys: [key] })).toEqual(
      awsError('InvalidArgumentException', message),
    );
  });
});
