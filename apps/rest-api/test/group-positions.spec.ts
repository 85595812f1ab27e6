import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { formatCommittedOffset, groupOffsetKey, splitShard, type Store, type Stream } from '@tailrace/shard-core';
import { openEmbeddedStore } from '@tailrace/shard-core/embedded';
import { temporaryDirectory, type TemporaryDirectory, uniqueName } from '@tailrace/testkit';
import { startOffset } from '../src/aws/starting-position.ts';
import { type RestService, startRestService } from './rest-service.ts';

let directory: TemporaryDirectory;
let store: Store;
let rest: RestService;
beforeAll(async () => {
  directory = await temporaryDirectory();
  store = await openEmbeddedStore({ dataDir: directory.path, durability: 'relaxed' });
  rest = await startRestService(store);
});
afterAll(async () => {
  await rest.close();
  await directory.remove();
});

const GROUP = 'bil/ling é';
const PATH = encodeURIComponent(GROUP);

/** A stream whose one shard has got the records 0 to 3, was split, and whose lower child has got 4 and 5, the upper one 4'. */
async function splitStream(): Promise<Stream> {
  const name = uniqueName('grouped');
  await rest.call('POST', '/v1/streams', { name, shards: 1 });
  const put = (data: string, explicitHashKey: string) =>
    rest.call('POST', `/v1/streams/${name}/records`, { partitionKey: 'k', data, explicitHashKey });
  for (const data of ['0', '1', '2', '3']) expect((await put(data, '0')).status).toBe(201);
  const half = 1n << 127n;
  expect((await splitShard(rest.catalog, name, 0, half)).ok).toBe(true);
  for (const data of ['4', '5']) expect((await put(data, '0')).status).toBe(201);
  expect((await put('4 above', String(half))).status).toBe(201);
  return rest.catalog.peek(name) as Stream;
}

async function commit(stream: Stream, partition: number, offset: bigint, topicId = stream.id): Promise<void> {
  const value = formatCommittedOffset({ offset, leaderEpoch: 0, metadata: 'm', topicId, committedAtMs: 0 });
  await store.documents.write([{ key: groupOffsetKey(GROUP, stream.name, partition), value, expected: 'any' }]);
}

async function read(stream: Stream, shard: number): Promise<[status: number, ...data: string[]]> {
  const from = encodeURIComponent(`group:${GROUP}`);
  const { status, body } = await rest.call('GET', `/v1/streams/${stream.name}/shards/${shard}/records?from=${from}&as=text`); // prettier-ignore
  return [status, ...(body.records ?? []).map(({ data }: { data: string }) => data)];
}

/** The records that a feed shows at first. */
async function follow(stream: Stream, count: number): Promise<string[]> {
  const from = encodeURIComponent(`group:${GROUP}`);
  const ended = new AbortController();
  const url = `${rest.origin}/v1/streams/${stream.name}/events?from=${from}&as=text`;
  const { body } = await fetch(url, { signal: ended.signal });
  const data: string[] = [];
  let text = '';
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    const events = text.split('\n\n');
    text = events.pop() as string;
    for (const event of events) {
      const record = /^id: .*\ndata: (.*)$/.exec(event)?.[1];
      if (record !== undefined) data.push((JSON.parse(record) as { data: string }).data);
    }
    if (data.length >= count) break;
  }
  ended.abort();
  return data;
}

/** Where the AWS door begins to read for a sequence number. */
async function offsetAt(
  stream: Stream,
  shardNumber: number,
  type: 'AT_SEQUENCE_NUMBER' | 'AFTER_SEQUENCE_NUMBER',
  sequenceNumber: string,
) {
  const place = { streamName: stream.name, account: '000000000000', operation: 'GetShardIterator' };
  const shard = stream.shard(shardNumber);
  if (shard === undefined) throw new Error(`no shard ${shardNumber}`);
  return startOffset({ type, sequenceNumber, timestampMs: undefined }, shard, place, store, Date.now());
}

