import { describe, expect, it } from '@jest/globals';
import { itRefusesStreamArns, itRefusesUpdating, STREAM_ARN, withStream } from '../../../test/aws-cases.ts';
import { awsError, least, longest, most, NOT_NULL, validationError } from '../../../test/aws-harness.ts';

const MIB = 1024 * 1024;

describe('UpdateMaxRecordSize', () => {
  it('lets larger records in and out, up to its limit and not one byte more', async () => {
    const { call, ok } = await withStream();
    const bytes = Buffer.alloc(10 * MIB, 7);
    const put = (length: number) =>
      call('PutRecord', { StreamName: 's', PartitionKey: 'k', Data: bytes.subarray(0, length).toString('base64') });
    const refused = (length: number, max: number) =>
      validationError([`'java.nio.HeapByteBuffer[pos=0 lim=${length} cap=${length}]'`, 'data', longest(max)]);
    expect(await put(MIB + 1)).toEqual(refused(MIB + 1, MIB));

    const answer = await call('UpdateMaxRecordSize', { StreamARN: STREAM_ARN, MaxRecordSizeInKiB: 1025 });
    expect(answer).toEqual({ statusCode: 200, contentType: 'application/x-amz-json-1.1', body: '' });
    expect((await put(1025 * 1024)).statusCode).toBe(200);
    expect(await put(1025 * 1024 + 1)).toEqual(refused(1025 * 1024 + 1, 1025 * 1024));

    await ok('UpdateMaxRecordSize', { StreamARN: STREAM_ARN, MaxRecordSizeInKiB: 10_240 });
    expect((await put(10 * MIB)).statusCode).toBe(200);
    const { ShardIterator } = await ok<{ ShardIterator: string }>('GetShardIterator', {
      StreamName: 's',
      ShardId: 'shardId-0',
      ShardIteratorType: 'TRIM_HORIZON',
    });
    const first = await ok<Page>('GetRecords', { ShardIterator });
    const second = await ok<Page>('GetRecords', { ShardIterator: first.NextShardIterator });
    const lengths = [...first.Records, ...second.Records].map(({ Data }) => Buffer.from(Data, 'base64').length);
    expect(lengths).toEqual([1025 * 1024, 10 * MIB]);
  });

  it.each([
    [{}, validationError(['null', 'maxRecordSizeInKiB', NOT_NULL])],
    [{ MaxRecordSizeInKiB: 1023 }, validationError(["'1023'", 'maxRecordSizeInKiB', least(1024)])],
    [{ MaxRecordSizeInKiB: 10_241 }, validationError(["'10241'", 'maxRecordSizeInKiB', most(10_240)])],
  ])('refuses (1) %j', async (input, answer) => {
    const { call } = await withStream();
    expect(await call('UpdateMaxRecordSize', { StreamARN: STREAM_ARN, ...input })).toEqual(answer);
  });

  it('refuses (2) a request without an ARN', async () => {
    const { call } = await withStream();
    expect(await call('UpdateMaxRecordSize', { MaxRecordSizeInKiB: 2048 })).toEqual(
      awsError('InvalidArgumentException', 'Either StreamName or StreamARN should be provided.'),
    );
  });

  itRefusesStreamArns('UpdateMaxRecordSize', { MaxRecordSizeInKiB: 2048 });
  itRefusesUpdating('UpdateMaxRecordSize', { StreamARN: STREAM_ARN, MaxRecordSizeInKiB: 2048 });
});

interface Page {
  readonly Records: readonly { readonly Data: string }[];
  readonly NextShardIterator: string;
}
