import { describe, expect, it } from '@jest/globals';
import { ACCOUNT, awsError, awsHarness, START_MS, validationError } from '../../../test/aws-harness.ts';

const StreamARN = `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/s`;
const SECONDS = Math.floor(START_MS / 1000);
const ConsumerARN = `${StreamARN}/consumer/c:${SECONDS}`;
const notFound = awsError('ResourceNotFoundException', `Consumer c under stream s and account ${ACCOUNT} not found.`);

async function withConsumer() {
  const harness = await awsHarness();
  await harness.ok('CreateStream', { StreamName: 's', ShardCount: 1 });
  await harness.ok('RegisterStreamConsumer', { StreamARN, ConsumerName: 'c' });
  return harness;
}

describe('DescribeStreamConsumer', () => {
  it.each([
    ['its ARN', { ConsumerARN }],
    ["the stream's ARN and its name", { StreamARN, ConsumerName: 'c' }],
    ['all three', { ConsumerARN, StreamARN, ConsumerName: 'c' }],
  ])('finds a consumer by %s', async (_name, input) => {
    const { ok } = await withConsumer();
    expect(await ok('DescribeStreamConsumer', input)).toEqual({
      ConsumerDescription: {
        ConsumerName: 'c',
        ConsumerARN,
        ConsumerStatus: 'ACTIVE',
        ConsumerCreationTimestamp: START_MS / 1000,
        StreamARN,
      },
    });
  });

  it('does not find one that was registered again by the ARN of the old one', async () => {
    const { ok, call, clock } = await withConsumer();
    await ok('DeregisterStreamConsumer', { ConsumerARN });
    clock.nowMs += 1000;
    await ok('RegisterStreamConsumer', { StreamARN, ConsumerName: 'c' });
    expect(await call('DescribeStreamConsumer', { ConsumerARN })).toEqual(notFound);
    expect((await call('DescribeStreamConsumer', { StreamARN, ConsumerName: 'c' })).statusCode).toBe(200);
  });

  const pattern =
    'Member must satisfy regular expression pattern: ' +
    '^(arn):aws.*:kinesis:.*:\\d{12}:.*stream\\/[a-zA-Z0-9_.-]+\\/consumer\\/[a-zA-Z0-9_.-]+:[0-9]+';
  const neither = 'Either ConsumerARN or both StreamARN and ConsumerName should be provided.';

  it.each([
    ['1', { ConsumerARN: 'c' }, validationError(["'c'", 'consumerARN', pattern])],
    ['2', {}, awsError('InvalidArgumentException', neither)],
    ['2', { ConsumerName: 'c' }, awsError('InvalidArgumentException', neither)],
    ['2', { StreamARN }, awsError('InvalidArgumentException', neither)],
    [
      '2',
      { ConsumerARN, ConsumerName: 'd' },
      awsError('InvalidArgumentException', `ConsumerARN ${ConsumerARN} and ConsumerName d name different consumers.`),
    ],
    [
      '2',
      { ConsumerARN, StreamARN: `${StreamARN}2` },
      awsError(
        'InvalidArgumentException',
        `ConsumerARN ${ConsumerARN} and StreamARN ${StreamARN}2 name different streams.`,
      ),
    ],
    [
      '3',
      { StreamARN: `${StreamARN}2`, ConsumerName: 'c' },
      awsError('ResourceNotFoundException', `Stream s2 under account ${ACCOUNT} not found.`),
    ],
    [
      '3',
      { StreamARN, ConsumerName: 'd' },
      awsError('ResourceNotFoundException', `Consumer d under stream s and account ${ACCOUNT} not found.`),
    ],
    ['3', { ConsumerARN: `${StreamARN}/consumer/c:1` }, notFound],
  ])('refuses (%s) %j', async (_number, input, answer) => {
    const { call } = await withConsumer();
    expect(await call('DescribeStreamConsumer', input)).toEqual(answer);
  });
});
