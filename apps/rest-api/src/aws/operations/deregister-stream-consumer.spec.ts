import { describe, expect, it } from '@jest/globals';
import { ACCOUNT, awsError, awsHarness, START_MS } from '../../../test/aws-harness.ts';

const StreamARN = `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/s`;
const ConsumerARN = `${StreamARN}/consumer/c:${Math.floor(START_MS / 1000)}`;
const notFound = awsError('ResourceNotFoundException', `Consumer c under stream s and account ${ACCOUNT} not found.`);

async function withConsumer() {
  const harness = await awsHarness();
  await harness.ok('CreateStream', { StreamName: 's', ShardCount: 1 });
  await harness.ok('RegisterStreamConsumer', { StreamARN, ConsumerName: 'c' });
  return harness;
}

describe('DeregisterStreamConsumer', () => {
  it.each([
    ['its ARN', { ConsumerARN }],
    ["the stream's ARN and its name", { StreamARN, ConsumerName: 'c' }],
  ])('removes a consumer by %s, with what was written down of its subscriptions', async (_name, input) => {
    const { call, store, catalog } = await withConsumer();
    const key = `subscription/${catalog.peek('s')?.id}/c:${Math.floor(START_MS / 1000)}/0`;
    await store.documents.write([{ key, value: '{}', expected: 'absent' }]);
    expect(await call('DeregisterStreamConsumer', input)).toMatchObject({ statusCode: 200, body: '' });
    expect(await call('DescribeStreamConsumer', input)).toEqual(notFound);
    expect(await store.documents.list('consumer/')).toEqual([]);
    expect(await store.documents.list('subscription/')).toEqual([]);
  });

  it('completes the removal that another process has begun', async () => {
    const { ok, call, store, catalog } = await withConsumer();
    const key = `consumer/${catalog.peek('s')?.id}/c`;
    const { value } = (await store.documents.get(key)) as { value: string };
    const deleting = value.replace('"ACTIVE"', '"DELETING"');
    await store.documents.write([{ key, value: deleting, expected: 'any' }]);
    expect(await ok('DescribeStreamConsumer', { ConsumerARN })).toMatchObject({
      ConsumerDescription: { ConsumerStatus: 'DELETING' },
    });
    await ok('DeregisterStreamConsumer', { ConsumerARN }).catch(() => undefined);
    expect(await call('DescribeStreamConsumer', { ConsumerARN })).toEqual(notFound);
    // The name is free also while it lies there half removed.
    await ok('RegisterStreamConsumer', { StreamARN, ConsumerName: 'c' });
    await store.documents.write([{ key, value: deleting, expected: 'any' }]);
    await ok('RegisterStreamConsumer', { StreamARN, ConsumerName: 'c' });
  });

  it.each([
    [
      '2',
      { ConsumerName: 'c' },
      awsError('InvalidArgumentException', 'Either ConsumerARN or both StreamARN and ConsumerName should be provided.'),
    ],
    [
      '3',
      { StreamARN: `${StreamARN}2`, ConsumerName: 'c' },
      awsError('ResourceNotFoundException', `Stream s2 under account ${ACCOUNT} not found.`),
    ],
    ['3', { ConsumerARN: `${StreamARN}/consumer/c:1` }, notFound],
  ])('refuses (%s) %j', async (_number, input, answer) => {
    const { call } = await withConsumer();
    expect(await call('DeregisterStreamConsumer', input)).toEqual(answer);
  });
});
