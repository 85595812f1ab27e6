import { describe, expect, it } from '@jest/globals';
import { formatSequenceNumber } from '@tailrace/shard-core';
import {
  ACCOUNT,
  awsError,
  awsHarness,
  type AwsHarness,
  NOT_NULL,
  START_MS,
  validationError,
} from '../../../test/aws-harness.ts';

const shard0 = { StreamName: 's', ShardId: 'shardId-000000000000' };
const seconds = Math.floor(START_MS / 1000);

/** One shard of two, with the records 0, 1, 2: a second between each. */
async function withRecords(): Promise<AwsHarness & { numbers: string[] }> {
  const harness = await awsHarness();
  await harness.ok('CreateStream', { StreamName: 's', ShardCount: 2 });
  const numbers: string[] = [];
  for (const text of ['0', '1', '2']) {
    const put = {
      StreamName: 's',
      PartitionKey: 'k',
      ExplicitHashKey: '0',
      Data: Buffer.from(text).toString('base64'),
    };
    numbers.push((await harness.ok<{ SequenceNumber: string }>('PutRecord', put)).SequenceNumber);
    harness.clock.nowMs += 1000;
  }
  return { ...harness, numbers };
}

async function readFrom({ ok }: AwsHarness, position: object): Promise<string[]> {
  const { ShardIterator } = await ok<{ ShardIterator: string }>('GetShardIterator', { ...shard0, ...position });
  const { Records } = await ok<{ Records: { Data: string }[] }>('GetRecords', { ShardIterator });
  return Records.map(({ Data }) => Buffer.from(Data, 'base64').toString());
}

