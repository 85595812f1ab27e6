import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { uniqueName } from '@tailrace/testkit';
import { restOperations } from '../src/rest/operation-index.ts';
import { MemoryStore } from './rest-memory-store.ts';
import { type Answered, type RestService, startRestService } from './rest-service.ts';

type Json = Record<string, Answered>;

let service: RestService;
let document: Json;

beforeAll(async () => {
  service = await startRestService(new MemoryStore());
  document = (await service.call('GET', '/openapi.json')).body;
});
afterAll(() => service.close());

/** A validator for one schema of the document, with the components that it refers to. */
function validator(schema: Json) {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  return ajv.compile({ ...schema, components: document['components'] });
}

function operations(): [string, string, Json][] {
  return Object.entries(document['paths'] as Record<string, Json>).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]): [string, string, Json] => [path, method, operation as Json]),
  );
}

describe('the OpenAPI document', () => {
  it('is of version 3.1 and says where the service is', () => {
    expect(document).toMatchObject({
      openapi: expect.stringMatching(/^3\.1\.\d+$/),
      info: { title: 'Tailrace REST API', version: '0.0.0-test', license: { identifier: 'Apache-2.0' } },
      servers: [{ url: service.origin }],
    });
  });

  it('lists every operation, each once', () => {
    expect(
      operations()
        .map(([path, method, { operationId }]) => [path, method, operationId])
        .sort(),
    ).toEqual(restOperations.map(({ route, method, id }) => [route, method, id]).sort());
  });

  it('declares every parameter of a path, and answers that have a description', () => {
    const tags = new Set((document['tags'] as Json[]).map(({ name }) => name as string));
    for (const [path, , operation] of operations()) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const parameters = (operation['parameters'] ?? []) as Json[];
      const declared = parameters.filter((parameter) => parameter['in'] === 'path');
      expect(declared.map(({ name }) => name).sort()).toEqual(inPath.sort());
      for (const parameter of declared) expect(parameter).toMatchObject({ required: true, schema: { type: 'string' } });
      for (const tag of operation['tags']) expect(tags).toContain(tag);
      for (const [status, response] of Object.entries(operation['responses'] as Record<string, Json>)) {
        expect(status).toMatch(/^[1-5]\d\d$/);
        expect(response).toMatchObject({ description: expect.stringMatching(/./) });
      }
    }
  });

  it('has only references that lead somewhere, and schemas that are schemas', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference);
    expect(references.length).toBeGreaterThan(10);
    for (const reference of references) {
      const name = /^#\/components\/schemas\/(\w+)$/.exec(reference as string)?.[1];
      expect(Object.keys(document['components'].schemas)).toContain(name);
    }
    for (const schema of Object.values(document['components'].schemas as Record<string, Json>)) validator(schema);
    for (const [, , operation] of operations()) {
      for (const { schema } of (operation['parameters'] ?? []) as Json[]) validator(schema as Json);
    }
  });

  it('describes what the service really answers', async () => {
    const name = uniqueName('openapi');
    const calls: [string, string, string, unknown?][] = [
      ['/v1/streams', 'post', '/v1/streams', { name, shards: 2 }],
      ['/v1/streams', 'get', '/v1/streams?limit=1'],
      ['/v1/streams/{stream}', 'get', `/v1/streams/${name}`],
      ['/v1/streams/{stream}/records', 'post', `/v1/streams/${name}/records`, { partitionKey: 'k', json: [1] }],
      [
        '/v1/streams/{stream}/records',
        'post',
        `/v1/streams/${name}/records`,
        { records: [{ data: null, headers: { a: 'b' } }] },
      ],
      ['/v1/streams/{stream}/shards/{shardId}/records', 'get', `/v1/streams/${name}/shards/0/records?as=json`],
      ['/v1/streams/{stream}/shards/{shardId}/records', 'get', `/v1/streams/${name}/shards/1/records`],
      ['/health/ready', 'get', '/health/ready'],
      ['/health/live', 'get', '/health/live'],
      ['/v1/streams/{stream}', 'get', '/v1/streams/none'],
      ['/v1/streams', 'post', '/v1/streams', { name: '' }],
    ];
    for (const [path, method, url, body] of calls) {
      const answer = await service.call(method.toUpperCase(), url, body);
      const operation = document['paths'][path][method] as Json;
      if (body !== undefined && answer.status < 300) {
        const request = validator(operation['requestBody'].content['application/json'].schema as Json);
        expect([url, request(body), request.errors]).toEqual([url, true, null]);
      }
      const response = operation['responses'][String(answer.status)] as Json;
      const mediaType = answer.headers.get('content-type')!.split(';')[0]!;
      const validate = validator(response['content'][mediaType].schema as Json);
      expect([url, validate(answer.body), validate.errors]).toEqual([url, true, null]);
    }
  });

  it('refuses by its schemas what the service refuses', () => {
    const request = validator(document['paths']['/v1/streams'].post.requestBody.content['application/json'].schema);
    for (const body of [{}, { name: 'a b', shards: 1 }, { name: 'a', shards: 0 }, { name: 'a', shards: 1, x: 1 }]) {
      expect([body, request(body)]).toEqual([body, false]);
    }
    expect(request({ name: 'a', shards: 1 })).toBe(true);
  });
});
