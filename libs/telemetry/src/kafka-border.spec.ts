import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { setKafkaError, setKafkaTransfer, startKafkaSpan, withKafkaSpan } from './kafka-border.ts';
import type { KafkaRequestFacts } from './kafka-border.ts';
import { startTestTracing } from './testing/index.ts';
import type { TestTracing } from './testing/index.ts';
import { linksFrom } from './trace-parent.ts';
import { offSpan } from './tracing.ts';

const facts = (api: string): KafkaRequestFacts => ({
  api,
  apiVersion: 9,
  clientId: 'app-1',
  serverAddress: '127.0.0.1',
  serverPort: 9092,
});
const common = (api: string) => ({
  'rpc.system.name': 'kafka',
  'rpc.method': api,
  'tailrace.kafka.api_version': 9,
  'messaging.client.id': 'app-1',
  'server.address': '127.0.0.1',
  'server.port': 9092,
});

describe('the Kafka border', () => {
  let collector: TestTracing;
  beforeEach(async () => {
    collector = await startTestTracing();
  });
  afterEach(() => collector.stop());

  it('shows a Produce to one partition', async () => {
    await withKafkaSpan(facts('Produce'), async (span) => {
      setKafkaTransfer(span, 'Produce', { type: 'send', topic: 'orders', partition: 3, offset: 42n, recordCount: 7 });
    });
    expect(collector.spans()).toEqual([
      {
        name: 'Produce orders',
        kind: 'server',
        traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
        spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
        parentSpanId: undefined,
        attributes: {
          ...common('Produce'),
          'messaging.system.name': 'kafka',
          'messaging.operation.name': 'Produce',
          'messaging.operation.type': 'send',
          'messaging.destination.name': 'orders',
          'messaging.destination.partition.id': '3',
          'kafka.offset': 42,
          'messaging.batch.message_count': 7,
        },
        links: [],
        error: undefined,
      },
    ]);
  });

  it('shows a Fetch over several topics, linked to what it returns', async () => {
    const producer = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    withKafkaSpan(facts('Fetch'), (span) => {
      setKafkaTransfer(span, 'Fetch', { type: 'receive', recordCount: 10, group: 'g', links: linksFrom([producer]) });
    });
    const [seen] = collector.spans();
    expect([seen?.name, seen?.attributes, seen?.links]).toEqual([
      'Fetch',
      {
        ...common('Fetch'),
        'messaging.system.name': 'kafka',
        'messaging.operation.name': 'Fetch',
        'messaging.operation.type': 'receive',
        'messaging.batch.message_count': 10,
        'messaging.consumer.group.name': 'g',
      },
      ['0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331'],
    ]);
  });

  it('shows any other request as the call it is', () => {
    const span = startKafkaSpan({ api: 'JoinGroup', apiVersion: 5, clientId: null });
    setKafkaError(span, 'NONE');
    span.end();
    expect(collector.spans().map(({ name, attributes, error }) => [name, attributes, error])).toEqual([
      [
        'JoinGroup',
        { 'rpc.system.name': 'kafka', 'rpc.method': 'JoinGroup', 'tailrace.kafka.api_version': 5 },
        undefined,
      ],
    ]);
  });

  it('notes the error code of an answer', () => {
    withKafkaSpan(facts('Produce'), (span) => setKafkaError(span, 'NOT_LEADER_OR_FOLLOWER'));
    expect(collector.spans().map(({ attributes, error }) => [attributes, error])).toEqual([
      [
        { ...common('Produce'), 'rpc.status_code': 'NOT_LEADER_OR_FOLLOWER', 'error.type': 'NOT_LEADER_OR_FOLLOWER' },
        'NOT_LEADER_OR_FOLLOWER',
      ],
    ]);
  });

  it.each(['Heartbeat', 'ApiVersions'])('opens none for %s', (api) => {
    expect(startKafkaSpan(facts(api))).toBe(offSpan);
    expect(withKafkaSpan(facts(api), (span) => span)).toBe(offSpan);
  });

  it('is a plain call while tracing is off', async () => {
    await collector.stop();
    expect(withKafkaSpan(facts('Produce'), (span) => span)).toBe(offSpan);
  });
});
