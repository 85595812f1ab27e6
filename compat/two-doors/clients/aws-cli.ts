import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { base64, bytes, type Client, type ReadRecord } from '../client.ts';
import { program } from '../program.ts';

/** Debian's package awscli. */
const AWS = '/usr/bin/aws';
const ENV = {
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_DEFAULT_REGION: 'us-east-1',
  AWS_PAGER: '',
  LC_ALL: 'C.UTF-8',
};
const BATCH = 500;

export async function aws(http: string, operation: string, ...args: string[]): Promise<unknown> {
  const printed = await program(AWS, ['kinesis', operation, '--endpoint-url', http, '--output', 'json', ...args], {
    env: ENV,
  });
  return (printed.length === 0 ? {} : JSON.parse(printed.toString('utf8'))) as unknown;
}

export const awsCli: Client = {
  name: 'aws kinesis',
  door: 'kinesis',
  binary: true,
  async write({ http }, stream, records) {
    const folder = mkdtempSync(join(tmpdir(), 'aws-cli-'));
    try {
      for (let i = 0; i < records.length; i += BATCH) {
        const file = join(folder, `records-${i}.json`);
        writeFileSync(
          file,
          JSON.stringify(
            records
              .slice(i, i + BATCH)
              .map(({ key, value }) => ({ PartitionKey: bytes(key).toString('utf8'), Data: value })),
          ),
        );
        const { FailedRecordCount } = (await aws(
          http,
          'put-records',
          '--stream-name',
          stream,
          '--records',
          `file://${file}`,
        )) as { FailedRecordCount: number };
        if (FailedRecordCount !== 0) throw new Error(`${FailedRecordCount} records failed`);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  async readAll({ http }, stream) {
    const { Shards } = (await aws(http, 'list-shards', '--stream-name', stream)) as { Shards: { ShardId: string }[] };
    const read: ReadRecord[] = [];
    for (const { ShardId } of Shards) {
      let { ShardIterator } = (await aws(
        http,
        'get-shard-iterator',
        '--stream-name',
        stream,
        '--shard-id',
        ShardId,
        '--shard-iterator-type',
        'TRIM_HORIZON',
      )) as { ShardIterator: string };
      for (;;) {
        const page = (await aws(http, 'get-records', '--shard-iterator', ShardIterator, '--limit', '10000')) as {
          Records: { PartitionKey: string; Data: string }[];
          NextShardIterator: string;
          MillisBehindLatest: number;
        };
        for (const { PartitionKey, Data } of page.Records)
          read.push({ key: base64(Buffer.from(PartitionKey, 'utf8')), value: Data, place: ShardId });
        ShardIterator = page.NextShardIterator;
        if (page.Records.length === 0 && page.MillisBehindLatest === 0) break;
      }
    }
    return read;
  },
};