describe('GetShardIterator', () => {
  it('starts at each of the five positions', async () => {
    const harness = await withRecords();
    const { numbers } = harness;
    expect(await readFrom(harness, { ShardIteratorType: 'TRIM_HORIZON' })).toEqual(['0', '1', '2']);
    expect(await readFrom(harness, { ShardIteratorType: 'LATEST' })).toEqual([]);
    const at = { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: numbers[1] };
    expect(await readFrom(harness, at)).toEqual(['1', '2']);
    const after = { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: numbers[1] };
    expect(await readFrom(harness, after)).toEqual(['2']);
    const atTime = (ms: number) => ({ ShardIteratorType: 'AT_TIMESTAMP', Timestamp: ms / 1000 });
    expect(await readFrom(harness, atTime(START_MS - 1))).toEqual(['0', '1', '2']);
    expect(await readFrom(harness, atTime(START_MS + 1000))).toEqual(['1', '2']);
    expect(await readFrom(harness, atTime(START_MS + 1001))).toEqual(['2']);
    expect(await readFrom(harness, atTime(START_MS + 2500))).toEqual([]);
  });

  it('fixes LATEST when the iterator is made', async () => {
    const { ok } = await withRecords();
    const latest = { ...shard0, ShardIteratorType: 'LATEST' };
    const { ShardIterator } = await ok<{ ShardIterator: string }>('GetShardIterator', latest);
    await ok('PutRecord', { StreamName: 's', PartitionKey: 'k', ExplicitHashKey: '0', Data: 'AA==' });
    expect(await ok<{ Records: unknown[] }>('GetRecords', { ShardIterator })).toMatchObject({
      Records: [{ Data: 'AA==' }],
    });
  });

  it("takes the shard's own starting number, and short forms of the shard id", async () => {
    const harness = await withRecords();
    const start = formatSequenceNumber({
      offset: 0n,
      shardNumber: 0,
      appendTimeSeconds: seconds,
      shardCreatedSeconds: seconds,
    });
    const at = { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: start };
    expect(await readFrom(harness, at)).toEqual(['0', '1', '2']);
    for (const ShardId of ['0', 'shardId-0', 'x-0', '000000000000']) {
      expect(await readFrom(harness, { ShardId, ShardIteratorType: 'TRIM_HORIZON' })).toEqual(['0', '1', '2']);
    }
  });

  it("makes tokens of the service's shape, no two alike", async () => {
    const { ok } = await withRecords();
    const position = { ...shard0, ShardIteratorType: 'LATEST' };
    const tokens = await Promise.all([0, 1].map(() => ok<{ ShardIterator: string }>('GetShardIterator', position)));
    expect(tokens[0]).not.toEqual(tokens[1]);
    for (const { ShardIterator } of tokens) {
      const bytes = Buffer.from(ShardIterator, 'base64');
      expect(bytes.toString('base64')).toBe(ShardIterator);
      expect(bytes.toString('hex', 0, 8)).toBe('0000000000000001');
      expect((bytes.length - 8) % 16).toBe(0);
      expect(ShardIterator.length).toBeLessThanOrEqual(512);
    }
  });

  const must =
    'Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or ' +
    '(2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. ';
  const place = `used in GetShardIterator on shard shardId-000000000000 in stream s under account ${ACCOUNT}`;
  const foreign = formatSequenceNumber({
    offset: 3n,
    shardNumber: 0,
    appendTimeSeconds: seconds,
    shardCreatedSeconds: seconds - 9,
  });
  const ofShard1 = formatSequenceNumber({
    offset: 0n,
    shardNumber: 1,
    appendTimeSeconds: seconds,
    shardCreatedSeconds: seconds,
  });
  const notFound = (message: string) => awsError('ResourceNotFoundException', message);
  const invalid = (message: string) => awsError('InvalidArgumentException', message);

  it.each([
    ['1', {}, validationError(['null', 'shardId', NOT_NULL], ['null', 'shardIteratorType', NOT_NULL])],
    [
      '1',
      { ...shard0, ShardIteratorType: '' },
      validationError([
        "''",
        'shardIteratorType',
        'Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]',
      ]),
    ],
    ['2', { ShardId: '0', ShardIteratorType: 'LATEST' }, invalid('Either StreamName or StreamARN should be provided.')],
    [
      '3',
      { ...shard0, ShardId: 'ABKLFD8', ShardIteratorType: 'LATEST' },
      notFound(`Could not find shard ABKLFD8 in stream s under account ${ACCOUNT}.`),
    ],
    [
      '3',
      { ...shard0, ShardId: 'shardId-002147483648', ShardIteratorType: 'LATEST' },
      notFound(`Could not find shard shardId-002147483648 in stream s under account ${ACCOUNT}.`),
    ],
    [
      '3',
      { StreamName: 'none', ShardId: '2147483647', ShardIteratorType: 'LATEST' },
      notFound(`Shard shardId-002147483647 in stream none under account ${ACCOUNT} does not exist`),
    ],
    [
      '3',
      { ...shard0, ShardId: 'shardId-2', ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: '5' },
      notFound(`Shard shardId-000000000002 in stream s under account ${ACCOUNT} does not exist`),
    ],
    [
      '4',
      { ...shard0, ShardIteratorType: 'AT_SEQUENCE_NUMBER' },
      invalid(`${must}Request specified AT_SEQUENCE_NUMBER and no StartingSequenceNumber.`),
    ],
    [
      '4',
      { ...shard0, ShardIteratorType: 'AFTER_SEQUENCE_NUMBER' },
      invalid(`${must}Request specified AFTER_SEQUENCE_NUMBER and no StartingSequenceNumber.`),
    ],
    [
      '4',
      { ...shard0, ShardIteratorType: 'LATEST', StartingSequenceNumber: '5' },
      invalid(`${must}Request specified LATEST and also a StartingSequenceNumber.`),
    ],
    [
      '4',
      { ...shard0, ShardIteratorType: 'TRIM_HORIZON', StartingSequenceNumber: '5' },
      invalid(`${must}Request specified TRIM_HORIZON and also a StartingSequenceNumber.`),
    ],
    [
      '4',
      { ...shard0, ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: '5' },
      invalid(`StartingSequenceNumber 5 ${place} is invalid.`),
    ],
    [
      '4',
      { ...shard0, ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: ofShard1 },
      invalid(
        'Invalid StartingSequenceNumber. It encodes shardId-000000000001, ' +
          'while it was used in a call to a shard with shardId-000000000000',
      ),
    ],
    [
      '4',
      { ...shard0, ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: foreign },
      invalid(`StartingSequenceNumber ${foreign} ${place} is invalid because it did not come from this stream.`),
    ],
    [
      '4',
      { ...shard0, ShardIteratorType: 'AT_TIMESTAMP' },
      invalid(
        'Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. ' +
          'Current request has no timestamp parameter.',
      ),
    ],
    [
      '4',
      { ...shard0, ShardIteratorType: 'AT_TIMESTAMP', Timestamp: START_MS / 1000 + 60 },
      invalid(
        'The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. ' +
          `timestampInMillis: ${START_MS + 60_000}, currentTimestampInMillis: ${START_MS + 3000}`,
      ),
    ],
    [
      '5',
      { ...shard0, ShardIteratorType: 'LATEST', DryRun: true },
      awsError('DryRunOperationException', 'Request would have succeeded, but DryRun flag is set.'),
    ],
  ])('refuses (%s) %j', async (_number, input, answer) => {
    const { call } = await withRecords();
    expect(await call('GetShardIterator', input)).toEqual(answer);
  });
});
