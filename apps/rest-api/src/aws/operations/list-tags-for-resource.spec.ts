import { describe, expect, it } from '@jest/globals';
import { itRefusesResources, STREAM_ARN, withStream } from '../../../test/aws-cases.ts';
import { ACCOUNT, NOT_NULL, validationError } from '../../../test/aws-harness.ts';

describe('ListTagsForResource', () => {
  it('lists the tags of a stream by their keys', async () => {
    const { ok } = await withStream({ ShardCount: 1, Tags: { b: '2', a: '1' } });
    expect(await ok('ListTagsForResource', { ResourceARN: STREAM_ARN })).toEqual({
      Tags: [
        { Key: 'a', Value: '1' },
        { Key: 'b', Value: '2' },
      ],
    });
  });

  it('lists nothing where there is none', async () => {
    const { ok } = await withStream();
    expect(await ok('ListTagsForResource', { ResourceARN: STREAM_ARN })).toEqual({ Tags: [] });
  });

  it.each([
    [{}, validationError(['null', 'resourceARN', NOT_NULL])],
    [
      { ResourceARN: `arn:aws:sqs:us-east-1:${ACCOUNT}:q` },
      validationError([
        `'arn:aws:sqs:us-east-1:${ACCOUNT}:q'`,
        'resourceARN',
        'Member must satisfy regular expression pattern: arn:aws.*:kinesis:.*:\\d{12}:.*(stream|channel|queue)/\\S+',
      ]),
    ],
  ])('refuses (1) %j', async (input, answer) => {
    const { call } = await withStream();
    expect(await call('ListTagsForResource', input)).toEqual(answer);
  });

  itRefusesResources('ListTagsForResource', {});
});
