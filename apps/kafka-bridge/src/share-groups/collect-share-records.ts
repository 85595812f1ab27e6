import { errorCodes, type ShareFetchRequest } from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';
import type { Exchange } from '../connection/exchange.ts';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import { FETCH_WAIT_MS_MAX } from '../fetch/fetch-wait.ts';
import { ShareRead } from './share-read.ts';
import type { ShareSession } from './share-session.ts';

/** Never more than maxRecords, where a client asks for it (KIP-1206). */
const RECORD_LIMIT_MODE = 1;

/**
 * Locks records for a member and reads them, until there is enough, or the time is over, or something went wrong. Waits for
 * appends, for records that others give back or lose, and for room where too many are out.
 */
export async function collectShareRecords(
  session: ShareSession,
  request: ShareFetchRequest,
  exchange: Exchange,
  bridge: Bridge,
): Promise<readonly ShareRead[]> {
  const { signal } = exchange.peer;
  const deadlineMs = performance.now() + Math.min(Math.max(0, request.maxWaitMs), FETCH_WAIT_MS_MAX);
  const bytesMax = bridge.unsentAnswers.room(Math.min(request.maxBytes, bridge.options.fetchBytesMax));
  const bytesMin = Math.max(1, Math.min(request.minBytes, bytesMax));
  const strict = request.shareAcquireMode === RECORD_LIMIT_MODE;
  let woken = false;
  let waiting: AbortController | undefined;
  const endWait = () => waiting?.abort();
  const waiter = {
    get isWatching() {
      return waiting !== undefined;
    },
    wake() {
      woken = true;
      endWait();
    },
  };
  // Who wants no bytes gets no records, and waits as long as it said.
  const targets = request.maxBytes > 0 ? session.partitions : [];
  const reads = targets.map((target) => new ShareRead(target, session, waiter));
  const { mayRead } = exchange;
  for (const read of reads)
    if (mayRead?.('', read.target.topicId) === false) read.errorCode = errorCodes.TOPIC_AUTHORIZATION_FAILED;
  signal.addEventListener('abort', endWait);
  let byteCount = 0;
  let recordCount = 0;
  // With records in hand nobody waits for others to be taken over, which costs a write: the next request has them.
  const isDue = (read: ShareRead) => read.isDue && !(recordCount > 0 && read.isUnloaded(bridge));
  try {
    for (;;) {
      woken = false;
      for (const read of reads) {
        if (recordCount >= request.maxRecords || byteCount >= bytesMax) break;
        if (!isDue(read)) continue;
        const before = { byteCount: read.byteCount, recordCount: read.recordCount };
        const limits = {
          recordsMax: request.maxRecords - recordCount,
          bytesMax: bytesMax - byteCount,
          strict,
          isEmpty: byteCount === 0,
        };
        await read.advance(limits, exchange, bridge);
        byteCount += read.byteCount - before.byteCount;
        recordCount += read.recordCount - before.recordCount;
      }
      const isEnough = byteCount >= bytesMin || recordCount >= request.maxRecords;
      if (isEnough || session.hasEnded || signal.aborted) return reads;
      if (reads.some(({ failed, isFull }) => failed || isFull)) return reads;
      const timeoutMs = deadlineMs - performance.now();
      if (timeoutMs <= 0) return reads;
      if (reads.some(isDue)) continue;
      const positions = reads.flatMap(({ tail }) => (tail === undefined ? [] : [tail]));
      waiting = new AbortController();
      const waited = bridge.store.log.awaitAppend(positions, { timeoutMs, signal: waiting.signal });
      // Without the store there is nothing to wait for; the client comes again.
      const news = await unlessUnavailable(waited, () => undefined);
      waiting = undefined;
      if (news === undefined || (!news && !woken)) return reads;
      if (news) for (const read of reads) read.noteAppend();
    }
  } finally {
    signal.removeEventListener('abort', endWait);
    for (const read of reads) read.stopWaiting();
  }
}