describe('what a group of Kafka consumers has committed', () => {
  it('is shown by partition, with a sequence number that the AWS door takes either way', async () => {
    const stream = await splitStream();
    await commit(stream, 0, 2n);
    await commit(stream, 1, 4n);
    const { status, body } = await rest.call('GET', `/v1/streams/${stream.name}/groups/${PATH}`);
    expect(status).toBe(200);
    const common = {
      committedAt: '1970-01-01T00:00:00.000Z',
      metadata: 'm',
      sequenceNumber: expect.stringMatching(/^\d{56}$/),
    };
    expect(body).toEqual({
      stream: stream.name,
      group: GROUP,
      positions: [
        { ...common, partition: 0, committedOffset: '2', lag: '4', shardId: 'shardId-000000000000' },
        { ...common, partition: 1, committedOffset: '4', lag: '1', shardId: 'shardId-000000000002' },
      ],
    });
    const [lower, upper] = body.positions.map(({ sequenceNumber }: { sequenceNumber: string }) => sequenceNumber);
    expect(await offsetAt(stream, 0, 'AT_SEQUENCE_NUMBER', lower)).toBe(2n);
    expect(await offsetAt(stream, 0, 'AFTER_SEQUENCE_NUMBER', lower)).toBe(2n);
    expect(await offsetAt(stream, 2, 'AFTER_SEQUENCE_NUMBER', upper)).toBe(4n);
  });

  it('is where a reader of one shard begins', async () => {
    const stream = await splitStream();
    await commit(stream, 0, 2n);
    expect(await read(stream, 0)).toEqual([200, '2', '3']);
    expect(await read(stream, 1)).toEqual([200, '4', '5']);
    await commit(stream, 0, 5n);
    expect(await read(stream, 0)).toEqual([200]);
    expect(await read(stream, 1)).toEqual([200, '5']);
    expect(await read(stream, 2)).toEqual([200, '4 above']);
  });

  it('is where a follower begins, and each record behind it comes once', async () => {
    const stream = await splitStream();
    await commit(stream, 0, 3n);
    expect((await follow(stream, 4)).sort()).toEqual(['3', '4', '4 above', '5']);
    await commit(stream, 0, 5n);
    await commit(stream, 1, 4n);
    expect((await follow(stream, 2)).sort()).toEqual(['4 above', '5']);
  });

  it('is told to be missing where the group has committed nothing for the stream, or for one that was of its name', async () => {
    const stream = await splitStream();
    const problem = {
      status: 404,
      body: {
        code: 'noCommittedOffsets',
        detail: `There is no group ${GROUP} that has committed offsets for stream ${stream.name}.`,
      },
    };
    const paths = [`groups/${PATH}`, `shards/0/records?from=group:${PATH}`, `events?from=group:${PATH}`];
    for (const path of paths)
      expect(await rest.call('GET', `/v1/streams/${stream.name}/${path}`)).toMatchObject(problem);
    await commit(stream, 0, 2n, '0123456789abcdefghijkA');
    for (const path of paths)
      expect(await rest.call('GET', `/v1/streams/${stream.name}/${path}`)).toMatchObject(problem);
    expect(await rest.call('GET', `/v1/streams/nothing/groups/${PATH}`)).toMatchObject({
      status: 404,
      body: { code: 'streamNotFound' },
    });
  });

  it('is refused for what is no group id, and beyond the end of the log', async () => {
    const stream = await splitStream();
    expect((await rest.call('GET', `/v1/streams/${stream.name}/events?from=group:`)).status).toBe(400);
    expect((await rest.call('GET', `/v1/streams/${stream.name}/groups/${'x'.repeat(641)}`)).status).toBe(400);
    await commit(stream, 0, 99n);
    expect(await rest.call('GET', `/v1/streams/${stream.name}/shards/1/records?from=group:${PATH}`)).toMatchObject({
      status: 400,
      body: { code: 'offsetOutOfRange' },
    });
  });
});
