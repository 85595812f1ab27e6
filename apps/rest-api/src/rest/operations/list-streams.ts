import { z } from 'zod';
import { JSON_MEDIA_TYPE } from '../media-type.ts';
import { operation } from '../operation.ts';
import { integerParameter, noParameters } from '../query-schema.ts';
import { streamName, streamView, viewStream } from '../stream-schema.ts';

const LIMIT_MAX = 1000;
const LIMIT_DEFAULT = 100;

/** Lists streams by name, a page at a time. Errors: 400. */
export const listStreams = operation({
  id: 'listStreams',
  method: 'get',
  route: '/v1/streams',
  tag: 'streams',
  summary: 'List streams in the order of their names',
  path: noParameters,
  query: z.strictObject({
    limit: integerParameter({ min: 1, max: LIMIT_MAX, default: LIMIT_DEFAULT, description: 'Streams on a page.' }),
    after: streamName
      .optional()
      .meta({ description: 'Only names behind this one: `nextAfter` of the page before. The stream need not exist.' }),
  }),
  answers: {
    200: {
      description: 'One page.',
      content: {
        [JSON_MEDIA_TYPE]: {
          schema: z.strictObject({
            streams: z.array(streamView),
            nextAfter: z.string().optional().meta({ description: 'There are more: ask with `after` set to this.' }),
          }),
        },
      },
    },
  },
  problems: [400],
  run({ query: { limit, after } }, { catalog }) {
    const names = catalog.publicNames();
    const start = after === undefined ? 0 : firstBehind(names, after);
    const page = names.slice(start, start + limit);
    const streams = page.map((name) => catalog.peek(name)).filter((stream) => stream !== undefined);
    return {
      status: 200,
      json: {
        streams: streams.map(viewStream),
        ...(start + limit < names.length ? { nextAfter: page.at(-1) } : {}),
      },
    };
  },
});

/** The index of the first name behind the given one; `names` is sorted. */
function firstBehind(names: readonly string[], after: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((names[middle] as string) <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}
