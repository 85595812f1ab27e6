import { describe, expect, it } from '@jest/globals';
import { itRefusesStreams, STREAM_ARN, withStream } from '../../../test/aws-cases.ts';
import { ACCOUNT, awsError, NOT_NULL, validationError } from '../../../test/aws-harness.ts';
import { TAGS_PER_STREAM_MAX } from '../tags.ts';

const many = (count: number, prefix = 'k'): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}`, '']));

describe('AddTagsToStream', () => {
  it('adds tags and replaces values, also while the stream is UPDATING', async () => {
    const { call, ok, catalog } = await withStream({ ShardCount: 1, Tags: { a: '1', b: '2' } });
    await catalog.update('s', (document) => ({ ...document, status: 'UPDATING' }));
    const answer = await call('AddTagsToStream', { StreamARN: STREAM_ARN, Tags: { b: '3', 'ä c:/': '@=+-_.' } });
    expect(answer).toEqual({ statusCode: 200, contentType: 'application/x-amz-json-1.1', body: '' });
    expect(await ok('ListTagsForStream', { StreamName: 's' })).toEqual({
      Tags: [
        { Key: 'a', Value: '1' },
        { Key: 'b', Value: '3' },
        { Key: 'ä c:/', Value: '@=+-_.' },
      ],
      HasMoreTags: false,
    });
  });

  it.each([
    [{}, validationError(['null', 'tags', NOT_NULL])],
    [{ Tags: {} }, validationError(["'{}'", 'tags', 'Member must have length greater than or equal to 1'])],
    [
      { Tags: { ['k'.repeat(129)]: 'v' } },
      validationError([
        `'{${'k'.repeat(129)}=v}'`,
        'tags',
        'Map keys must satisfy constraint: [Member must have length less than or equal to 128, ' +
          'Member must have length greater than or equal to 1]',
      ]),
    ],
  ])('refuses (1) %j', async (input, answer) => {
    const { call } = await withStream();
    expect(await call('AddTagsToStream', { StreamName: 's', ...input })).toEqual(answer);
  });

  itRefusesStreams('AddTagsToStream', { Tags: { a: '' } });

  const added = `Failed to add tags to stream s under account ${ACCOUNT} because`;
  it.each([
    [
      { 'a;b': '' },
      'Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - % @.',
    ],
    [
      { a: '50%' },
      `${added} some tags contained illegal characters. The allowed characters are Unicode letters, white-spaces, '_',',','/','=','+','-','@'.`,
    ],
    [{ 'aws:a': '' }, `${added} some tags start with aws:, which is reserved.`],
  ])('refuses (5) %j', async (Tags, message) => {
    const { call, ok } = await withStream();
    expect(await call('AddTagsToStream', { StreamName: 's', Tags })).toEqual(
      awsError('InvalidArgumentException', message),
    );
    expect(await ok('ListTagsForStream', { StreamName: 's' })).toEqual({ Tags: [], HasMoreTags: false });
  });

  it('takes as many as a stream may have, and not one more', async () => {
    const { call } = await withStream();
    const add = (Tags: object) => call('AddTagsToStream', { StreamName: 's', Tags });
    expect((await add(many(TAGS_PER_STREAM_MAX))).statusCode).toBe(200);
    // One that it has does not count twice.
    expect((await add({ k0: 'again' })).statusCode).toBe(200);
    expect(await add({ more: '' })).toEqual(
      awsError('InvalidArgumentException', `${added} a given stream cannot have more than 50 tags associated with it.`),
    );
  });
});
