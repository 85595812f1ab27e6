import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  PutRecordsCommand,
} from '@aws-sdk/client-kinesis';
import { base64, bytes, type Client, type ReadRecord } from '../client.ts';

/** The JavaScript SDK with its default handler, which speaks HTTP/2, over plain http. */
const connect = (endpoint: string) =>
  new KinesisClient({ endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } });

const BATCH = 500;

export const awsSdk: Client = {
  name: '@aws-sdk/client-kinesis',
  door: 'kinesis',
  binary: true,
  async write({ http }, stream, records) {
    const client = connect(http);
    for (let i = 0; i < records.length; i += BATCH) {
      const answer = await client.send(
        new PutRecordsCommand({
          StreamName: stream,
          Records: records
            .slice(i, i + BATCH)
            .map(({ key, value }) => ({ PartitionKey: bytes(key).toString('utf8'), Data: bytes(value) })),
        }),
      );
      if (answer.FailedRecordCount !== 0) throw new Error(`${answer.FailedRecordCount} records failed`);
    }
    client.destroy();
  },
  async readAll({ http }, stream) {
    const client = connect(http);
    const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName: stream }));
    const read: ReadRecord[] = [];
    for (const { ShardId } of Shards) {
      let { ShardIterator } = await client.send(
        new GetShardIteratorCommand({ StreamName: stream, ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
      );
      for (;;) {
        const page = await client.send(new GetRecordsCommand({ ShardIterator, Limit: 1000 }));
        for (const { PartitionKey, Data } of page.Records ?? []) {
          read.push({
            key: base64(Buffer.from(PartitionKey ?? '', 'utf8')),
            value: base64(Data as Uint8Array),
            place: ShardId as string,
          });
        }
        ShardIterator = page.NextShardIterator;
        if (page.MillisBehindLatest === 0 && page.Records?.length === 0) break;
      }
    }
    client.destroy();
    return read;
  },
};
