import { describe, expect, it } from '@jest/globals';
import {
  ACCOUNT,
  awsError,
  awsHarness,
  shortest,
  STREAM_NAME_PATTERN,
  validationError,
} from '../../../test/aws-harness.ts';

describe('DeleteStream', () => {
  it('removes the stream and its records; a new one of the name is empty', async () => {
    const { call, ok } = await awsHarness();
    await ok('CreateStream', { StreamName: 's', ShardCount: 1 });
    await ok('PutRecord', { StreamName: 's', PartitionKey: 'k', Data: 'AA==' });
    expect((await call('DeleteStream', { StreamName: 's', EnforceConsumerDeletion: true })).body).toBe('');
    expect(await ok('ListStreams', {})).toMatchObject({ StreamNames: [] });
    await ok('CreateStream', { StreamName: 's', ShardCount: 1 });
    const { ShardIterator } = await ok<{ ShardIterator: string }>('GetShardIterator', {
      StreamName: 's',
      ShardId: 'shardId-000000000000',
      ShardIteratorType: 'TRIM_HORIZON',
    });
    expect(await ok('GetRecords', { ShardIterator })).toMatchObject({ Records: [] });
  });

  it('refuses (4) a stream that has consumers, unless it is told to remove them too', async () => {
    const { call, ok, store } = await awsHarness();
    await ok('CreateStream', { StreamName: 's', ShardCount: 1 });
    const StreamARN = `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/s`;
    await ok('RegisterStreamConsumer', { StreamARN, ConsumerName: 'c' });
    for (const EnforceConsumerDeletion of [undefined, false]) {
      expect(await call('DeleteStream', { StreamName: 's', EnforceConsumerDeletion })).toEqual(
        awsError(
          'ResourceInUseException',
          `DeleteStream can't delete ${ACCOUNT}:s because there are consumers associated with this data stream. ` +
            'To delete s anyway, set the EnforceConsumerDeletion parameter to true.',
        ),
      );
    }
    await ok('DeleteStream', { StreamName: 's', EnforceConsumerDeletion: true });
    expect(await store.documents.list('consumer/')).toEqual([]);
  });

  it.each([
    [
      '1',
      { StreamName: '' },
      validationError(["''", 'streamName', STREAM_NAME_PATTERN], ["''", 'streamName', shortest(1)]),
    ],
    ['2', {}, awsError('InvalidArgumentException', 'Either StreamName or StreamARN should be provided.')],
    [
      '3',
      { StreamName: 'none' },
      awsError('ResourceNotFoundException', `Stream none under account ${ACCOUNT} not found.`),
    ],
  ])('refuses (%s) %j', async (_number, input, answer) => {
    const { call } = await awsHarness();
    expect(await call('DeleteStream', input)).toEqual(answer);
  });
});
