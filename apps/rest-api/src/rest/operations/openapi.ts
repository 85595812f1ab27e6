import { z } from 'zod';
import { JSON_MEDIA_TYPE } from '../media-type.ts';
import { openapiDocument, type OpenapiDocument, withFacts } from '../openapi-document.ts';
import { operation } from '../operation.ts';
import { noParameters } from '../query-schema.ts';

/** Made at the first request: it costs some milliseconds, and nothing in it changes. */
let document: OpenapiDocument | undefined;

/** The OpenAPI 3.1 document of this API. */
export const openapi = operation({
  id: 'openapi',
  method: 'get',
  route: '/openapi.json',
  tag: 'service',
  summary: 'This document',
  path: noParameters,
  query: noParameters,
  answers: {
    200: {
      description: 'OpenAPI 3.1.',
      content: { [JSON_MEDIA_TYPE]: { schema: z.looseObject({ openapi: z.string() }) } },
    },
  },
  problems: [],
  async run({ origin }, { version }) {
    // Not at the top: that list has this operation in it.
    const { restOperations } = await import('../operation-index.ts');
    document ??= openapiDocument(restOperations);
    return { status: 200, json: withFacts(document, { version, server: origin }) };
  },
});
