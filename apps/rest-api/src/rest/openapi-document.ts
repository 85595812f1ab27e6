import { z } from 'zod';
import { PROBLEM_MEDIA_TYPE } from './problem.ts';
import type { ContentFacts, RestOperation } from './operation.ts';

/** RFC 9457, with what we add. */
export const problemSchema = z
  .looseObject({
    type: z.string().meta({ format: 'uri', description: '`urn:tailrace:problem:` and the code with dashes.' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().optional(),
    code: z.string().meta({ description: 'For programs; does not change.' }),
    retryable: z.boolean().meta({ description: 'The same request may succeed later.' }),
    errors: z
      .array(
        z.strictObject({
          pointer: z.string().meta({ description: 'JSON pointer into the body, `?name` or `{name}`.' }),
          message: z.string(),
        }),
      )
      .optional(),
  })
  .meta({ id: 'Problem' });

const problemTexts: Readonly<Record<number, string>> = {
  400: 'Something in the request is wrong; `errors` says where.',
  404: 'There is no such stream or shard.',
  409: 'It is there already, or being changed.',
  410: 'The position is of a stream or shard that is gone.',
  413: 'The body or record is too large.',
  415: 'This content type (or encoding) is not taken here.',
  429: 'The write limit of the shard is spent; `Retry-After` says for how long.',
  503: 'The store cannot be reached or cannot write now.',
};

const tags = [
  { name: 'streams', description: 'A stream is what Kafka clients see as a topic.' },
  { name: 'records', description: 'Writing, reading, following.' },
  { name: 'service', description: 'How the service is.' },
];

type Json = Record<string, unknown>;

/** All but version and server, which `withFacts` adds. */
export interface OpenapiDocument {
  readonly openapi: '3.1.1';
  readonly info: Json;
  readonly tags: readonly Json[];
  readonly paths: Readonly<Record<string, Json>>;
  readonly components: Json;
}

export function withFacts(document: OpenapiDocument, facts: { version: string; server: string }): Json {
  const { openapi, info, ...rest } = document;
  return { openapi, info: { ...info, version: facts.version }, servers: [{ url: facts.server }], ...rest };
}

/** The OpenAPI 3.1 document of these operations: the schemas in it are those that requests are checked with. */
export function openapiDocument(operations: readonly RestOperation[]): OpenapiDocument {
  const schemas: Record<string, unknown> = {};
  const paths: Record<string, Json> = {};
  const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => toSchema(schema, io, schemas);
  const contentOf = (content: Readonly<Record<string, ContentFacts>>, io: 'input' | 'output'): Json =>
    Object.fromEntries(
      Object.entries(content).map(([mediaType, { schema, example }]) => [
        mediaType,
        { schema: schemaOf(schema, io), ...(example === undefined ? {} : { example }) },
      ]),
    );
  for (const operation of operations) {
    const { id, method, route, tag, summary, description, body, answers, problems } = operation;
    const parameters = [
      ...parametersOf(schemaOf(operation.path, 'input'), 'path'),
      ...parametersOf(schemaOf(operation.query, 'input'), 'query'),
      ...(operation.headers === undefined ? [] : parametersOf(schemaOf(operation.headers, 'input'), 'header')),
    ];
    const responses: Json = {};
    for (const [status, answer] of Object.entries(answers)) {
      responses[status] = {
        description: answer.description,
        ...(answer.content === undefined ? {} : { content: contentOf(answer.content, 'output') }),
      };
    }
    for (const status of problems) {
      const retryAfter = { description: 'Seconds.', schema: { type: 'integer', minimum: 1 } };
      responses[status] ??= {
        description: problemTexts[status],
        ...(status === 429 || status === 503 ? { headers: { 'Retry-After': retryAfter } } : {}),
        content: { [PROBLEM_MEDIA_TYPE]: { schema: schemaOf(problemSchema, 'output') } },
      };
    }
    (paths[route] ??= {})[method] = {
      operationId: id,
      tags: [tag],
      summary,
      ...(description === undefined ? {} : { description }),
      ...(parameters.length === 0 ? {} : { parameters }),
      ...(body === undefined ? {} : { requestBody: { required: true, content: contentOf(body, 'input') } }),
      responses,
    };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Tailrace REST API',
      description: 'Streams of records over plain HTTP. The same records are there for Kinesis and Kafka clients.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    tags,
    paths,
    components: { schemas },
  };
}

/** JSON Schema of a zod schema; what has an id goes to the components and is referred to. */
function toSchema(schema: z.ZodType, io: 'input' | 'output', components: Record<string, unknown>): Json {
  const json = z.toJSONSchema(schema, {
    io,
    target: 'draft-2020-12',
    // A number in a query is checked as text and documented as the number that it is.
    override: ({ jsonSchema }) => {
      if (jsonSchema.type === 'integer') delete jsonSchema.pattern;
    },
  });
  const { $schema: _schema, $defs, id, ...rest } = refersToComponents(json) as Json & { $defs?: Json; id?: string };
  for (const [name, definition] of Object.entries($defs ?? {})) {
    const { id: _id, ...bare } = definition as Json;
    components[name] = bare;
  }
  if (id === undefined) return rest;
  components[id] ??= rest;
  return { $ref: `#/components/schemas/${id}` };
}

function refersToComponents(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(refersToComponents);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      key === '$ref' && typeof member === 'string'
        ? member.replace('#/$defs/', '#/components/schemas/')
        : refersToComponents(member),
    ]),
  );
}

function parametersOf(schema: Json, place: 'path' | 'query' | 'header'): Json[] {
  const required = (schema['required'] as string[] | undefined) ?? [];
  return Object.entries((schema['properties'] ?? {}) as Record<string, Json>).map(([name, property]) => {
    const { description, ...rest } = property;
    return {
      name,
      in: place,
      ...(description === undefined ? {} : { description }),
      ...(required.includes(name) || place === 'path' ? { required: true } : {}),
      schema: rest,
    };
  });
}
