import { randomUUID } from 'node:crypto';
import type { Appended, AppendRequest } from '../contract/log.ts';
import { type Outcome, type Refusal, StoreUnavailable } from '../contract/refusal.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import { placeBatch } from './batch-fields.ts';
import { INLINE_BATCH_BYTES_MAX, TEMPORARY_PAYLOAD_TTL_MS } from './bounds.ts';
import type { Argument } from './connection.ts';
import { type LogContext, refused, shardNotFound } from './log-context.ts';
import type { RedisNode } from './redis-node.ts';
import type { Reply } from './scripts.ts';

const EMPTY = Buffer.alloc(0);

/** Makes appends; see lua/append-batch.lua for what happens in Redis. */
export class Appender {
  readonly #context: LogContext;
  /** Names temporary payloads of this process. */
  readonly #name = randomUUID();
  #payloads = 0;

  constructor(context: LogContext) {
    this.#context = context;
  }

  /** See `Log.append`. */
  append(request: AppendRequest): Promise<Outcome<Appended>> {
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
      if (minInsyncReplicas <= 1) return this.#append(node, request);
      return acks === 'all' ? this.#appendToAll(node, request) : this.#appendToLeader(node, request);
    });
  }

  async #append(node: RedisNode, request: AppendRequest): Promise<Outcome<Appended>> {
    return this.#outcome(request, await this.#run(node, request));
  }

  /** `acks` 0 and 1 never wait for a replica, but the watermark does. */
  async #appendToLeader(node: RedisNode, request: AppendRequest): Promise<Outcome<Appended>> {
    const reply = await this.#run(node, request);
    const outcome = this.#outcome(request, reply);
    if (outcome.ok) {
      const { watermarks } = this.#context.primaryOf(node);
      watermarks.track(request.shard, Number(reply[2]), request.minInsyncReplicas);
    }
    return outcome;
  }

  async #appendToAll(node: RedisNode, request: AppendRequest): Promise<Outcome<Appended>> {
    const { replicas, watermarks } = this.#context.primaryOf(node);
    const { shard, minInsyncReplicas: required, timeoutMs } = request;
    const inSync = replicas.copiesInSync();
    const available = typeof inSync === 'number' ? inSync : await inSync;
    if (available < required) {
      return this.#refuseOpenShard(request, { code: 'notEnoughReplicas', required, available });
    }
    const reply = await this.#run(node, request);
    const outcome = this.#outcome(request, reply);
    if (!outcome.ok) return outcome;
    // A repetition waits as well: the first attempt may have failed for want of replicas.
    watermarks.track(shard, Number(reply[2]), required);
    const reached = await watermarks.waitForCopies(required, timeoutMs);
    if (reached.enough) return outcome;
    replicas.forget();
    return refused({ code: 'notEnoughReplicasAfterAppend', required, acknowledged: reached.copies });
  }

  #run(node: RedisNode, { shard, batch, header, minInsyncReplicas }: AppendRequest): Promise<Reply<'append-batch'>> {
    const { keys, clock } = this.#context;
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
    ];
    // Markers that end a transaction have a producer but no sequence of their own.
    if (header.producerId >= 0n && header.baseSequence >= 0) {
      args.push(String(header.producerId), String(header.producerEpoch), String(header.baseSequence));
    }
    if (inline) return node.run('append-batch', [log, meta, producers, temporaryKey], args);

    // Both leave in one write, the bytes in front, so that the script finds them.
    const stored = node.writes.send('set', [temporaryKey, batch, 'PX', String(TEMPORARY_PAYLOAD_TTL_MS)]);
    const appended = node.run('append-batch', [log, meta, producers, temporaryKey], args);
    return this.#withPayload(stored, appended);
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

  #outcome({ shard, batch, header }: AppendRequest, reply: Reply<'append-batch'>): Outcome<Appended> {
    const [tag, ...fields] = reply;
    if (tag === 'ok' || tag === 'duplicate') {
      const [base, next, appendTime, start, watermark] = fields as [string, string, string, string, string?];
      const appended: Appended = {
        baseOffset: BigInt(base),
        nextOffset: BigInt(next),
        appendTimeMs: Number(appendTime),
        logStartOffset: BigInt(start),
        duplicate: tag === 'duplicate',
      };
      if (watermark !== undefined) this.#heard(shard, appended, Number(watermark), batch);
      return { ok: true, value: appended };
    }
    const { producerId, producerEpoch: epoch, baseSequence } = header;
    switch (tag) {
      case 'shardNotFound':
        return shardNotFound(shard);
      case 'shardSealed':
        return refused({ code: 'shardSealed', shard });
      case 'staleProducerEpoch':
        return refused({ code: 'staleProducerEpoch', producerId, epoch, current: Number(fields[0]) });
      case 'outOfOrderSequence':
        return refused({ code: 'outOfOrderSequence', producerId, expected: Number(fields[0]), got: baseSequence });
      case 'duplicateSequence':
        return refused({ code: 'duplicateSequence', producerId, sequence: baseSequence });
      case 'payloadMissing':
        throw new StoreUnavailable(
          `Redis has lost the bytes of a batch before its append (shard ${shard}); nothing was written`,
        );
    }
  }

  #heard(shard: ShardKey, appended: Appended, watermark: number, batch: Buffer): void {
    const { views, wakeUps, tailCache, leaderEpoch } = this.#context;
    const { baseOffset, nextOffset, appendTimeMs, logStartOffset } = appended;
    const view = views.get(shard);
    view.hear({ start: Number(logStartOffset), end: Number(nextOffset), watermark });
    view.sizeBytes += batch.length;
    // Before the waiters wake: their reads find it.
    placeBatch(batch, Number(baseOffset), leaderEpoch.current);
    tailCache.append(shard, baseOffset, nextOffset, appendTimeMs, batch);
    wakeUps.heard(shard, watermark);
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
