import type {
  Appended,
  AppendRequest,
  Compacted,
  CompactRequest,
  EndTransactionRequest,
  LeaderEpochStart,
  Log,
  LogSlice,
  OpenShardOptions,
  ProducerState,
  ReadLimits,
  ShardBounds,
  TailPosition,
} from '../contract/log.ts';
import type { Outcome } from '../contract/refusal.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import { Appender } from './append.ts';
import { ShardCompactor } from './compaction.ts';
import { type LogContext, refused, shardNotFound } from './log-context.ts';
import { handOverProducers, listProducers } from './producers.ts';
import { Purger } from './purge.ts';
import { LogReader } from './read.ts';
import { type TimedBatch, TimestampSearch } from './timestamps.ts';

/** The logs of shards in Redis. The parts are in files of their own; here is what is left: opening and ending shards. */
export class RedisLog implements Log {
  readonly #context: LogContext;
  readonly #appender: Appender;
  readonly reader: LogReader;
  readonly #timestamps: TimestampSearch;
  readonly #purger: Purger;
  readonly #compactor: ShardCompactor;

  constructor(context: LogContext) {
    this.#context = context;
    this.#appender = new Appender(context);
    this.reader = new LogReader(context);
    this.#timestamps = new TimestampSearch(context);
    this.#purger = new Purger(context.keys, context.topology);
    this.#compactor = new ShardCompactor(context, this.reader, this.#purger);
  }

  async openShard(
    shard: ShardKey,
    { startOffset, producersOf = [], encrypted = false }: OpenShardOptions,
  ): Promise<void> {
    const { topology, keys, leaderEpoch } = this.#context;
    for (const { shard: from, partition } of producersOf)
      await handOverProducers(this.#context, from, partition, shard);
    const { meta, log, producers, inherited, compacted, compacting, replaced } = keys.shard(shard);
    const partitions = producersOf.map(({ partition }) => `${partition},`);
    const taken = partitions.length === 0 ? '' : `,${partitions.join('')}`;
    const args = [String(startOffset), taken, encrypted ? '1' : '', leaderEpoch.text];
    const all = [meta, log, producers, inherited, compacted, compacting, replaced];
    const open = () => topology.at(meta, (node) => node.run('open-shard', all, args));
    // Somebody deleted a shard of this name and ended before its entries were gone.
    while ((await open())[0] === 'leftover') await this.#purger.purge(shard);
  }

  append(request: AppendRequest): Promise<Outcome<Appended>> {
    return this.#appender.append(request);
  }

  endTransaction(request: EndTransactionRequest): Promise<Outcome<Appended>> {
    return this.#appender.endTransaction(request);
  }

  async producers(shard: ShardKey): Promise<Outcome<readonly ProducerState[]>> {
    const bounds = await this.bounds(shard);
    return bounds.ok ? { ok: true, value: await listProducers(this.#context, shard) } : bounds;
  }

  read(shard: ShardKey, fromOffset: bigint, limits: ReadLimits): Promise<Outcome<LogSlice>> {
    return this.reader.read(shard, fromOffset, limits);
  }

  bounds(shard: ShardKey): Promise<Outcome<ShardBounds>> {
    return this.reader.bounds(shard);
  }

  leaderEpochs(shard: ShardKey): Promise<Outcome<readonly LeaderEpochStart[]>> {
    return this.reader.leaderEpochs(shard);
  }

  offsetForTime(
    shard: ShardKey,
    timestampMs: number,
    by: 'append' | 'record',
  ): Promise<Outcome<TimedBatch | undefined>> {
    return this.#timestamps.offsetForTime(shard, timestampMs, by);
  }

  maxRecordTimestamp(shard: ShardKey): Promise<Outcome<TimedBatch | undefined>> {
    return this.#timestamps.maxRecordTimestamp(shard);
  }

  async trim(shard: ShardKey, beforeOffset: bigint): Promise<Outcome<{ readonly logStartOffset: bigint }>> {
    const { topology, keys, views } = this.#context;
    const { meta, aborted } = keys.shard(shard);
    const args = [String(beforeOffset), shard, keys.shardChannel];
    const [tag, start, end] = await topology.at(meta, (node) => node.run('move-start', [meta, aborted], args));
    if (tag === 'shardNotFound') return shardNotFound(shard);
    const logStartOffset = BigInt(start as string);
    if (tag === 'offsetOutOfRange') {
      const logEndOffset = BigInt(end as string);
      return refused({ code: 'offsetOutOfRange', shard, offset: beforeOffset, logStartOffset, logEndOffset });
    }
    const view = views.peek(shard);
    if (view !== undefined) view.start = Math.max(view.start, Number(start));
    this.#purger.purgeSoon(shard);
    return { ok: true, value: { logStartOffset } };
  }

  compact(request: CompactRequest): Promise<Outcome<Compacted>> {
    return this.#compactor.compact(request);
  }

  async seal(shard: ShardKey): Promise<Outcome<{ readonly endOffset: bigint }>> {
    const { topology, keys } = this.#context;
    const { meta } = keys.shard(shard);
    const [tag, end] = await topology.at(meta, (node) => node.run('seal-shard', [meta], [shard, keys.shardChannel]));
    if (tag === 'shardNotFound') return shardNotFound(shard);
    this.#context.wakeUps.sealed(shard);
    return { ok: true, value: { endOffset: BigInt(end as string) } };
  }

  async requireEncryption(shard: ShardKey, required: boolean): Promise<Outcome<undefined>> {
    const { topology, keys } = this.#context;
    const { meta } = keys.shard(shard);
    const [tag] = await topology.at(meta, (node) => node.run('require-encryption', [meta], [required ? '1' : '']));
    return tag === 'ok' ? { ok: true, value: undefined } : shardNotFound(shard);
  }

  async deleteShards(shards: readonly ShardKey[]): Promise<void> {
    const { topology, keys, views, wakeUps, tailCache } = this.#context;
    await Promise.all(
      shards.map(async (shard) => {
        const { meta, producers, open, aborted, inherited } = keys.shard(shard);
        const all = [meta, producers, open, aborted, inherited];
        await topology.at(meta, (node) => node.run('delete-shard', all, [shard, keys.shardChannel]));
        views.forget(shard);
        tailCache.drop(shard);
        wakeUps.deleted(shard);
        await this.#purger.purge(shard);
      }),
    );
  }

  awaitAppend(
    positions: readonly TailPosition[],
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<boolean> {
    return this.#context.wakeUps.wait(positions, options);
  }

  close(): Promise<void> {
    return this.#purger.close();
  }
}
