import { isInternalStream } from '@tailrace/shard-core';
import { problemOfRefusal } from '../problem.ts';
import { operation } from '../operation.ts';
import { JSON_MEDIA_TYPE } from '../media-type.ts';
import { noParameters } from '../query-schema.ts';
import { newStreamBody, retentionMsOf, streamView, viewStream } from '../stream-schema.ts';

const BODY_BYTES_MAX = 64 * 1024;

/** Makes a stream; it can be written to when the answer comes. Errors: 415, 413, 400, 409 streamExists. */
export const createStream = operation({
  id: 'createStream',
  method: 'post',
  route: '/v1/streams',
  tag: 'streams',
  summary: 'Make a stream',
  path: noParameters,
  query: noParameters,
  body: { [JSON_MEDIA_TYPE]: { schema: newStreamBody, example: { name: 'orders', shards: 4 } } },
  answers: {
    201: { description: 'It is there and takes records.', content: { [JSON_MEDIA_TYPE]: { schema: streamView } } },
  },
  problems: [400, 409, 413, 415, 503],
  async run({ body }, { catalog }) {
    const { name, shards, mode, retentionHours } = await body.json(newStreamBody, BODY_BYTES_MAX);
    if (isInternalStream(name)) throw problemOfRefusal({ code: 'streamExists', stream: name });
    const outcome = await catalog.create({
      name,
      shardCount: shards,
      mode,
      origin: 'kinesis',
      retentionMs: retentionMsOf(retentionHours),
    });
    if (!outcome.ok) throw problemOfRefusal(outcome.refusal);
    return {
      status: 201,
      headers: { Location: `/v1/streams/${encodeURIComponent(name)}` },
      json: viewStream(outcome.value),
    };
  },
});
