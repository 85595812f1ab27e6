import { describe, expect, it } from '@jest/globals';
import { itRefusesResources, STREAM_ARN, withStream } from '../../../test/aws-cases.ts';
import { NOT_NULL, validationError } from '../../../test/aws-harness.ts';

const Policy = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Deny', Principal: '*', Action: 'kinesis:*', Resource: STREAM_ARN }],
});

describe('GetResourcePolicy', () => {
  it('answers an empty policy where none was put', async () => {
    const { ok } = await withStream();
    expect(await ok('GetResourcePolicy', { ResourceARN: STREAM_ARN })).toEqual({ Policy: '{}' });
  });

  it('does not show a new stream the policy of an old one of its name', async () => {
    const { ok, store } = await withStream();
    await ok('PutResourcePolicy', { ResourceARN: STREAM_ARN, Policy });
    await ok('DeleteStream', { StreamName: 's' });
    expect(await store.documents.list('policy/')).toEqual([]);
    await ok('CreateStream', { StreamName: 's', ShardCount: 1 });
    expect(await ok('GetResourcePolicy', { ResourceARN: STREAM_ARN })).toEqual({ Policy: '{}' });
  });

  it('refuses (1) a request without a resource', async () => {
    const { call } = await withStream();
    expect(await call('GetResourcePolicy', {})).toEqual(validationError(['null', 'resourceARN', NOT_NULL]));
  });

  itRefusesResources('GetResourcePolicy', {});
});
