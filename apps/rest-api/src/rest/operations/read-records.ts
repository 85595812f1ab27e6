import { parseShardId, type Shard } from '@tailrace/shard-core';
import { trafficMetrics, withLogSpan } from '@tailrace/telemetry';
import { z } from 'zod';
import type { RestDependencies } from '../dependencies.ts';
import { fromInShard } from '../group-position.ts';
import { JSON_MEDIA_TYPE } from '../media-type.ts';
import { operation } from '../operation.ts';
import { Problem, problemOfRefusal, shardNotFound, streamNotFound } from '../problem.ts';
import { integerParameter } from '../query-schema.ts';
import { offsetOf, type ReadFromInShard, readFromParameter } from '../read-from.ts';
import { deaggregateForm, recordView, type RecordView, valueForm, viewRecords } from '../record-view.ts';
import { isEndOfShard, readPage, type ShardPage } from '../shard-reader.ts';
import { streamWithChildren } from '../../end-of-shard.ts';
import { childrenOf, shardPath } from '../stream-schema.ts';
import { noteTransfer } from '../transfer.ts';

const LIMIT_MAX = 10_000;
const LIMIT_DEFAULT = 1000;
const BYTES_MAX = 8 * 1024 * 1024;
const BYTES_DEFAULT = 1024 * 1024;
const WAIT_MS_MAX = 60_000;
/** How often `earliest` is looked up again when retention moved the start away in between. */
const EARLIEST_ATTEMPTS_MAX = 5;

const pageView = z
  .strictObject({
    records: z.array(recordView),
    unreadable: z
      .array(z.strictObject({ fromOffset: z.string(), toOffset: z.string(), reason: z.string() }))
      .optional()
      .meta({ description: 'Offsets (inclusive) whose batch its producer wrote so that nobody can decode it.' }),
    nextOffset: z.string().meta({ pattern: '^\\d+$', description: 'Read on `from` here.' }),
    millisBehindLatest: z.int().meta({ description: 'Age of the last record of the page; 0 at the tip.' }),
    endOfShard: z.boolean().meta({ description: 'The shard was split or merged and all of it has been read.' }),
    childShards: z
      .array(z.string())
      .optional()
      .meta({ description: 'At the end of the shard: where its records go on.' }),
  })
  .meta({ id: 'RecordPage' });

