import { describe, expect, it } from '@jest/globals';
import { itRefusesResources, STREAM_ARN, withStream } from '../../../test/aws-cases.ts';
import { awsError, NOT_NULL, validationError } from '../../../test/aws-harness.ts';
import { ResourcePolicies } from '../resource-policies.ts';

const policy = (action: string) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: { Effect: 'Allow', Principal: { AWS: '123456789012' }, Action: action, Resource: STREAM_ARN },
  });

describe('PutResourcePolicy', () => {
  it('keeps a policy as it is, in place of the one before', async () => {
    const { call, ok, store, catalog } = await withStream();
    await ok('PutResourcePolicy', { ResourceARN: STREAM_ARN, Policy: policy('kinesis:Get*') });
    const Policy = ` ${policy('kinesis:PutRecord')} `;
    const answer = await call('PutResourcePolicy', { ResourceARN: STREAM_ARN, Policy });
    expect(answer).toEqual({ statusCode: 200, contentType: 'application/x-amz-json-1.1', body: '' });
    expect(await ok('GetResourcePolicy', { ResourceARN: STREAM_ARN })).toEqual({ Policy });
    const kept = await new ResourcePolicies(store.documents).find(STREAM_ARN, catalog.peek('s')?.id ?? '');
    expect(kept?.statements.map(({ coversAction }) => coversAction('kinesis:putrecord'))).toEqual([true]);
  });

  it('keeps one for a consumer, beside that of its stream', async () => {
    const { ok } = await withStream();
    const { Consumer } = await ok<{ Consumer: { ConsumerARN: string } }>('RegisterStreamConsumer', {
      StreamARN: STREAM_ARN,
      ConsumerName: 'c',
    });
    const ResourceARN = Consumer.ConsumerARN;
    await ok('PutResourcePolicy', { ResourceARN, Policy: policy('kinesis:SubscribeToShard') });
    expect(await ok('GetResourcePolicy', { ResourceARN })).toEqual({ Policy: policy('kinesis:SubscribeToShard') });
    expect(await ok('GetResourcePolicy', { ResourceARN: STREAM_ARN })).toEqual({ Policy: '{}' });
  });

  it('refuses (1) what lacks both members', async () => {
    const { call } = await withStream();
    expect(await call('PutResourcePolicy', {})).toEqual(
      validationError(['null', 'resourceARN', NOT_NULL], ['null', 'policy', NOT_NULL]),
    );
  });

  itRefusesResources('PutResourcePolicy', { Policy: '{}' });

  it.each([
    ['{}', 'The policy has no Statement.'],
    ['{"Statement":{"Effect":"Allow"}}', 'Statement 1 has no Principal.'],
    ['x'.repeat(20_481), 'The policy has 20481 characters; at most 20480 are allowed.'],
  ])('refuses (4) %.40s', async (Policy, message) => {
    const { call } = await withStream();
    expect(await call('PutResourcePolicy', { ResourceARN: STREAM_ARN, Policy })).toEqual(
      awsError('InvalidArgumentException', message),
    );
  });
});
