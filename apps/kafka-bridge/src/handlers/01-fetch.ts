import { errorCodes, fetchApi, type FetchRequest, type FetchResponse } from '@tailrace/kafka-protocol';
import type { Isolation, Shard } from '@tailrace/shard-core';
import { discardSpan, linksFrom, scanTraceparents, setKafkaTransfer, trafficMetrics } from '@tailrace/telemetry';
import type { Bridge } from '../bridge.ts';
import type { Exchange } from '../connection/exchange.ts';
import { FETCH_WAIT_MS_MAX } from '../fetch/fetch-wait.ts';
import type { FetchSession } from '../fetch/fetch-session.ts';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import { PartitionRead } from '../fetch/partition-read.ts';
import { handler } from './handler.ts';

type TopicAnswer = FetchResponse['responses'][number];
type PartitionAnswer = TopicAnswer['partitions'][number];

const READ_COMMITTED = 1;
const NO_RECORDS = Buffer.alloc(0);
const traffic = trafficMetrics('kafka');

/**
 * Fetch: record batches of some partitions, each from an offset on, as the log holds them and without a copy.
 *
 * Partitions are served in the order in which they are asked for (in a session: the ones served last come last), until
 * maxBytes are together; the first batch of the answer is returned whole, however large. With less than minBytes the
 * answer waits for appends, at most maxWaitMs; an error ends the waiting at once. To a client that names the epoch of its last
 * record, the answer is where that epoch ended, if that record does not lie on this log. READ_COMMITTED ends at the last stable offset, and
 * names the aborted transactions whose records the client is to pass over.
 *
 * Whole request: FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH, FETCH_SESSION_TOPIC_ID_ERROR.
 * Per partition: UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION, FENCED_LEADER_EPOCH,
 * UNKNOWN_LEADER_EPOCH, OFFSET_OUT_OF_RANGE; KAFKA_STORAGE_ERROR, retryable, when the store is away.
 */
export const fetch = handler({
  api: fetchApi,
  versions: fetchApi.advertised,
  run(request, exchange, bridge) {
    const plan = bridge.fetchSessions.plan(request, exchange.header.apiVersion);
    if (!plan.ok) {
      exchange.noteError(plan.errorCode);
      return { throttleTimeMs: 0, errorCode: plan.errorCode, sessionId: 0, responses: [] };
    }
    const isolation = request.isolationLevel === READ_COMMITTED ? 'readCommitted' : 'readUncommitted';
    const reads = plan.targets.map((target) => new PartitionRead(target, isolation));
    const { mayRead } = exchange;
    if (mayRead !== undefined) {
      for (const read of reads) {
        if (!mayRead(read.target.topicName, read.target.topicId)) read.refuse(errorCodes.TOPIC_AUTHORIZATION_FAILED);
      }
    }
    let byteCount = 0;
    exchange.afterSent(() => {
      bridge.unsentAnswers.sent(byteCount);
      for (const read of reads) read.release();
    });
    // What is read counts from then on: with it, a client may let us wait for more.
    const hold = (bytes: number): void => {
      bridge.unsentAnswers.add(bytes - byteCount);
      byteCount = bytes;
    };
    return collect(reads, request, isolation, exchange, bridge, hold).then(() => {
      if (exchange.span.isRecording()) noteTransfer(reads, exchange, bridge);
      return answer(reads, request, plan.session, plan.incremental, exchange);
    });
  },
});

/** Reads until there is enough, or the time is over; tells each time how many bytes that are. */
async function collect(
  reads: readonly PartitionRead[],
  request: FetchRequest,
  isolation: Isolation,
  exchange: Exchange,
  bridge: Bridge,
  hold: (bytes: number) => void,
): Promise<void> {
  const maxBytes = bridge.unsentAnswers.room(Math.min(request.maxBytes, bridge.options.fetchBytesMax));
  const minBytes = Math.min(request.minBytes, maxBytes);
  let total = await readRound(reads, 0, maxBytes, exchange, bridge);
  hold(total);
  if (total >= minBytes || request.maxWaitMs <= 0 || reads.length === 0) return;
  const deadline = performance.now() + Math.min(request.maxWaitMs, FETCH_WAIT_MS_MAX);
  while (total < minBytes && !exchange.peer.signal.aborted && !reads.some((read) => read.ended)) {
    const timeoutMs = deadline - performance.now();
    if (timeoutMs <= 0) return;
    const waiting = reads.filter((read) => !read.full && !read.dormant);
    // Of dormant partitions alone nothing comes: without a position to wait for, the time passes.
    if (waiting.length === 0 && reads.some(({ full }) => full)) return;
    const positions = waiting.map((read) => ({ shard: (read.shard as Shard).key, offset: read.nextOffset, isolation }));
    const waited = bridge.store.log.awaitAppend(positions, { timeoutMs, signal: exchange.peer.signal });
    // Without the store there is nothing to wait for; the client comes again.
    if (!(await unlessUnavailable(waited, () => false))) return;
    total = await readRound(waiting, total, maxBytes, exchange, bridge);
    hold(total);
  }
}

