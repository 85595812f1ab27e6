import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  endHttpSpan,
  setHttpAnswer,
  setHttpRoute,
  setHttpTransfer,
  startHttpSpan,
  withHttpSpan,
} from './http-border.ts';
import type { HttpRequestFacts } from './http-border.ts';
import { startTestTracing } from './testing/index.ts';
import type { TestTracing } from './testing/index.ts';
import { linksFrom } from './trace-parent.ts';
import { offSpan } from './tracing.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';
const putRecords: HttpRequestFacts = {
  method: 'POST',
  path: '/',
  headers: { traceparent: `00-${traceId}-${spanId}-01`, 'user-agent': 'aws-sdk-js/3' },
  protocolVersion: '2',
  scheme: 'http',
  awsOperation: 'PutRecords',
  requestId: 'r-1',
  serverAddress: '127.0.0.1',
  serverPort: 4567,
  clientAddress: '127.0.0.9',
  clientPort: 50000,
};
const rest: HttpRequestFacts = {
  method: 'GET',
  path: '/v1/streams/orders',
  headers: {},
  protocolVersion: '1.1',
  scheme: 'https',
};
const restAttributes = {
  'http.request.method': 'GET',
  'url.path': '/v1/streams/orders',
  'url.scheme': 'https',
  'network.protocol.name': 'http',
  'network.protocol.version': '1.1',
};

describe('the HTTP border', () => {
  let collector: TestTracing;
  beforeEach(async () => {
    collector = await startTestTracing();
  });
  afterEach(() => collector.stop());

  it("shows an operation of the AWS protocol, what it moved and its answer, under the caller's span", async () => {
    await withHttpSpan(putRecords, async (span) => {
      setHttpTransfer(span, 'PutRecords', { type: 'send', stream: 'orders', recordCount: 500 });
      setHttpAnswer(span, 200);
    });
    expect(collector.spans()).toEqual([
      {
        name: 'Kinesis.PutRecords',
        kind: 'server',
        traceId,
        spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
        parentSpanId: spanId,
        attributes: {
          'http.request.method': 'POST',
          'url.path': '/',
          'url.scheme': 'http',
          'network.protocol.name': 'http',
          'network.protocol.version': '2',
          'rpc.system.name': 'aws-api',
          'rpc.method': 'Kinesis/PutRecords',
          'aws.request_id': 'r-1',
          'aws.kinesis.stream_name': 'orders',
          'server.address': '127.0.0.1',
          'server.port': 4567,
          'client.address': '127.0.0.9',
          'client.port': 50000,
          'user_agent.original': 'aws-sdk-js/3',
          'messaging.system.name': 'aws.kinesis',
          'messaging.operation.name': 'PutRecords',
          'messaging.operation.type': 'send',
          'messaging.destination.name': 'orders',
          'messaging.batch.message_count': 500,
          'http.response.status_code': 200,
        },
        links: [],
        error: undefined,
      },
    ]);
  });

  it('names a REST request by its route, known before or later, and never by its path', () => {
    endHttpSpan(startHttpSpan({ ...rest, route: '/v1/streams/:stream' }), 200);
    const later = startHttpSpan(rest);
    setHttpRoute(later, 'GET', '/v1/streams/:stream');
    endHttpSpan(later, 200);
    endHttpSpan(startHttpSpan(rest), 404);
    const routed = { ...restAttributes, 'http.route': '/v1/streams/:stream', 'http.response.status_code': 200 };
    expect(collector.spans().map(({ name, attributes }) => [name, attributes])).toEqual([
      ['GET /v1/streams/:stream', routed],
      ['GET /v1/streams/:stream', routed],
      ['GET', { ...restAttributes, 'http.response.status_code': 404 }],
    ]);
  });

  it('calls an invented method HTTP', () => {
    endHttpSpan(startHttpSpan({ ...rest, method: 'BREW' }), 400);
    expect(collector.spans().map(({ name, attributes }) => [name, attributes])).toEqual([
      [
        'HTTP',
        {
          ...restAttributes,
          'http.request.method': '_OTHER',
          'http.request.method_original': 'BREW',
          'http.response.status_code': 400,
        },
      ],
    ]);
  });

  it.each([
    [400, 'ResourceNotFoundException', { 'rpc.status_code': 'ResourceNotFoundException' }, undefined],
    [500, 'InternalFailure', { 'rpc.status_code': 'InternalFailure', 'error.type': 'InternalFailure' }, ''],
    [503, undefined, { 'error.type': '503' }, ''],
  ])('marks %p %p as what it is', (statusCode, errorCode, expected, error) => {
    endHttpSpan(startHttpSpan(rest), statusCode, errorCode);
    expect(collector.spans().map((span) => [span.attributes, span.error])).toEqual([
      [{ ...restAttributes, 'http.response.status_code': statusCode, ...expected }, error],
    ]);
  });

  it('links a read to what it returns', () => {
    const span = startHttpSpan({ ...rest, route: '/v1/streams/:stream/records' });
    const links = linksFrom([`00-${traceId}-${spanId}-01`]);
    setHttpTransfer(span, 'GetRecords', {
      type: 'receive',
      stream: 'orders',
      shardId: 'shardId-000000000000',
      recordCount: 1,
      links,
    });
    endHttpSpan(span, 200);
    const [seen] = collector.spans();
    expect([seen?.links, seen?.attributes['messaging.destination.partition.id']]).toEqual([
      [`${traceId}-${spanId}`],
      'shardId-000000000000',
    ]);
  });

  it('begins a trace of its own where the caller sent no legal context', () => {
    endHttpSpan(startHttpSpan({ ...rest, headers: { traceparent: 'garbage' } }), 200);
    expect(collector.spans().map(({ parentSpanId }) => parentSpanId)).toEqual([undefined]);
  });

  it('is a plain call while tracing is off', async () => {
    await collector.stop();
    expect(withHttpSpan(putRecords, (span) => span)).toBe(offSpan);
    expect(startHttpSpan(putRecords)).toBe(offSpan);
    endHttpSpan(offSpan, 200);
  });
});
