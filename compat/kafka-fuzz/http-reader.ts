import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  ListStreamsCommand,
} from '@aws-sdk/client-kinesis';

const PAGES_MAX = 20;
const STREAM = /^fuzz-/;

/** Reads by the other door what was appended: batches that no client of ours has made. Answers how often came what. */
export async function readByHttp(endpoint: string): Promise<Map<string, number>> {
  const client = new KinesisClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'fuzz', secretAccessKey: 'secret' },
    maxAttempts: 1,
  });
  const answers = new Map<string, number>();
  const { StreamNames = [] } = await client.send(new ListStreamsCommand({}));
  for (const StreamName of StreamNames.filter((name) => STREAM.test(name))) {
    const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName }));
    for (const { ShardId } of Shards) {
      let { ShardIterator } = await client.send(
        new GetShardIteratorCommand({ StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
      );
      for (let page = 0; page < PAGES_MAX && ShardIterator !== undefined; page++) {
        let answer = 'records';
        try {
          const { NextShardIterator, Records = [] } = await client.send(new GetRecordsCommand({ ShardIterator }));
          ShardIterator = NextShardIterator;
          if (Records.length === 0) break;
        } catch (error) {
          answer = (error as Error).name;
          ShardIterator = undefined;
        }
        answers.set(`GetRecords: ${answer}`, (answers.get(`GetRecords: ${answer}`) ?? 0) + 1);
      }
    }
  }
  client.destroy();
  return answers;
}