/**
 * Reads on in all of the partitions, and answers how many bytes there are now. As many partitions are read side by side as
 * would fit if each gave all it may; those behind the end of the budget are only looked at.
 */
async function readRound(
  reads: readonly PartitionRead[],
  collected: number,
  maxBytes: number,
  exchange: Exchange,
  bridge: Bridge,
): Promise<number> {
  let total = collected;
  let next = 0;
  while (next < reads.length) {
    const left = maxBytes - total;
    if (left <= 0) {
      const unseen = reads.slice(next).filter(({ shard }) => shard === undefined);
      await Promise.all(unseen.map((read) => read.look(bridge)));
      return total;
    }
    const first = next;
    const pending: Promise<void>[] = [];
    let planned = 0;
    while (next < reads.length && planned < left) {
      const read = reads[next++] as PartitionRead;
      const wanted = Math.max(1, Math.min(read.target.maxBytes - read.byteCount, left - planned));
      planned += wanted;
      total -= read.byteCount;
      pending.push(read.advance(wanted, bridge, exchange.span));
    }
    if (pending.length === 1) await pending[0];
    else await Promise.all(pending);
    for (const read of reads.slice(first, next)) {
      // A first batch comes whole even where it is larger than what was left for it.
      if (total > 0 && total + read.byteCount > maxBytes) read.drop();
      total += read.byteCount;
    }
  }
  return total;
}

function answer(
  reads: readonly PartitionRead[],
  request: FetchRequest,
  session: FetchSession | undefined,
  incremental: boolean,
  exchange: Exchange,
): FetchResponse {
  const responses: (TopicAnswer & { partitions: PartitionAnswer[] })[] = [];
  for (const read of reads) {
    if (session !== undefined && !tell(read, session) && incremental) continue;
    const { topicName, topicId } = read.target;
    let topic = responses.at(-1);
    if (topic === undefined || topic.topic !== topicName || topic.topicId !== topicId) {
      topic = { topic: topicName, topicId, partitions: [] };
      responses.push(topic);
    }
    topic.partitions.push(describe(read, request));
    exchange.noteError(read.errorCode);
    if (read.byteCount > 0) traffic.sent(Number(read.nextOffset - read.target.fetchOffset), read.byteCount);
  }
  return { throttleTimeMs: 0, errorCode: errorCodes.NONE, sessionId: session?.id ?? 0, responses };
}

/** Notes on the request's span what it returns and where that came from. A poll that found nothing is not worth a span. */
function noteTransfer(reads: readonly PartitionRead[], { span }: Exchange, { catalog }: Bridge): void {
  const found = reads.filter(({ byteCount }) => byteCount > 0);
  if (found.length === 0) {
    if (!reads.some(({ failed }) => failed)) discardSpan(span);
    return;
  }
  const topics = new Set(found.map(({ target }) => target.topicName || catalog.peekById(target.topicId)?.name));
  const [topic] = topics;
  const [only, ...others] = found as [PartitionRead, ...PartitionRead[]];
  setKafkaTransfer(span, 'Fetch', {
    type: 'receive',
    topic: topics.size === 1 ? topic : undefined,
    partition: others.length === 0 ? only.target.partition : undefined,
    offset: others.length === 0 ? only.target.fetchOffset : undefined,
    links: linksFrom(scanTraceparents(found.flatMap(({ chunks }) => chunks))),
  });
}

/** Whether a partition has news for its session; notes what is told. */
function tell(read: PartitionRead, session: FetchSession): boolean {
  const { target } = read;
  const news =
    read.byteCount > 0 ||
    read.ended ||
    target.toldHighWatermark !== read.highWatermark ||
    target.toldLogStartOffset !== read.logStartOffset;
  target.toldHighWatermark = read.failed ? -1n : read.highWatermark;
  target.toldLogStartOffset = read.failed ? -1n : read.logStartOffset;
  if (read.byteCount > 0) session.moveToEnd(target);
  return news;
}

function describe(read: PartitionRead, { isolationLevel }: FetchRequest): PartitionAnswer {
  return {
    partitionIndex: read.target.partition,
    errorCode: read.errorCode,
    highWatermark: read.highWatermark,
    lastStableOffset: read.lastStableOffset,
    logStartOffset: read.logStartOffset,
    abortedTransactions: isolationLevel === READ_COMMITTED ? read.abortedTransactions : null,
    ...(read.divergingEpoch && { divergingEpoch: read.divergingEpoch }),
    preferredReadReplica: -1,
    records: read.byteCount === 0 ? NO_RECORDS : read.chunks,
  };
}
