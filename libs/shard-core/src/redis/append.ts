import { randomUUID } from 'node:crypto';
import {
  encodeEndTransactionMarker,
  type EndTransactionMarker,
  readBatchHeader,
  readEndTransactionMarker,
} from '@tailrace/kafka-protocol';
import type { Appended, AppendRequest, EndTransactionRequest } from '../contract/log.ts';
import { type Outcome, type Refusal, StoreUnavailable } from '../contract/refusal.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import { FailedAppends } from '../failed-appends.ts';
import { placeBatch } from './batch-fields.ts';
import { INLINE_BATCH_BYTES_MAX, TEMPORARY_PAYLOAD_TTL_MS } from './bounds.ts';
import type { Argument } from './connection.ts';
import { type LogContext, refused, shardNotFound } from './log-context.ts';
import type { RedisNode } from './redis-node.ts';
import type { Reply } from './scripts.ts';

const EMPTY = Buffer.alloc(0);

/** An append as the script is asked for it. */
type Asked = AppendRequest & {
  /** See lua/append-batch.lua, ARGV[17]. */
  readonly ended?: boolean;
};

/** Told by which shards a transaction must be ended first. */
type Inherited = (shards: readonly ShardKey[]) => void;

/** Makes appends; see lua/append-batch.lua for what happens in Redis. */
export class Appender {
  readonly #context: LogContext;
  readonly #failed: FailedAppends;
  /** Names temporary payloads of this process. */
  readonly #name = randomUUID();
  #payloads = 0;

  constructor(context: LogContext) {
    this.#context = context;
    this.#failed = new FailedAppends(Date.now);
  }

  /** See `Log.append`. */
  append(request: AppendRequest): Promise<Outcome<Appended>> {
    return this.#send(request);
  }

  /** See `Log.endTransaction`. */
  async endTransaction(request: EndTransactionRequest): Promise<Outcome<Appended>> {
    const batch = this.#markerOf(request);
    const asked = { ...request, batch, header: readBatchHeader(batch, 0) };
    for (let ended = false; ; ended = true) {
      let inherited: readonly ShardKey[] = [];
      const outcome = await this.#send({ ...asked, ended }, (shards) => (inherited = shards));
      if (inherited.length === 0) return outcome;
      // First there: as long as the marker is not here, whoever sends it knows that not all is done.
      for (const shard of inherited) await this.#release(shard, request);
    }
  }

