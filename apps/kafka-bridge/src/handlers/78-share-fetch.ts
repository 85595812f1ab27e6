import {
  type ErrorCode,
  errorCodes,
  type ShareFetchRequest,
  type ShareFetchResponse,
  shareFetchApi,
} from '@tailrace/kafka-protocol';
import { discardSpan, linksFrom, scanTraceparents, setKafkaTransfer, trafficMetrics } from '@tailrace/telemetry';
import type { Bridge } from '../bridge.ts';
import type { Exchange } from '../connection/exchange.ts';
import { NO_PARTITIONS, partitionSets } from '../groups/topic-partitions.ts';
import { type Acknowledged, acknowledgeRecords, hasAcknowledgements } from '../share-groups/acknowledge-records.ts';
import { collectShareRecords } from '../share-groups/collect-share-records.ts';
import { LeaderHints } from '../share-groups/current-leader.ts';
import { readSharer, refuseRenewal } from '../share-groups/share-request.ts';
import type { ShareRead } from '../share-groups/share-read.ts';
import { CLOSING_EPOCH, OPENING_EPOCH, type SessionOutcome } from '../share-groups/share-session-cache.ts';
import type { ShareSession } from '../share-groups/share-session.ts';
import { handler } from './handler.ts';

type TopicAnswer = ShareFetchResponse['responses'][number];
type PartitionAnswer = TopicAnswer['partitions'][number];

const NO_RECORDS = Buffer.alloc(0);
const traffic = trafficMetrics('kafka');

/**
 * ShareFetch: a member of a share group acknowledges records, and has others locked for it and sent.
 *
 * Acknowledgements come first, and are answered when they are durable. Then records of the session's partitions are locked, those
 * that others gave back before new ones, until maxRecords or maxBytes are together; the last batch is locked whole unless the
 * client wants no more than maxRecords. With less than minBytes the answer waits, at most maxWaitMs, for appends and for what
 * others give back. Batches go out as the log holds them: the answer names the records in them that are the member's.
 *
 * Whole request: INVALID_REQUEST (a renewal that asks for records; no group or member), INVALID_GROUP_ID, INVALID_REQUEST
 * (acknowledgements in a session's first request), SHARE_SESSION_NOT_FOUND, INVALID_SHARE_SESSION_EPOCH, SHARE_SESSION_LIMIT_REACHED.
 * Per partition, of the acknowledgements or of the records: TOPIC_AUTHORIZATION_FAILED, INVALID_REQUEST, UNKNOWN_TOPIC_ID,
 * UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER, INVALID_RECORD_STATE; KAFKA_STORAGE_ERROR, retryable, when the store is
 * away.
 */
export const shareFetch = handler({
  api: shareFetchApi,
  versions: shareFetchApi.advertised,
  async run(request, exchange, bridge) {
    const { topics, isRenewAck, shareSessionEpoch } = request;
    const refuse = (errorCode: ErrorCode, errorMessage: string | null = null): ShareFetchResponse => {
      exchange.noteError(errorCode);
      return { throttleTimeMs: 0, errorCode, errorMessage, acquisitionLockTimeoutMs: 0, responses: [], nodeEndpoints: [] };
    }; // prettier-ignore
    const sharer = refuseRenewal(request) ?? readSharer(request);
    if ('errorCode' in sharer) return refuse(sharer.errorCode, sharer.errorMessage);
    const { groupId, memberId } = sharer;
    if (shareSessionEpoch === OPENING_EPOCH && hasAcknowledgements(topics))
      return refuse(errorCodes.INVALID_REQUEST, 'The first request of a session cannot acknowledge records');
    const found = sessionOf(groupId, memberId, request, exchange, bridge);
    if (!found.ok) return refuse(found.errorCode);
    const { session } = found;
    const acknowledged = await acknowledgeRecords(sharer, topics, isRenewAck, exchange, bridge);
    const fetches = shareSessionEpoch !== CLOSING_EPOCH && !isRenewAck && request.maxRecords > 0;
    const reads = fetches ? await fetchRecords(session, request, exchange, bridge) : [];
    if (shareSessionEpoch === CLOSING_EPOCH) session.end();
    return answer(groupId, reads, acknowledged, exchange, bridge);
  },
});

