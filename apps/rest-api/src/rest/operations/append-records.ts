import type { Span } from '@opentelemetry/api';
import { setHttpTransfer } from '@tailrace/telemetry';
import { z } from 'zod';
import type { PutOutcome } from '../../ingest/index.ts';
import { appendLines, GROUPS_IN_FLIGHT_MAX, lineResultView, NDJSON_ERRORS_ONLY } from '../append-lines.ts';
import { BYTES_MEDIA_TYPE, JSON_MEDIA_TYPE, NDJSON_MEDIA_TYPE } from '../media-type.ts';
import { operation, type RestAnswer } from '../operation.ts';
import { invalidRequest, problemOfRefusal, retryAfterSeconds, streamNotFound } from '../problem.ts';
import { placedView, resultView, viewOutcome, viewPlaced } from '../put-result.ts';
import { DATA_BYTES_MAX, explicitHashKey, partitionKey, recordBody } from '../record-schema.ts';
import { streamPath } from '../stream-schema.ts';

const OPERATION = 'appendRecords';
/** The bound of PutRecords. */
const RECORDS_MAX = 500;
/** 5 MiB of values, as PutRecords has it, in base64, with keys and headers. */
const JSON_BODY_BYTES_MAX = 8 * 1024 * 1024;

const batchBody = z.strictObject({ records: z.array(recordBody).min(1).max(RECORDS_MAX) }).meta({ id: 'NewRecords' });

/** One schema for the document; which of the two it is, the member `records` decides, so that complaints fit. */
const recordOrBatchBody = z.union([recordBody, batchBody]);

const batchResult = z
  .strictObject({
    failedCount: z.int(),
    results: z.array(resultView).meta({ description: 'One per record, in their order.' }),
  })
  .meta({ id: 'BatchResult' });

const recordExample = { partitionKey: 'customer-7', json: { total: 12.5 }, headers: { source: 'shop' } };

/**
 * Writes records. The content type says how they come: one as JSON, up to 500 as JSON, any number as lines, or one as bytes.
 * Errors: 415, 400, 404, 413; per record: 429 throttled, 503 storeUnavailable and the other refusals.
 */
export const appendRecords = operation({
  id: OPERATION,
  method: 'post',
  route: '/v1/streams/{stream}/records',
  tag: 'records',
  summary: 'Write one record, a batch, or lines without end',
  description:
    'Records of one partition key keep their order. A record without a key goes to any shard. With NDJSON the results ' +
    'come while the body is being sent, and a client that does not read them is not read from either: read while you ' +
    'send, or ask for `results=errors`.',
  path: streamPath,
  query: z.strictObject({
    partitionKey: partitionKey.optional().meta({ description: `With ${BYTES_MEDIA_TYPE}: the partition key.` }),
    explicitHashKey: explicitHashKey.optional().meta({ description: `With ${BYTES_MEDIA_TYPE}: chooses the shard.` }),
    results: z
      .enum(['all', 'errors'])
      .default('all')
      .meta({
        default: 'all',
        description: `With ${NDJSON_MEDIA_TYPE}: a result for each line, or ${NDJSON_ERRORS_ONLY}.`,
      }),
  }),
  body: {
    [JSON_MEDIA_TYPE]: { schema: recordOrBatchBody, example: recordExample },
    [NDJSON_MEDIA_TYPE]: { schema: recordBody, example: recordExample },
    [BYTES_MEDIA_TYPE]: { schema: z.string().meta({ contentMediaType: BYTES_MEDIA_TYPE, maxLength: DATA_BYTES_MAX }) },
  },
  answers: {
    200: {
      description: 'A batch of which all records were written; or the results of lines.',
      content: {
        [JSON_MEDIA_TYPE]: { schema: batchResult },
        [NDJSON_MEDIA_TYPE]: { schema: lineResultView },
      },
    },
    201: { description: 'One record was written.', content: { [JSON_MEDIA_TYPE]: { schema: placedView } } },
    207: {
      description: 'A batch of which some records were not written: see each result, and send those again.',
      content: { [JSON_MEDIA_TYPE]: { schema: batchResult } },
    },
  },
  problems: [400, 404, 413, 415, 429, 503],
  async run({ path, query, body, span, signal }, { catalog, ingest, limits, logger }) {
    const stream = await catalog.findPublic(path.stream);
    if (stream === undefined) throw streamNotFound(path.stream);
    if (body.mediaType !== BYTES_MEDIA_TYPE && (query.partitionKey ?? query.explicitHashKey) !== undefined) {
      const pointer = query.partitionKey === undefined ? '?explicitHashKey' : '?partitionKey';
      throw invalidRequest([{ pointer, message: `only with ${BYTES_MEDIA_TYPE}; with JSON it is a member` }]);
    }
    if (body.mediaType === NDJSON_MEDIA_TYPE) {
      const put = (records: Parameters<typeof ingest.putMany>[1]) => ingest.putMany(stream, records, span);
      const failed = (error: unknown) => logger.error({ err: error, stream: stream.name }, 'a body of lines broke off');
      return {
        status: 200,
        contentType: NDJSON_MEDIA_TYPE,
        chunks: appendLines(body.chunks(), put, {
          groupsInFlight: limits.enabled && stream.writeLimited ? 1 : GROUPS_IN_FLIGHT_MAX,
          errorsOnly: query.results === 'errors',
          signal,
          failed,
        }),
      };
    }
    if (body.mediaType === BYTES_MEDIA_TYPE) {
      const data = await body.bytes(DATA_BYTES_MAX);
      const { partitionKey: key, explicitHashKey: hashKey } = query;
      return answerOne(
        await ingest.put(stream, { data, partitionKey: key, explicitHashKey: hashKey }, span),
        span,
        stream.name,
      );
    }
    const parsed = await body.parsed(JSON_BODY_BYTES_MAX);
    if (typeof parsed !== 'object' || parsed === null || !('records' in parsed)) {
      return answerOne(await ingest.put(stream, body.checked(recordBody, parsed), span), span, stream.name);
    }
    const outcomes = await ingest.putMany(stream, body.checked(batchBody, parsed).records, span);
    setHttpTransfer(span, OPERATION, { type: 'send', stream: stream.name, recordCount: outcomes.length });
    return answerMany(outcomes);
  },
});

function answerOne(outcome: PutOutcome, span: Span, stream: string): RestAnswer {
  if (!outcome.ok) throw problemOfRefusal(outcome.refusal);
  setHttpTransfer(span, OPERATION, { type: 'send', stream, shardId: outcome.value.shard.shardId });
  return { status: 201, json: viewPlaced(outcome.value) };
}

/** All written: 200. None, and each for want of tokens: 429 with the results. Else: 207. */
function answerMany(outcomes: readonly PutOutcome[]): RestAnswer {
  const failures = outcomes.filter((outcome) => !outcome.ok);
  const json = { failedCount: failures.length, results: outcomes.map(viewOutcome) };
  if (failures.length === 0) return { status: 200, json };
  const waits = failures.map(({ refusal }) => (refusal.code === 'throttled' ? refusal.retryAfterMs : undefined));
  const retryAfterMs = Math.max(0, ...waits.filter((wait) => wait !== undefined));
  const headers = retryAfterMs === 0 ? {} : { 'Retry-After': String(retryAfterSeconds(retryAfterMs)) };
  const allThrottled = failures.length === outcomes.length && waits.every((wait) => wait !== undefined);
  return { status: allThrottled ? 429 : 207, headers, json };
}
