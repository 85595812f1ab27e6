import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, uniqueName } from '@tailrace/testkit';
import { startTestTracing, type TestSpan, type TestTracing } from '@tailrace/telemetry/testing';
import type { KafkaMessage } from 'kafkajs';
import type { BothDoors } from './both-doors.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const CALLER_SPAN_ID = 'b7ad6b7169203331';
const SHARD_ID = 'shardId-000000000000';
const LINKS_MAX = 64;
const GROUP_PATIENCE_MS = 20_000;

const spanId: unknown = expect.stringMatching(/^[0-9a-f]{16}$/);
const count: unknown = expect.any(Number);

export interface Engine {
  readonly name: 'embedded' | 'redis';
  open(): Promise<BothDoors>;
  /** Spans of the store below an append, with their names; `under` is the span id of the append. */
  storeSpans(under: string): readonly object[];
}

/** What is promised about traces, for whichever engine holds the log. */
export function describeTraces(engine: Engine): void {
  describe(`a trace through the doors, on the ${engine.name} engine`, () => {
    let doors: BothDoors;
    let collector: TestTracing;
    let stream: string;

    beforeAll(async () => {
      doors = await engine.open();
    });
    afterAll(() => doors.close());
    beforeEach(async () => {
      stream = uniqueName('trace');
      await doors.aws('CreateStream', { StreamName: stream, ShardCount: 1 });
      await eventually(async () => {
        const { StreamDescriptionSummary } = await doors.aws<{ StreamDescriptionSummary: { StreamStatus: string } }>(
          'DescribeStreamSummary',
          { StreamName: stream },
        );
        return StreamDescriptionSummary.StreamStatus === 'ACTIVE';
      });
      collector = await startTestTracing();
    });
    afterEach(() => collector.stop());

    const putRecord = (headers: Readonly<Record<string, string>>, data = 'one') =>
      doors.aws(
        'PutRecord',
        { StreamName: stream, PartitionKey: 'key', Data: Buffer.from(data).toString('base64') },
        headers,
      );

    async function getRecords(): Promise<unknown[]> {
      const { ShardIterator } = await doors.aws<{ ShardIterator: string }>('GetShardIterator', {
        StreamName: stream,
        ShardId: SHARD_ID,
        ShardIteratorType: 'TRIM_HORIZON',
      });
      return (await doors.aws<{ Records: unknown[] }>('GetRecords', { ShardIterator })).Records;
    }

    /** Reads the stream from the beginning with a consumer group of its own. */
    async function consume(messageCount: number): Promise<KafkaMessage[]> {
      const messages: KafkaMessage[] = [];
      const consumer = doors.kafka.consumer({ groupId: uniqueName('group'), maxWaitTimeInMs: 100 });
      await consumer.connect();
      await consumer.subscribe({ topic: stream, fromBeginning: true });
      await consumer.run({ eachMessage: ({ message }) => Promise.resolve(void messages.push(message)) });
      await eventually(() => messages.length >= messageCount, { timeoutMs: GROUP_PATIENCE_MS });
      await consumer.disconnect();
      return messages;
    }

    /** The spans of one trace, oldest end first, once the one with this name has ended. */
    async function traceWith(name: string, find = (span: TestSpan) => span.name === name): Promise<TestSpan[]> {
      return eventually(() => {
        const spans = collector.spans();
        const found = spans.find((span) => span.name === name && find(span));
        if (found === undefined) throw new Error(`no ${name} among ${spans.map((span) => span.name).join(', ')}`);
        return spans.filter(({ traceId }) => traceId === found.traceId);
      });
    }

    const headersOf = ({ headers = {} }: KafkaMessage) =>
      Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));

    const httpAttributes = (operation: string): object => ({
      'http.request.method': 'POST',
      'url.path': '/',
      'url.scheme': 'http',
      'network.protocol.name': 'http',
      'network.protocol.version': '1.1',
      'client.address': '127.0.0.1',
      'user_agent.original': 'node',
      'rpc.system.name': 'aws-api',
      'rpc.method': `Kinesis/${operation}`,
      'aws.request_id': expect.stringMatching(/^[0-9a-f-]{36}$/),
      'aws.kinesis.stream_name': stream,
      'messaging.system.name': 'aws.kinesis',
      'messaging.operation.name': operation,
      'messaging.destination.name': stream,
      'messaging.destination.partition.id': SHARD_ID,
      'http.response.status_code': 200,
    });
    const kafkaAttributes = (api: string): object => ({
      'rpc.system.name': 'kafka',
      'rpc.method': api,
      'tailrace.kafka.api_version': count,
      'messaging.client.id': 'spec',
      'server.address': '127.0.0.1',
      'server.port': doors.kafkaPort,
      'client.address': '127.0.0.1',
      'client.port': count,
      'messaging.system.name': 'kafka',
      'messaging.operation.name': api,
      'messaging.destination.name': stream,
      'messaging.destination.partition.id': '0',
      'kafka.offset': 0,
    });
    const logSpan = (operation: 'append' | 'read', attributes: object) => ({
      name: `${operation} ${stream}`,
      kind: 'internal',
      spanId,
      attributes: {
        'tailrace.log.operation': operation,
        'tailrace.engine': engine.name,
        'messaging.destination.name': stream,
        'messaging.destination.partition.id': SHARD_ID,
        ...attributes,
      },
      links: [],
      error: undefined,
    });

    it('runs from an HTTP caller through append to the Kafka consumer that gets the record', async () => {
      await putRecord({ traceparent: `00-${TRACE_ID}-${CALLER_SPAN_ID}-01`, tracestate: 'vendor=1' });
      const written = await traceWith('Kinesis.PutRecord');
      const put = written.at(-1) as TestSpan;
      const append = written.at(-2) as TestSpan;
      expect(written).toEqual([
        ...engine.storeSpans(append.spanId).map((span) => ({ ...span, traceId: TRACE_ID })),
        {
          ...logSpan('append', {
            'messaging.batch.message_count': 1,
            'tailrace.log.bytes': count,
            'tailrace.log.group_size': 1,
          }),
          traceId: TRACE_ID,
          parentSpanId: put.spanId,
        },
        {
          name: 'Kinesis.PutRecord',
          kind: 'server',
          traceId: TRACE_ID,
          spanId,
          parentSpanId: CALLER_SPAN_ID,
          attributes: { ...httpAttributes('PutRecord'), 'messaging.operation.type': 'send' },
          links: [],
          error: undefined,
        },
      ]);

      const messages = await consume(1);
      const traceparent = `00-${TRACE_ID}-${put.spanId}-01`;
      expect(messages.map(headersOf)).toEqual([{ traceparent, tracestate: 'vendor=1' }]);

      const read = await traceWith(`Fetch ${stream}`);
      const fetch = read.at(-1) as TestSpan;
      const { traceId } = fetch;
      expect(read).toEqual([
        { ...logSpan('read', { 'tailrace.log.bytes': count }), traceId, parentSpanId: fetch.spanId },
        {
          name: `Fetch ${stream}`,
          kind: 'server',
          traceId: expect.not.stringMatching(TRACE_ID),
          spanId,
          parentSpanId: undefined,
          attributes: { ...kafkaAttributes('Fetch'), 'messaging.operation.type': 'receive' },
          links: [`${TRACE_ID}-${put.spanId}`],
          error: undefined,
        },
      ]);
    });

    it("leaves a Kafka producer's own context as it is; what writes and what reads it link there", async () => {
      const traceparent = `00-${TRACE_ID}-${CALLER_SPAN_ID}-01`;
      const producer = doors.kafka.producer();
      await producer.connect();
      await producer.send({ topic: stream, messages: [{ key: 'k', value: 'v', headers: { traceparent, mine: 'x' } }] });
      await producer.disconnect();
      const links = [`${TRACE_ID}-${CALLER_SPAN_ID}`];

      const written = await traceWith(`Produce ${stream}`);
      const produce = written.at(-1) as TestSpan;
      const append = written.at(-2) as TestSpan;
      const { traceId } = produce;
      expect(written).toEqual([
        ...engine.storeSpans(append.spanId).map((span) => ({ ...span, traceId })),
        {
          ...logSpan('append', { 'messaging.batch.message_count': 1, 'tailrace.log.bytes': count }),
          traceId,
          parentSpanId: produce.spanId,
        },
        {
          name: `Produce ${stream}`,
          kind: 'server',
          traceId: expect.not.stringMatching(TRACE_ID),
          spanId,
          parentSpanId: undefined,
          attributes: { ...kafkaAttributes('Produce'), 'messaging.operation.type': 'send' },
          links,
          error: undefined,
        },
      ]);

      expect((await consume(1)).map(headersOf)).toEqual([{ traceparent, mine: 'x' }]);
      const fetched = await traceWith(`Fetch ${stream}`);
      expect(fetched.at(-1)?.links).toEqual(links);

      expect(await getRecords()).toHaveLength(1);
      const got = await traceWith('Kinesis.GetRecords');
      const get = got.at(-1) as TestSpan;
      expect(got).toEqual([
        { ...logSpan('read', {}), traceId: get.traceId, parentSpanId: get.spanId },
        {
          name: 'Kinesis.GetRecords',
          kind: 'server',
          traceId: expect.not.stringMatching(TRACE_ID),
          spanId,
          parentSpanId: undefined,
          attributes: {
            ...httpAttributes('GetRecords'),
            'messaging.operation.type': 'receive',
            'messaging.batch.message_count': 1,
          },
          links,
          error: undefined,
        },
      ]);

      const answer = await globalThis.fetch(`${doors.httpUrl}/v1/streams/${stream}/shards/${SHARD_ID}/records`);
      expect(answer.status).toBe(200);
      const route = '/v1/streams/{stream}/shards/{shardId}/records';
      const page = await traceWith(`GET ${route}`);
      expect(page.map(({ name, links: to }) => [name, to])).toEqual([
        [`read ${stream}`, []],
        [`GET ${route}`, links],
      ]);
    });

    it('leaves the context that a REST caller gives a record itself as it is', async () => {
      const traceparent = `00-${TRACE_ID}-${CALLER_SPAN_ID}-01`;
      const send = (record: object) =>
        globalThis.fetch(`${doors.httpUrl}/v1/streams/${stream}/records`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', tracestate: 'ours=1' },
          body: JSON.stringify(record),
        });
      const own = { data: 'own', headers: [{ name: 'traceparent', value: traceparent }] };
      expect([(await send(own)).status, (await send({ data: 'none' })).status]).toEqual([201, 201]);
      const posts = await eventually(() => {
        const found = collector.spans().filter(({ name }) => name === 'POST /v1/streams/{stream}/records');
        expect(found).toHaveLength(2);
        return found;
      });
      const [, second] = posts.map((post) => `00-${post.traceId}-${post.spanId}-01`);
      expect((await consume(2)).map(headersOf)).toEqual([{ traceparent }, { traceparent: second }]);
    });

    it('links to a bounded number of traces, and to each once', async () => {
      const contexts = Array.from({ length: 2 * LINKS_MAX }, (_, i) => (i + 1).toString(16).padStart(16, '0'));
      const messages = [...contexts, ...contexts].map((id) => ({
        value: 'v',
        headers: { traceparent: `00-${TRACE_ID}-${id}-01` },
      }));
      const producer = doors.kafka.producer();
      await producer.connect();
      await producer.send({ topic: stream, messages });
      await producer.disconnect();
      const links = contexts.slice(0, LINKS_MAX).map((id) => `${TRACE_ID}-${id}`);
      expect((await traceWith(`Produce ${stream}`)).at(-1)?.links).toEqual(links);
      expect(await getRecords()).toHaveLength(messages.length);
      expect((await traceWith('Kinesis.GetRecords')).at(-1)?.links).toEqual(links);
      expect(await consume(messages.length)).toHaveLength(messages.length);
      expect((await traceWith(`Fetch ${stream}`)).at(-1)?.links).toEqual(links);
    });

    it('shows every request whose records travelled in one append: as parent, or by a link', async () => {
      const requests = 20;
      await Promise.all(Array.from({ length: requests }, (_, i) => putRecord({}, `record ${i}`)));
      const puts = await eventually(() => {
        const found = collector.spans().filter(({ name }) => name === 'Kinesis.PutRecord');
        expect(found).toHaveLength(requests);
        return found;
      });
      const appends = collector.spans().filter(({ name }) => name === `append ${stream}`);
      const shown = appends.flatMap(({ traceId, parentSpanId, links }) => [`${traceId}-${parentSpanId}`, ...links]);
      expect(shown.sort()).toEqual(puts.map((put) => `${put.traceId}-${put.spanId}`).sort());
      expect(appends.map(({ attributes }) => attributes['tailrace.log.group_size'])).toEqual(
        appends.map(({ links }) => links.length + 1),
      );
    });

    it("keeps to a caller's decision not to sample: no spans, and the record says so", async () => {
      await putRecord({ traceparent: `00-${TRACE_ID}-${CALLER_SPAN_ID}-00` });
      const [message] = await consume(1);
      expect(headersOf(message as KafkaMessage)).toEqual({
        traceparent: expect.stringMatching(new RegExp(`^00-${TRACE_ID}-[0-9a-f]{16}-00$`)),
      });
      expect(headersOf(message as KafkaMessage)['traceparent']).not.toContain(CALLER_SPAN_ID);
      await traceWith(`Fetch ${stream}`);
      expect(collector.spans().filter(({ traceId }) => traceId === TRACE_ID)).toEqual([]);
    });

    it('adds nothing while tracing is off, and passes on nothing that it would not be part of', async () => {
      await collector.stop();
      await putRecord({ traceparent: `00-${TRACE_ID}-${CALLER_SPAN_ID}-01` });
      expect((await consume(1)).map(headersOf)).toEqual([{}]);
      expect(collector.spans()).toEqual([]);
    });
  });
}
