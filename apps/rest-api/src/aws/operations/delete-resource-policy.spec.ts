import { describe, expect, it } from '@jest/globals';
import { itRefusesResources, STREAM_ARN, withStream } from '../../../test/aws-cases.ts';
import { NOT_NULL, validationError } from '../../../test/aws-harness.ts';

const Policy = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Deny', Principal: '*', Action: 'kinesis:*', Resource: STREAM_ARN }],
});

describe('DeleteResourcePolicy', () => {
  it('takes the policy away, and is no fault where there is none', async () => {
    const { call, ok } = await withStream();
    await ok('PutResourcePolicy', { ResourceARN: STREAM_ARN, Policy });
    for (let i = 0; i < 2; i++) {
      expect(await call('DeleteResourcePolicy', { ResourceARN: STREAM_ARN })).toEqual({
        statusCode: 200,
        contentType: 'application/x-amz-json-1.1',
        body: '',
      });
      expect(await ok('GetResourcePolicy', { ResourceARN: STREAM_ARN })).toEqual({ Policy: '{}' });
    }
  });

  it('refuses (1) a request without a resource', async () => {
    const { call } = await withStream();
    expect(await call('DeleteResourcePolicy', {})).toEqual(validationError(['null', 'resourceARN', NOT_NULL]));
  });

  itRefusesResources('DeleteResourcePolicy', {});
});
