import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { StoreUnavailable } from '@tailrace/shard-core';
import { ACCOUNT, awsError, awsHarness } from '../../test/aws-harness.ts';
import { OPERATION_NAMES } from './operation-names.ts';
import { notImplemented, operations } from './operations/index.ts';

const JSON_TYPE = 'application/x-amz-json-1.1';
const CBOR_TYPE = 'application/x-amz-cbor-1.1';
const target = (operation: string) => `Kinesis_20131202.${operation}`;
const undetermined = {
  statusCode: 403,
  contentType: undefined,
  body:
    '<AccessDeniedException>\n' +
    '  <Message>Unable to determine service/operation name to be authorized</Message>\n' +
    '</AccessDeniedException>\n',
};
const bare = (type: string) => ({ statusCode: 400, contentType: JSON_TYPE, body: { __type: type } });
const bareCbor = (type: string) => ({ ...bare(type), contentType: CBOR_TYPE });
const plainJson = (Output: object) => ({
  statusCode: 200,
  contentType: 'application/json',
  body: { Output, Version: '1.0' },
});

describe('AwsProtocol', () => {
  it.each([
    ['a GET', { method: 'GET', body: '' }, undetermined],
    ['no content type', { body: '{}' }, undetermined],
    ['no content type and no body', { body: '' }, bareCbor('UnknownOperationException')],
    [
      'another version of JSON',
      { headers: { 'content-type': 'application/x-amz-json-1.0' }, body: '{}' },
      undetermined,
    ],
    [
      'a target without a content type',
      { headers: { 'x-amz-target': target('ListStreams') }, body: '{}' },
      { statusCode: 404, contentType: undefined, body: '<UnknownOperationException/>\n' },
    ],
    ['no target', { headers: { 'content-type': JSON_TYPE }, body: '{}' }, bare('UnknownOperationException')],
    ['no target and no body', { headers: { 'content-type': JSON_TYPE }, body: '' }, bare('UnknownOperationException')],
    [
      'an operation that no model has',
      { headers: { 'content-type': JSON_TYPE, 'x-amz-target': target('ListStream') }, body: '{}' },
      bare('UnknownOperationException'),
    ],
    [
      'another service',
      { headers: { 'content-type': JSON_TYPE, 'x-amz-target': 'DynamoDB_20120810.ListTables' }, body: '{}' },
      bare('UnknownOperationException'),
    ],
    [
      'plain JSON as the content type',
      { headers: { 'content-type': 'application/json', 'x-amz-target': target('ListStreams') }, body: '{}' },
      plainJson({ __type: 'com.amazon.coral.service#UnknownOperationException', message: null }),
    ],
    [
      'plain JSON as the content type of what is none',
      { headers: { 'content-type': 'application/json', 'x-amz-target': target('ListStreams') }, body: '{' },
      plainJson({ __type: 'com.amazon.coral.service#SerializationException', Message: null }),
    ],
    [
      'no body',
      { headers: { 'content-type': JSON_TYPE, 'x-amz-target': target('ListStreams') }, body: '' },
      bare('SerializationException'),
    ],
    ...['hello', '[]', '"text"', '3', 'null', '{"a":', '{}x'].map(
      (body) =>
        [
          `the body ${body}`,
          { headers: { 'content-type': JSON_TYPE, 'x-amz-target': target('ListStreams') }, body },
          bare('SerializationException'),
        ] as const,
    ),
    [
      'no body of CBOR',
      { headers: { 'content-type': CBOR_TYPE, 'x-amz-target': target('ListStreams') }, body: '' },
      bareCbor('SerializationException'),
    ],
    ...[Buffer.from('hello'), Buffer.from('f6', 'hex'), Buffer.from('bf', 'hex'), Buffer.from('a000', 'hex')].map(
      (body) =>
        [
          `the CBOR ${body.toString('hex')}`,
          { headers: { 'content-type': CBOR_TYPE, 'x-amz-target': target('ListStreams') }, body },
          bareCbor('SerializationException'),
        ] as const,
    ),
    [
      'CBOR without a target',
      { headers: { 'content-type': CBOR_TYPE }, body: Buffer.from('a0', 'hex') },
      bareCbor('UnknownOperationException'),
    ],
    [
      'an operation of the model that is not there',
      { headers: { 'content-type': JSON_TYPE, 'x-amz-target': target('CreateQueue') }, body: '{}' },
      awsError('UnknownOperationException', 'The operation CreateQueue is not implemented by this service.'),
    ],
  ] as const)('answers %s as the service does', async (_what, request, answer) => {
    const { send } = await awsHarness();
    expect(await send(request)).toEqual(answer);
  });

  it('takes a content type with a parameter', async () => {
    const { send } = await awsHarness();
    const answer = await send({
      headers: { 'content-type': `${JSON_TYPE}; charset=utf-8`, 'x-amz-target': target('ListStreams') },
      body: '{}',
    });
    expect(answer).toEqual({
      statusCode: 200,
      contentType: JSON_TYPE,
      body: { StreamNames: [], HasMoreStreams: false, StreamSummaries: [] },
    });
  });

  it.each([JSON_TYPE, CBOR_TYPE])('answers a request of %s in the same form', async (contentType) => {
    const { callAs } = await awsHarness();
    expect(await callAs(contentType, 'DescribeStream', { StreamName: 's' })).toEqual({
      ...awsError('ResourceNotFoundException', `Stream s under account ${ACCOUNT} not found.`),
      contentType,
    });
    expect(await callAs(contentType, 'CreateStream', { StreamName: 's', ShardCount: 1 })).toEqual({
      statusCode: 200,
      contentType,
      body: '',
    });
  });

  it('takes account and region from the credentials, whoever has signed', async () => {
    const { send } = await awsHarness();
    const request = (operation: string, body: object) =>
      send({
        headers: {
          'content-type': JSON_TYPE,
          'x-amz-target': target(operation),
          authorization:
            'AWS4-HMAC-SHA256 Credential=123456789012/20261123/eu-north-1/kinesis/aws4_request, SignedHeaders=host, Signature=ab',
        },
        body: JSON.stringify(body),
      });
    await request('CreateStream', { StreamName: 'here', ShardCount: 1 });
    const summary = await request('DescribeStreamSummary', { StreamName: 'here' });
    expect(summary.body).toMatchObject({
      StreamDescriptionSummary: { StreamARN: 'arn:aws:kinesis:eu-north-1:123456789012:stream/here' },
    });
    expect(await request('DeleteStream', { StreamName: 'gone' })).toEqual(
      awsError('ResourceNotFoundException', 'Stream gone under account 123456789012 not found.'),
    );
  });

  it('finds a stream by its ARN alone', async () => {
    const { call, ok } = await awsHarness();
    await call('CreateStream', { StreamName: 'named', ShardCount: 1 });
    const StreamARN = 'arn:aws:kinesis:us-west-2:111122223333:stream/named';
    expect(await ok('DescribeStreamSummary', { StreamARN })).toMatchObject({
      StreamDescriptionSummary: { StreamName: 'named', StreamARN },
    });
    expect(await call('DescribeStreamSummary', { StreamARN, StreamName: 'other' })).toEqual(
      awsError('InvalidArgumentException', `StreamName other and StreamARN ${StreamARN} name different streams.`),
    );
  });

  it('answers a failing store with a retryable 500 that tells nothing of the inside', async () => {
    const { call, store } = await awsHarness();
    await call('CreateStream', { StreamName: 's', ShardCount: 1 });
    store.log.bounds = () => Promise.reject(new StoreUnavailable('disk full on /secret/path'));
    const position = { StreamName: 's', ShardId: 'shardId-0', ShardIteratorType: 'LATEST' };
    expect(await call('GetShardIterator', position)).toEqual(
      awsError('InternalFailure', 'Internal service failure.', 500),
    );
  });

  it('keeps characters beyond ASCII whole in error texts', async () => {
    const { call } = await awsHarness();
    expect(await call('DescribeStream', { StreamName: 'Ströme' })).toEqual(
      awsError(
        'ValidationException',
        "1 validation error detected: Value 'Ströme' at 'streamName' failed to satisfy constraint: " +
          'Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+',
      ),
    );
    expect(ACCOUNT).toHaveLength(12);
  });
});

describe('the index of operations', () => {
  it('has a file or an admission for every name', () => {
    expect(Object.keys(operations)).toEqual([...OPERATION_NAMES]);
    const missing = Object.entries(operations).filter(([, entry]) => entry === notImplemented);
    // All of those on streams and consumers are there; the others are on channels and queues.
    expect(missing.map(([name]) => name).filter((name) => !/Channel|Queue/.test(name))).toEqual([]);
  });

  it('gives each operation under its own name', () => {
    for (const [name, entry] of Object.entries(operations)) {
      if (entry !== notImplemented) expect(entry.name).toBe(name);
    }
  });

  const model = new URL('../../../../../shared/aws-models/kinesis.service-2.json', import.meta.url);
  (existsSync(model) ? it : it.skip)('names exactly the operations of the service model', () => {
    const { operations: inModel } = JSON.parse(readFileSync(model, 'utf8')) as { operations: object };
    expect([...OPERATION_NAMES]).toEqual(Object.keys(inModel).sort());
  });
});