  /** Ends a transaction in a shard from which the producer's partition has gone on elsewhere. */
  async #release(shard: ShardKey, request: EndTransactionRequest, isAgain = false): Promise<void> {
    const { keys, topology } = this.#context;
    const { meta, open, aborted } = keys.shard(shard);
    const args = [String(request.producerId), request.commit ? 'commit' : 'abort', shard, keys.shardChannel];
    const [tag] = await topology.at(meta, (node) => node.run('release-transaction', [meta, open, aborted], args));
    if (tag !== 'unsealed') return;
    const batch = this.#markerOf(request);
    const outcome = await this.#send({ ...request, shard, batch, header: readBatchHeader(batch, 0), ended: true });
    if (outcome.ok) return;
    // It was sealed between the two, which happens once: what its log does not take any more is noted beside it.
    if (outcome.refusal.code === 'shardSealed' && !isAgain) await this.#release(shard, request, true);
    // Another coordinator has been here: the marker is sent again, or was sent.
    else throw new StoreUnavailable(`a transaction could not be ended in ${shard}: ${outcome.refusal.code}`);
  }

  #markerOf({ commit: commits, producerId, producerEpoch, coordinatorEpoch }: EndTransactionRequest): Buffer {
    const timestampMs = (this.#context.clock ?? Date.now)();
    return encodeEndTransactionMarker({ commits, producerId, producerEpoch, coordinatorEpoch, timestampMs });
  }

  /** `inherited`: told where the transaction must be ended first; the outcome means nothing then. */
  #send(request: Asked, inherited?: Inherited): Promise<Outcome<Appended>> {
    const { batch, shard, acks, minInsyncReplicas } = request;
    const { bounds, topology, keys } = this.#context;
    if (batch.length > bounds.batchBytesMax) {
      return this.#refuseOpenShard(request, {
        code: 'batchTooLarge',
        bytes: batch.length,
        maxBytes: bounds.batchBytesMax,
      });
    }
    return topology.at(keys.shard(shard).log, (node) => {
      if (minInsyncReplicas <= 1) return this.#append(node, request, inherited);
      return acks === 'all'
        ? this.#appendToAll(node, request, inherited)
        : this.#appendToLeader(node, request, inherited);
    });
  }

  async #append(node: RedisNode, request: Asked, inherited?: Inherited): Promise<Outcome<Appended>> {
    return this.#outcome(request, await this.#run(node, request), inherited);
  }

  /** `acks` 0 and 1 never wait for a replica, but the watermark does. */
  async #appendToLeader(node: RedisNode, request: Asked, inherited?: Inherited): Promise<Outcome<Appended>> {
    const reply = await this.#run(node, request);
    const outcome = this.#outcome(request, reply, inherited);
    if (outcome.ok) {
      const { watermarks } = this.#context.primaryOf(node);
      watermarks.track(request.shard, Number(reply[2]), request.minInsyncReplicas);
    }
    return outcome;
  }

  async #appendToAll(node: RedisNode, request: Asked, inherited?: Inherited): Promise<Outcome<Appended>> {
    const { replicas, watermarks } = this.#context.primaryOf(node);
    const { shard, minInsyncReplicas: required, timeoutMs } = request;
    const inSync = replicas.copiesInSync();
    const available = typeof inSync === 'number' ? inSync : await inSync;
    if (available < required) {
      this.#failed.add(shard, request.header, request.partition ?? 0);
      return this.#refuseOpenShard(request, { code: 'notEnoughReplicas', required, available });
    }
    const reply = await this.#run(node, request);
    const outcome = this.#outcome(request, reply, inherited);
    if (!outcome.ok) return outcome;
    // A repetition waits as well: the first attempt may have failed for want of replicas.
    watermarks.track(shard, Number(reply[2]), required);
    const reached = await watermarks.waitForCopies(required, timeoutMs);
    if (reached.enough) return outcome;
    replicas.forget();
    return refused({ code: 'notEnoughReplicasAfterAppend', required, acknowledged: reached.copies });
  }

  #run(node: RedisNode, request: Asked): Promise<Reply<'append-batch'>> {
    if (!node.isClaimed) return this.#runOnceClaimed(node, request);
    const { shard, batch, header, minInsyncReplicas } = request;
    const { keys, clock, leaderEpoch } = this.#context;
    const { log, meta, producers, temporary } = keys.shard(shard);
    const inline = batch.length <= INLINE_BATCH_BYTES_MAX;
    const temporaryKey = inline ? temporary : `${temporary}${this.#name}:${this.#payloads++}`;
    const args: Argument[] = [
      clock === undefined ? '' : String(clock()),
      String(header.lastOffsetDelta + 1),
      String(batch.length),
      String(header.maxTimestampMs),
      String(minInsyncReplicas),
      shard,
      keys.shardChannel,
      inline ? batch : EMPTY,
      leaderEpoch.text,
    ];
    const isProducers = this.#tellProducer(request, args);
    // Both leave in one write, the bytes in front, so that the script finds them.
    const stored = inline
      ? undefined
      : node.writes.send('set', [temporaryKey, batch, 'PX', String(TEMPORARY_PAYLOAD_TTL_MS)]);
    let appended = node.run('append-batch', [log, meta, producers, temporaryKey], args);
    if (stored !== undefined) appended = this.#withPayload(stored, appended);
    return isProducers ? this.#notingFailure(request, appended) : appended;
  }

  /** The primary may be a new one, whose leader epoch is not known yet. */
  async #runOnceClaimed(node: RedisNode, request: Asked): Promise<Reply<'append-batch'>> {
    await this.#notingFailure(request, node.claimed());
    return this.#run(node, request);
  }

  /** Adds what the script must know of an idempotent producer; `false` when there is none. */
  #tellProducer({ shard, batch, header, partition = 0, ended }: Asked, args: Argument[]): boolean {
    const { producerId, producerEpoch, baseSequence, isControl, isTransactional } = header;
    if (producerId < 0n) return false;
    let marker: EndTransactionMarker | undefined;
    if (isControl) {
      marker = readEndTransactionMarker(batch, 0, header);
      // Other control batches have no sequence of their own, and end nothing.
      if (marker === undefined) return false;
    }
    const mustBeginWith = this.#failed.mustBeginWith(shard, header, partition);
    args.push(String(producerId), String(partition), String(producerEpoch), String(baseSequence));
    args.push(mustBeginWith === undefined ? '' : String(mustBeginWith));
    if (marker !== undefined) {
      args.push(marker.commits ? 'commit' : 'abort', String(marker.coordinatorEpoch), ended === true ? '1' : '');
    } else {
      args.push(isTransactional ? 'write' : '');
    }
    return true;
  }

  async #notingFailure<T>({ shard, header, partition = 0 }: Asked, appending: Promise<T>): Promise<T> {
    try {
      return await appending;
    } catch (error) {
      this.#failed.add(shard, header, partition);
      throw error;
    }
  }

  async #withPayload(
    stored: Promise<unknown>,
    appended: Promise<Reply<'append-batch'>>,
  ): Promise<Reply<'append-batch'>> {
    const [bytes, reply] = await Promise.allSettled([stored, appended]);
    if (reply.status === 'fulfilled' && reply.value[0] !== 'payloadMissing') return reply.value;
    // Why the bytes are not there (memory full, …) says more than that they are missing.
    if (bytes.status === 'rejected') throw bytes.reason;
    if (reply.status === 'rejected') throw reply.reason;
    return reply.value;
  }

  #outcome(
    { shard, batch, header, partition = 0 }: Asked,
    reply: Reply<'append-batch'>,
    inherited?: Inherited,
  ): Outcome<Appended> {
    const [tag, ...fields] = reply;
    if (tag === 'ok' || tag === 'duplicate') {
      const [base, next, appendTime, start, watermark, stable, lastAborted, epoch] = fields as [
        string,
        string,
        string,
        string,
        ...string[],
      ];
      const appended: Appended = {
        baseOffset: BigInt(base),
        nextOffset: BigInt(next),
        appendTimeMs: Number(appendTime),
        logStartOffset: BigInt(start),
        duplicate: tag === 'duplicate',
      };
      if (watermark !== undefined) {
        placeBatch(batch, Number(base), Number(epoch));
        this.#context.leaderEpoch.hear(Number(epoch));
        this.#heard(shard, appended, Number(watermark), Number(stable), Number(lastAborted), batch);
      }
      return { ok: true, value: appended };
    }
    const { producerId, producerEpoch: epoch, baseSequence } = header;
    switch (tag) {
      case 'shardNotFound':
        return shardNotFound(shard);
      case 'shardSealed':
        // It comes again, to another shard: what is behind it must not be taken for the producer's first there.
        this.#failed.add(shard, header, partition);
        return refused({ code: 'shardSealed', shard });
      case 'encryptionRequired':
        return refused({ code: 'encryptionRequired', shard });
      case 'staleProducerEpoch':
        return refused({ code: 'staleProducerEpoch', producerId, epoch, current: Number(fields[0]) });
      case 'staleCoordinatorEpoch': {
        const { coordinatorEpoch } = readEndTransactionMarker(batch, 0, header) as EndTransactionMarker;
        return refused({ code: 'staleCoordinatorEpoch', producerId, coordinatorEpoch, current: Number(fields[0]) });
      }
      case 'inherited':
        inherited?.((fields[0] as string).split(' ') as ShardKey[]);
        return refused({ code: 'shardSealed', shard });
      case 'outOfOrderSequence':
        return refused({ code: 'outOfOrderSequence', producerId, expected: Number(fields[0]), got: baseSequence });
      case 'duplicateSequence':
        return refused({ code: 'duplicateSequence', producerId, sequence: baseSequence });
      case 'transactionOpen':
        return refused({ code: 'transactionOpen', producerId });
      case 'payloadMissing':
        throw new StoreUnavailable(
          `Redis has lost the bytes of a batch before its append (shard ${shard}); nothing was written`,
        );
    }
  }

  #heard(
    shard: ShardKey,
    appended: Appended,
    watermark: number,
    stable: number,
    lastAborted: number,
    batch: Buffer,
  ): void {
    const { views, wakeUps, tailCache } = this.#context;
    const { baseOffset, nextOffset, appendTimeMs, logStartOffset } = appended;
    const view = views.get(shard);
    view.hear({ start: Number(logStartOffset), end: Number(nextOffset), watermark, stable, lastAborted });
    view.sizeBytes += batch.length;
    // Before the waiters wake: their reads find it.
    tailCache.append(shard, baseOffset, nextOffset, appendTimeMs, batch);
    wakeUps.heard(shard, watermark, stable);
  }

  /** Refuses for a reason that comes behind a missing and a sealed shard in the order of refusals. */
  async #refuseOpenShard({ shard }: AppendRequest, refusal: Refusal): Promise<Outcome<Appended>> {
    const { topology, keys } = this.#context;
    const { meta } = keys.shard(shard);
    const [end, sealed] = (await topology.at(meta, (node) => node.writes.send('hmget', [meta, 'end', 'sealed']))) as [
      string | null,
      string | null,
    ];
    if (end === null) return shardNotFound(shard);
    if (sealed !== null) return refused({ code: 'shardSealed', shard });
    return refused(refusal);
  }
}
