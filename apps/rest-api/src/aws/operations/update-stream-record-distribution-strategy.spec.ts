import { describe, expect, it } from '@jest/globals';
import { itRefusesStreamArns, itRefusesUpdating, ON_DEMAND, STREAM_ARN, withStream } from '../../../test/aws-cases.ts';
import { awsError, NOT_NULL, validationError } from '../../../test/aws-harness.ts';

const AUTO = { StreamARN: STREAM_ARN, RecordDistributionStrategy: 'AUTO' };

describe('UpdateStreamRecordDistributionStrategy', () => {
  it('AUTO sends records to all shards evenly, with a partition key or without, and keeps the key', async () => {
    const { call, ok } = await withStream(ON_DEMAND);
    expect(await call('UpdateStreamRecordDistributionStrategy', AUTO)).toEqual({
      statusCode: 200,
      contentType: 'application/x-amz-json-1.1',
      body: '',
    });
    const Records = Array.from({ length: 8 }, (_, i) =>
      i % 2 === 0 ? { Data: '' } : { Data: '', PartitionKey: 'same', ExplicitHashKey: '0' },
    );
    const put = await ok<{ Records: { ShardId: string }[] }>('PutRecords', { StreamName: 's', Records });
    const shardIds = put.Records.map(({ ShardId }) => ShardId);
    expect([...shardIds].sort()).toEqual([0, 0, 1, 1, 2, 2, 3, 3].map((i) => `shardId-00000000000${i}`));

    const read = async (ShardId: string) => {
      const position = { StreamName: 's', ShardId, ShardIteratorType: 'TRIM_HORIZON' };
      const { ShardIterator } = await ok<{ ShardIterator: string }>('GetShardIterator', position);
      return (await ok<{ Records: { PartitionKey?: string }[] }>('GetRecords', { ShardIterator })).Records;
    };
    const keys = (await Promise.all([...new Set(shardIds)].map(read))).flat().map(({ PartitionKey }) => PartitionKey);
    expect(keys.filter((key) => key === undefined)).toHaveLength(4);
    expect(keys.filter((key) => key === 'same')).toHaveLength(4);
  });

  it('USER_PARTITION_KEY needs partition keys again, and sends equal ones to one shard', async () => {
    const { call, ok } = await withStream({ ...ON_DEMAND, RecordDistributionStrategy: 'AUTO' });
    const strategy = { StreamARN: STREAM_ARN, RecordDistributionStrategy: 'USER_PARTITION_KEY' };
    await ok('UpdateStreamRecordDistributionStrategy', strategy);
    expect(await call('PutRecord', { StreamName: 's', Data: '' })).toEqual(
      validationError(['null', 'partitionKey', NOT_NULL]),
    );
    const Records = Array(8).fill({ Data: '', PartitionKey: 'same' });
    const put = await ok<{ Records: { ShardId: string }[] }>('PutRecords', { StreamName: 's', Records });
    expect(new Set(put.Records.map(({ ShardId }) => ShardId)).size).toBe(1);
  });

  it.each([
    [{}, validationError(['null', 'streamARN', NOT_NULL], ['null', 'recordDistributionStrategy', NOT_NULL])],
    [
      { StreamARN: STREAM_ARN, RecordDistributionStrategy: 'RANDOM' },
      validationError([
        "'RANDOM'",
        'recordDistributionStrategy',
        'Member must satisfy enum value set: [AUTO, USER_PARTITION_KEY]',
      ]),
    ],
  ])('refuses (1) %j', async (input, answer) => {
    const { call } = await withStream(ON_DEMAND);
    expect(await call('UpdateStreamRecordDistributionStrategy', input)).toEqual(answer);
  });

  itRefusesStreamArns('UpdateStreamRecordDistributionStrategy', { RecordDistributionStrategy: 'AUTO' });
  itRefusesUpdating('UpdateStreamRecordDistributionStrategy', AUTO);

  it('refuses (5) AUTO for a PROVISIONED stream', async () => {
    const { call } = await withStream();
    expect(await call('UpdateStreamRecordDistributionStrategy', AUTO)).toEqual(
      awsError(
        'InvalidArgumentException',
        'RecordDistributionStrategy AUTO is only supported for streams in ON_DEMAND mode.',
      ),
    );
  });
});
