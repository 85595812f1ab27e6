import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  ListStreamsCommand,
  ResourceNotFoundException,
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
  const count = (answer: string) => answers.set(answer, (answers.get(answer) ?? 0) + 1);
  for (const StreamName of StreamNames.filter((name) => STREAM.test(name))) {
    try {
      const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName }));
      for (const { ShardId } of Shards) {
        const first = new GetShardIteratorCommand({ StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' });
        await readShard(client, (await client.send(first)).ShardIterator, count);
      }
    } catch (error) {
      // A mutated request that has waited its time may delete a topic meanwhile.
      if (!(error instanceof ResourceNotFoundException)) throw error;
      count('a stream that went meanwhile');
    }
  }
  client.destroy();
  return answers;
}

async function readShard(
  client: KinesisClient,
  begin: string | undefined,
  count: (answer: string) => void,
): Promise<void> {
  let ShardIterator = begin;
  for (let page = 0; page < PAGES_MAX && ShardIterator !== undefined; page++) {
    try {
      const { NextShardIterator, Records = [] } = await client.send(new GetRecordsCommand({ ShardIterator }));
      if (Records.length === 0) return;
      ShardIterator = NextShardIterator;
      count('GetRecords: records');
    } catch (error) {
      count(`GetRecords: ${(error as Error).name}`);
      return;
    }
  }
}