/** Reads records of one shard, and waits for them if asked. Errors: 400, 404, 429, 400 offsetOutOfRange, 503. */
export const readRecords = operation({
  id: 'readRecords',
  method: 'get',
  route: '/v1/streams/{stream}/shards/{shardId}/records',
  tag: 'records',
  summary: 'Read records of one shard',
  path: shardPath,
  query: z.strictObject({
    from: readFromParameter.default({ at: 'earliest' }),
    limit: integerParameter({ min: 1, max: LIMIT_MAX, default: LIMIT_DEFAULT, description: 'Records at most.' }),
    maxBytes: integerParameter({
      min: 1,
      max: BYTES_MAX,
      default: BYTES_DEFAULT,
      description: 'Bytes of keys and values at most; the first record comes however large it is.',
    }),
    waitMs: integerParameter({
      min: 0,
      max: WAIT_MS_MAX,
      default: 0,
      description: 'How long to wait for the first record when there is none yet.',
    }),
    as: valueForm,
    deaggregate: deaggregateForm,
  }),
  answers: { 200: { description: 'A page of records.', content: { [JSON_MEDIA_TYPE]: { schema: pageView } } } },
  problems: [400, 404, 429, 503],
  async run({ path, query, signal, span }, dependencies) {
    const { store, catalog, limits, clock = Date.now } = dependencies;
    const stream = await catalog.findPublic(path.stream);
    if (stream === undefined) throw streamNotFound(path.stream);
    const shard = stream.shard(parseShardId(path.shardId) as number);
    if (shard === undefined) throw shardNotFound(path.stream, path.shardId);
    if (limits.enabled) {
      const decision = await limits.takeReadCall(shard.key);
      if (!decision.ok) throw readThrottled(shard, decision.retryAfterMs);
    }
    const deadlineMs = clock() + query.waitMs;
    const pageLimits = { recordsMax: query.limit, bytesMax: query.maxBytes };
    const read = (from: bigint) =>
      withLogSpan('read', store.engine, stream.name, shard.shardId, span, () =>
        readPage(store, shard, from, pageLimits, (record, offset, timeMs) =>
          viewRecords(record, offset, timeMs, shard, query),
        ),
      );
    const from = await fromInShard(query.from, stream, shard, store);
    let page = await firstPage(dependencies, shard, from, read);
    // Control records, and those of aborted transactions, are passed over, so a page may be empty although there was something to read.
    while (page.records.length === 0 && page.unreadable.length === 0 && !isEndOfShard(page)) {
      if (page.nextOffset >= page.bounds.lastStableOffset) {
        const timeoutMs = deadlineMs - clock();
        if (timeoutMs <= 0 || signal.aborted) break;
        const position = { shard: shard.key, offset: page.nextOffset, isolation: 'readCommitted' } as const;
        if (!(await store.log.awaitAppend([position], { timeoutMs, signal }))) break;
      }
      const outcome = await read(page.nextOffset);
      if (!outcome.ok) throw problemOfRefusal(outcome.refusal);
      page = outcome.value;
    }
    if (limits.enabled) await limits.chargeRead(shard.key, page.byteCount);
    const records = page.records.flat();
    noteTransfer(span, 'readRecords', stream, { records, byteCount: page.byteCount }, shard);
    const ended = isEndOfShard(page) ? await streamWithChildren(catalog, stream, shard) : undefined;
    return {
      status: 200,
      headers: { 'Cache-Control': 'no-store' },
      json: {
        records,
        ...(page.unreadable.length === 0 ? {} : { unreadable: page.unreadable.map(viewUnreadable) }),
        nextOffset: String(page.nextOffset),
        millisBehindLatest: millisBehindLatest(page, clock()),
        endOfShard: ended !== undefined,
        ...(ended === undefined ? {} : { childShards: childrenOf(ended, shard).map(({ shardId }) => shardId) }),
      },
    };
  },
});

function readThrottled({ shardId }: Shard, retryAfterMs: number): Problem {
  trafficMetrics('http').throttled++;
  return new Problem({
    status: 429,
    code: 'throttled',
    title: 'Shard limit reached',
    detail: `The read limit of ${shardId} (2 MiB and 5 calls a second) is spent; try again, or follow its events.`,
    retryable: true,
    retryAfterMs,
  });
}

type Read = (from: bigint) => ReturnType<typeof readPage<readonly RecordView[]>>;

/** With `earliest`, retention may move the start between looking it up and reading: then it is looked up again. */
async function firstPage(
  { store }: RestDependencies,
  shard: Shard,
  from: ReadFromInShard,
  read: Read,
): Promise<ShardPage<readonly RecordView[]>> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await read(await offsetOf(store, shard, from));
    if (outcome.ok) return outcome.value;
    const again = outcome.refusal.code === 'offsetOutOfRange' && (from.at === 'earliest' || from.at === 'time');
    if (!again || attempt === EARLIEST_ATTEMPTS_MAX) throw problemOfRefusal(outcome.refusal);
  }
}

export function viewUnreadable(range: { fromOffset: bigint; toOffset: bigint; reason: string }) {
  return { fromOffset: String(range.fromOffset), toOffset: String(range.toOffset), reason: range.reason };
}

function millisBehindLatest(page: ShardPage<unknown>, nowMs: number): number {
  if (page.nextOffset >= page.bounds.lastStableOffset || page.lastAppendTimeMs === undefined) return 0;
  return Math.max(0, nowMs - page.lastAppendTimeMs);
}
