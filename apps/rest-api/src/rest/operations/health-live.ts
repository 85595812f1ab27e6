import { z } from 'zod';
import { JSON_MEDIA_TYPE } from '../media-type.ts';
import { operation } from '../operation.ts';
import { noParameters } from '../query-schema.ts';

/** Whether the process answers at all; asks nobody else. */
export const healthLive = operation({
  id: 'healthLive',
  method: 'get',
  route: '/health/live',
  tag: 'service',
  summary: 'Does the process answer?',
  path: noParameters,
  query: noParameters,
  answers: {
    200: {
      description: 'It does.',
      content: { [JSON_MEDIA_TYPE]: { schema: z.strictObject({ status: z.literal('live') }) } },
    },
  },
  problems: [],
  run: () => ({ status: 200, headers: { 'Cache-Control': 'no-store' }, json: { status: 'live' } }),
});
