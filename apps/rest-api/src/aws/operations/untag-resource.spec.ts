import { describe, expect, it } from '@jest/globals';
import { itRefusesResources, STREAM_ARN, withStream } from '../../../test/aws-cases.ts';
import { awsError, NOT_NULL, validationError } from '../../../test/aws-harness.ts';

describe('UntagResource', () => {
  it('takes tags away from a stream', async () => {
    const { call, ok } = await withStream({ ShardCount: 1, Tags: { a: '1', b: '2' } });
    const answer = await call('UntagResource', { ResourceARN: STREAM_ARN, TagKeys: ['a', 'none'] });
    expect(answer).toEqual({ statusCode: 200, contentType: 'application/x-amz-json-1.1', body: '' });
    expect(await ok('ListTagsForResource', { ResourceARN: STREAM_ARN })).toEqual({ Tags: [{ Key: 'b', Value: '2' }] });
  });

  it('refuses (1) what lacks both members', async () => {
    const { call } = await withStream();
    expect(await call('UntagResource', {})).toEqual(
      validationError(['null', 'tagKeys', NOT_NULL], ['null', 'resourceARN', NOT_NULL]),
    );
  });

  itRefusesResources('UntagResource', { TagKeys: ['a'] });

  it('refuses (5) characters that no tag has', async () => {
    const { call } = await withStream();
    expect(await call('UntagResource', { ResourceARN: STREAM_ARN, TagKeys: ['#'] })).toEqual(
      awsError(
        'InvalidArgumentException',
        'Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - % @.',
      ),
    );
  });
});
