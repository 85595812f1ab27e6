import { isInternalStream } from '@tailrace/shard-core';
import { operation } from '../operation.ts';
import { problemOfRefusal } from '../problem.ts';
import { noParameters } from '../query-schema.ts';
import { streamPath } from '../stream-schema.ts';

/** Deletes a stream with all its records. Errors: 400, 404, 409 streamBusy. */
export const deleteStream = operation({
  id: 'deleteStream',
  method: 'delete',
  route: '/v1/streams/{stream}',
  tag: 'streams',
  summary: 'Delete a stream with all its records',
  path: streamPath,
  query: noParameters,
  answers: { 204: { description: 'It is gone.' } },
  problems: [400, 404, 409, 503],
  async run({ path }, { catalog }) {
    if (isInternalStream(path.stream)) throw problemOfRefusal({ code: 'streamNotFound', stream: path.stream });
    const outcome = await catalog.delete(path.stream);
    if (!outcome.ok) throw problemOfRefusal(outcome.refusal);
    return { status: 204, empty: true };
  },
});
