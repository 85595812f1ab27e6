import { describe, expect, it } from '@jest/globals';
import {
  ACCOUNT,
  awsError,
  awsHarness,
  longest,
  NOT_NULL,
  shortest,
  START_MS,
  STREAM_NAME_PATTERN,
  validationError,
} from '../../../test/aws-harness.ts';
import { CONSUMERS_PER_STREAM_MAX } from '../consumers/consumer-register.ts';

const StreamARN = `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/s`;
const SECONDS = Math.floor(START_MS / 1000);

async function withStream() {
  const harness = await awsHarness();
  await harness.ok('CreateStream', { StreamName: 's', ShardCount: 1 });
  return harness;
}

describe('RegisterStreamConsumer', () => {
  it('answers a consumer that is being created, with its time in the ARN', async () => {
    const { ok } = await withStream();
    expect(await ok('RegisterStreamConsumer', { StreamARN, ConsumerName: 'c.1' })).toEqual({
      Consumer: {
        ConsumerName: 'c.1',
        ConsumerARN: `${StreamARN}/consumer/c.1:${SECONDS}`,
        ConsumerStatus: 'CREATING',
        ConsumerCreationTimestamp: START_MS / 1000,
      },
    });
  });

  it('has it ACTIVE when it is described', async () => {
    const { ok } = await withStream();
    await ok('RegisterStreamConsumer', { StreamARN, ConsumerName: 'c' });
    expect(await ok('DescribeStreamConsumer', { StreamARN, ConsumerName: 'c' })).toMatchObject({
      ConsumerDescription: { ConsumerStatus: 'ACTIVE' },
    });
  });

  it('keeps tags', async () => {
    const { ok } = await withStream();
    const Tags = { team: 'red', größe: '' };
    const { Consumer } = await ok<{ Consumer: { ConsumerARN: string } }>('RegisterStreamConsumer', {
      StreamARN,
      ConsumerName: 'c',
      Tags,
    });
    expect(await ok('ListTagsForResource', { ResourceARN: Consumer.ConsumerARN })).toEqual({
      Tags: [
        { Key: 'größe', Value: '' },
        { Key: 'team', Value: 'red' },
      ],
    });
  });

  it('takes 20 consumers a stream and no more, and each stream has its own', async () => {
    const { ok, call } = await withStream();
    await ok('CreateStream', { StreamName: 't', ShardCount: 1 });
    for (let i = 0; i < CONSUMERS_PER_STREAM_MAX; i++) {
      await ok('RegisterStreamConsumer', { StreamARN, ConsumerName: `c${i}` });
    }
    expect(await call('RegisterStreamConsumer', { StreamARN, ConsumerName: 'late' })).toEqual(
      awsError(
        'LimitExceededException',
        `Stream s under account ${ACCOUNT} has 20 registered consumers, the most that it can have.`,
      ),
    );
    await ok('RegisterStreamConsumer', { StreamARN: StreamARN.replace(/s$/, 't'), ConsumerName: 'late' });
    await ok('DeregisterStreamConsumer', { StreamARN, ConsumerName: 'c7' });
    await ok('RegisterStreamConsumer', { StreamARN, ConsumerName: 'late' });
  });

  it('never has more than 20 when many come at once', async () => {
    const { ok, call } = await withStream();
    await Promise.all(
      Array.from({ length: 30 }, (_, i) => call('RegisterStreamConsumer', { StreamARN, ConsumerName: `c${i}` })),
    );
    const { Consumers } = await ok<{ Consumers: unknown[] }>('ListStreamConsumers', { StreamARN });
    expect(Consumers.length).toBeLessThanOrEqual(CONSUMERS_PER_STREAM_MAX);
  });

  it('makes one consumer of a name, also when two ask at once', async () => {
    const { call } = await withStream();
    const answers = await Promise.all(
      [1, 2, 3].map(() => call('RegisterStreamConsumer', { StreamARN, ConsumerName: 'c' })),
    );
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 400, 400]);
  });

  it.each([
    ['1', {}, validationError(['null', 'streamARN', NOT_NULL], ['null', 'consumerName', NOT_NULL])],
    [
      '1',
      { StreamARN, ConsumerName: '' },
      validationError(["''", 'consumerName', STREAM_NAME_PATTERN], ["''", 'consumerName', shortest(1)]),
    ],
    [
      '1',
      { StreamARN, ConsumerName: 'c'.repeat(129) },
      validationError([`'${'c'.repeat(129)}'`, 'consumerName', longest(128)]),
    ],
    [
      '3',
      { StreamARN: `${StreamARN}none`, ConsumerName: 'c' },
      awsError('ResourceNotFoundException', `Stream snone under account ${ACCOUNT} not found.`),
    ],
    [
      '5',
      { StreamARN, ConsumerName: 'c', Tags: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, ''])) },
      awsError(
        'InvalidArgumentException',
        `Failed to add tags to stream s under account ${ACCOUNT} because a given stream cannot have more than 50 tags associated with it.`,
      ),
    ],
    [
      '6',
      { StreamARN, ConsumerName: 'taken' },
      awsError('ResourceInUseException', `Consumer taken under stream s already exists for account ${ACCOUNT}.`),
    ],
  ])('refuses (%s) %j', async (_number, input, answer) => {
    const { ok, call } = await withStream();
    await ok('RegisterStreamConsumer', { StreamARN, ConsumerName: 'taken' });
    expect(await call('RegisterStreamConsumer', input)).toEqual(answer);
  });

  it('refuses (3) a stream that is deleted while it registers, and leaves no consumer behind', async () => {
    const { call, catalog, store } = await withStream();
    const streamId = catalog.peek('s')?.id as string;
    const write = store.documents.write.bind(store.documents);
    store.documents.write = async (writes) => {
      const outcome = await write(writes);
      if (writes[0]?.key === `consumer/${streamId}/c` && writes[0].expected === 'absent') await catalog.delete('s');
      return outcome;
    };
    expect(await call('RegisterStreamConsumer', { StreamARN, ConsumerName: 'c' })).toEqual(
      awsError('ResourceNotFoundException', `Stream s under account ${ACCOUNT} not found.`),
    );
    expect(await store.documents.list('consumer/')).toEqual([]);
  });
});
