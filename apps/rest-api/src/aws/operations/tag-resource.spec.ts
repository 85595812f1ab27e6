import { describe, expect, it } from '@jest/globals';
import { itRefusesResources, STREAM_ARN, withStream } from '../../../test/aws-cases.ts';
import { ACCOUNT, awsError, NOT_NULL, validationError } from '../../../test/aws-harness.ts';

describe('TagResource', () => {
  it('gives a stream tags, which are those that it has by its name', async () => {
    const { call, ok } = await withStream({ ShardCount: 1, Tags: { a: '1' } });
    const answer = await call('TagResource', { ResourceARN: STREAM_ARN, Tags: { b: '2' } });
    expect(answer).toEqual({ statusCode: 200, contentType: 'application/x-amz-json-1.1', body: '' });
    expect(await ok('ListTagsForStream', { StreamName: 's' })).toEqual({
      Tags: [
        { Key: 'a', Value: '1' },
        { Key: 'b', Value: '2' },
      ],
      HasMoreTags: false,
    });
  });

  it('gives a consumer tags of its own', async () => {
    const { ok } = await withStream({ ShardCount: 1, Tags: { a: 'of the stream' } });
    const { Consumer } = await ok<{ Consumer: { ConsumerARN: string } }>('RegisterStreamConsumer', {
      StreamARN: STREAM_ARN,
      ConsumerName: 'c',
    });
    const ResourceARN = Consumer.ConsumerARN;
    await ok('TagResource', { ResourceARN, Tags: { a: '1', b: '2' } });
    await ok('UntagResource', { ResourceARN, TagKeys: ['a'] });
    expect(await ok('ListTagsForResource', { ResourceARN })).toEqual({ Tags: [{ Key: 'b', Value: '2' }] });
    expect(await ok('ListTagsForResource', { ResourceARN: STREAM_ARN })).toEqual({
      Tags: [{ Key: 'a', Value: 'of the stream' }],
    });
  });

  it('refuses (1) what lacks both members', async () => {
    const { call } = await withStream();
    expect(await call('TagResource', {})).toEqual(
      validationError(['null', 'tags', NOT_NULL], ['null', 'resourceARN', NOT_NULL]),
    );
  });

  itRefusesResources('TagResource', { Tags: { a: '' } });

  it('refuses (5) reserved tags', async () => {
    const { call } = await withStream();
    expect(await call('TagResource', { ResourceARN: STREAM_ARN, Tags: { 'AWS:x': '' } })).toEqual(
      awsError(
        'InvalidArgumentException',
        `Failed to add tags to stream s under account ${ACCOUNT} because some tags start with aws:, which is reserved.`,
      ),
    );
  });
});