/** The session of the request, with what the request adds to it and takes out of it. */
function sessionOf(
  groupId: string,
  memberId: string,
  { shareSessionEpoch, topics, forgottenTopicsData }: ShareFetchRequest,
  exchange: Exchange,
  { shareGroups: { sessions, partitions } }: Bridge,
): SessionOutcome {
  const named = partitionSets(
    topics.map(({ topicId, partitions: its }) => ({ topicId, partitions: its.map((one) => one.partitionIndex) })),
  );
  if (shareSessionEpoch === OPENING_EPOCH) return sessions.open(groupId, memberId, named, exchange.peer.signal);
  const found = sessions.use(groupId, memberId, shareSessionEpoch);
  if (!found.ok || shareSessionEpoch === CLOSING_EPOCH) return found;
  const forgotten = forgottenTopicsData.length === 0 ? NO_PARTITIONS : partitionSets(forgottenTopicsData);
  const errorCode = sessions.update(found.session, named, forgotten);
  if (errorCode !== errorCodes.NONE) return { ok: false, errorCode };
  // Its locks stay: what it was given of them before it may acknowledge still.
  for (const [topicId, its] of forgotten)
    for (const partition of its) void partitions.held({ groupId, topicId, partition })?.leave(memberId, false);
  return found;
}

async function fetchRecords(
  session: ShareSession,
  request: ShareFetchRequest,
  exchange: Exchange,
  bridge: Bridge,
): Promise<readonly ShareRead[]> {
  let reads: readonly ShareRead[] = [];
  let byteCount = 0;
  exchange.afterSent(() => {
    bridge.unsentAnswers.sent(byteCount);
    for (const read of reads) read.release();
  });
  reads = await collectShareRecords(session, request, exchange, bridge);
  for (const read of reads) {
    byteCount += read.byteCount;
    if (read.byteCount > 0) session.moveToEnd(read.target);
  }
  bridge.unsentAnswers.add(byteCount);
  if (exchange.span.isRecording()) noteTransfer(reads, exchange, bridge);
  return reads;
}

/** Partitions with records, with an error or with acknowledgements. */
function answer(
  groupId: string,
  reads: readonly ShareRead[],
  acknowledged: ReadonlyMap<string, Acknowledged>,
  exchange: Exchange,
  bridge: Bridge,
): ShareFetchResponse {
  const hints = new LeaderHints(bridge);
  const topics = new Map<string, PartitionAnswer[]>();
  const readByKey = new Map(reads.map((read) => [`${read.target.topicId}/${read.target.partition}`, read]));
  for (const key of new Set([...readByKey.keys(), ...acknowledged.keys()])) {
    const read = readByKey.get(key);
    const outcome = acknowledged.get(key);
    if (outcome === undefined && (read === undefined || (read.recordCount === 0 && !read.failed))) continue;
    const slash = key.lastIndexOf('/');
    const topicId = key.slice(0, slash);
    const partitionIndex = Number(key.slice(slash + 1));
    const errorCode = read?.errorCode ?? errorCodes.NONE;
    const acknowledgeErrorCode = outcome?.errorCode ?? errorCodes.NONE;
    exchange.noteError(acknowledgeErrorCode);
    exchange.noteError(errorCode);
    if (read !== undefined && read.recordCount > 0) traffic.sent(read.recordCount, read.byteCount);
    const partitions = topics.get(topicId) ?? [];
    topics.set(topicId, partitions);
    partitions.push({
      partitionIndex,
      errorCode,
      acknowledgeErrorCode,
      acknowledgeErrorMessage: outcome?.errorMessage ?? null,
      currentLeader: hints.of(
        errorCode === errorCodes.NONE ? acknowledgeErrorCode : errorCode,
        topicId,
        partitionIndex,
      ),
      records: read === undefined || read.byteCount === 0 ? NO_RECORDS : read.chunks,
      acquiredRecords: (read?.acquired ?? []).map(({ first, last, deliveryCount }) => ({
        firstOffset: BigInt(first),
        lastOffset: BigInt(last),
        deliveryCount,
      })),
    });
  }
  return {
    throttleTimeMs: 0,
    errorCode: errorCodes.NONE,
    acquisitionLockTimeoutMs: bridge.shareGroups.settings.of(groupId).lockDurationMs,
    responses: [...topics].map(([topicId, partitions]) => ({ topicId, partitions })),
    nodeEndpoints: hints.endpoints,
  };
}

/** Notes on the request's span what it returns and where that came from. A poll that found nothing is not worth a span. */
function noteTransfer(reads: readonly ShareRead[], { span }: Exchange, { catalog }: Bridge): void {
  const found = reads.filter(({ byteCount }) => byteCount > 0);
  if (found.length === 0) {
    if (!reads.some(({ failed }) => failed)) discardSpan(span);
    return;
  }
  const topics = new Set(found.map(({ target }) => catalog.peekById(target.topicId)?.name));
  const [topic] = topics;
  const [only, ...others] = found as [ShareRead, ...ShareRead[]];
  setKafkaTransfer(span, 'ShareFetch', {
    type: 'receive',
    topic: topics.size === 1 ? topic : undefined,
    partition: others.length === 0 ? only.target.partition : undefined,
    links: linksFrom(scanTraceparents(found.flatMap(({ chunks }) => chunks))),
  });
}
