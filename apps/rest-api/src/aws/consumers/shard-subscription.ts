import type { ShardLimits } from '@tailrace/quota';
import { type Shard, type Store, StoreUnavailable, type Stream, type StreamCatalog } from '@tailrace/shard-core';
import {
  linksFrom,
  type LogFields,
  logger,
  logMetrics,
  type offSpan,
  setHttpTransfer,
  spanKinds,
  startSpan,
  trafficMetrics,
} from '@tailrace/telemetry';
import type { EventStream } from '../../http/event-stream.ts';
import { AwsError, INTERNAL_FAILURE_TEXT } from '../aws-error.ts';
import { keyMissingError } from '../encryption.ts';
import { EventFrames } from '../event-stream/event-frames.ts';
import { type NamedStream, streamNotFound } from '../named-streams.ts';
import { isAtEnd, millisBehind, readPage, type RecordPage, traceparentsOf } from '../record-page.ts';
import { refusalError } from '../refusal-errors.ts';
import { describeChildShards } from '../shard-description.ts';
import { placeBefore } from '../starting-position.ts';
import type { WireCodec, WireStructure } from '../wire/wire-codec.ts';
import { type Consumer, createdSeconds } from './consumer.ts';
import { consumerNotFound, subscriptionExists } from './consumer-errors.ts';
import { encodeEvent } from './event-contents.ts';
import type { SubscriptionTimes } from './subscription-times.ts';
import type { Subscription, SubscriptionLoss } from './subscriptions.ts';

/** What one event holds at most: what a client that does not read makes us keep. A larger record goes alone. */
const EVENT_LIMITS = { records: 500, bytes: 512 * 1024, reads: 1 };
/** A shard may be sealed before all that is in it may be read; nobody tells when the rest may. */
const SETTLE_MS = 20;

export interface ShardSubscriptionOptions {
  readonly store: Store;
  readonly catalog: StreamCatalog;
  readonly limits: ShardLimits;
  readonly clock: () => number;
  readonly times: SubscriptionTimes;
  readonly subscription: Subscription;
  readonly consumer: Consumer;
  readonly shard: Shard;
  readonly place: NamedStream;
  /** The stream, as the catalog knows it. */
  readonly keptName: string;
  readonly startOffset: bigint;
  /** Of the request: parent of the events' spans. */
  readonly span: typeof offSpan;
}

/** `gone`: nobody reads any more. `expired`: its time is over. */
type End = SubscriptionLoss | 'gone' | 'expired';

/**
 * Sends what is in a shard, and then what comes into it, as events, until the shard or the subscription ends. An event
 * is made when the client has taken the last, so a slow client holds one. At the tail it waits for the log to tell.
 */
export class ShardSubscription {
  readonly #options: ShardSubscriptionOptions;
  readonly #events: EventStream;
  readonly #codec: WireCodec;
  readonly #frames: EventFrames;
  readonly #ended = new AbortController();
  readonly #consumerId: string;
  /** The request's span ends when its events begin, and cannot be asked then. */
  readonly #traced: boolean;
  #end: End | undefined;
  /** Interrupts what waits for the client or for time to pass. */
  #wake: (() => void) | undefined;
  #offset: bigint;
  #millisBehind = 0;
  /** The first event comes at once, also without records: it tells the client where it stands. */
  #heartbeatAtMs = performance.now();

  constructor(options: ShardSubscriptionOptions, events: EventStream, codec: WireCodec) {
    this.#options = options;
    this.#events = events;
    this.#codec = codec;
    this.#frames = new EventFrames(codec, 'SubscribeToShardEvent');
    const { consumer, startOffset, span } = options;
    this.#traced = span.isRecording();
    this.#consumerId = `${consumer.name}:${createdSeconds(consumer.createdAtMs)}`;
    this.#offset = startOffset;
  }

  /** Never rejects. */
  async run(): Promise<void> {
    const { subscription, times } = this.#options;
    subscription.onLost((loss) => this.#stop(loss));
    this.#events.onClose(() => this.#stop('gone'));
    const lifetime = setTimeout(() => this.#stop('expired'), times.lifetimeMs);
    try {
      this.#events.write(this.#frames.initialResponse());
      while (this.#end === undefined && (await this.#turn()));
      this.#sayGoodbye();
    } catch (error) {
      this.#fail(error);
    } finally {
      clearTimeout(lifetime);
      subscription.release();
      this.#events.end();
    }
  }

  #stop(end: End): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#ended.abort();
    this.#wake?.();
  }

  /** Reads once and sends what there is; waits if there was nothing. Answers whether to go on. */
  async #turn(): Promise<boolean> {
    const { store, shard } = this.#options;
    const page = await this.#read();
    let sentBytes = 0;
    let flows = true;
    let atTip: boolean;
    try {
      const sealed = isAtEnd(page);
      const children = sealed ? await this.#children() : undefined;
      if (this.#end !== undefined) return false;
      this.#offset = page.nextOffset;
      this.#millisBehind = millisBehind(page, this.#options.clock());
      if (page.recordCount > 0 || children !== undefined) {
        flows = this.#send(page, children);
        sentBytes = page.byteCount;
        if (children !== undefined) return false;
      }
      atTip = page.nextOffset >= page.bounds.lastStableOffset;
      // Such a shard would be told of at once, again and again.
      if (atTip && page.bounds.sealed && !sealed) await this.#pause(SETTLE_MS);
    } finally {
      page.release();
    }
    if (!flows) await this.#untilDrained();
    if (sentBytes > 0) await this.#pace(sentBytes);
    if (this.#end === undefined && performance.now() >= this.#heartbeatAtMs && !this.#send())
      await this.#untilDrained();
    if (!atTip || this.#end !== undefined) return true;
    const timeoutMs = Math.max(0, this.#heartbeatAtMs - performance.now());
    const position = { shard: shard.key, offset: this.#offset, isolation: 'readCommitted' } as const;
    await store.log.awaitAppend([position], { timeoutMs, signal: this.#ended.signal });
    return true;
  }

  async #read(): Promise<RecordPage> {
    const { store, shard, place } = this.#options;
    const started = performance.now();
    const read = await readPage(store.log, shard.key, this.#offset, EVENT_LIMITS);
    logMetrics(store.engine).read.observe((performance.now() - started) / 1000);
    if (read.ok) return read.value;
    // A log that is gone has gone with its stream.
    throw read.refusal.code === 'shardNotFound' ? streamNotFound(place) : refusalError(read.refusal, place);
  }

  /**
   * What a sealed shard has become. A split or merge seals first and writes the children down behind it: waits until
   * they are there, with heartbeats. `undefined`: the subscription has ended meanwhile.
   */
  async #children(): Promise<readonly WireStructure[] | undefined> {
    const { catalog, shard, consumer, place, keptName } = this.#options;
    // One that retention has dropped meanwhile was closed before.
    const isClosed = (stream: Stream): boolean => {
      const current = stream.shard(shard.number);
      return current === undefined || current.closedAtMs !== undefined;
    };
    while (this.#end === undefined) {
      const stream = await catalog.waitFor(
        keptName,
        (current) => current?.id !== consumer.streamId || isClosed(current),
        { timeoutMs: Math.max(0, this.#heartbeatAtMs - performance.now()), signal: this.#ended.signal },
      );
      if (stream?.id !== consumer.streamId) throw streamNotFound(place);
      if (isClosed(stream)) return describeChildShards(stream.shards, shard);
      if (this.#end === undefined && !this.#send()) await this.#untilDrained();
    }
    return undefined;
  }

  /** Sends an event: the records of a page, or none. `children`: the last one. `false`: the client reads slower. */
  #send(page?: RecordPage, children?: readonly WireStructure[]): boolean {
    const { shard, place, span: parent } = this.#options;
    this.#heartbeatAtMs = performance.now() + this.#options.times.heartbeatMs;
    const others = {
      MillisBehindLatest: this.#millisBehind,
      // The service leaves it out at the end of a shard, and the KCL knows the end by that.
      ContinuationSequenceNumber: children === undefined ? placeBefore(shard, this.#offset) : undefined,
      ChildShards: children,
    };
    if (page !== undefined) trafficMetrics('http').sent(page.recordCount, page.byteCount);
    if (page === undefined || page.recordCount === 0 || !this.#traced) {
      return this.#events.write(this.#frames.event(encodeEvent(this.#codec, page, shard, others)));
    }
    const span = startSpan({ name: `receive ${place.streamName}`, kind: spanKinds.internal }, parent);
    setHttpTransfer(span, 'SubscribeToShard', {
      type: 'receive',
      stream: place.streamName,
      shardId: shard.shardId,
      recordCount: page.recordCount,
      links: linksFrom(traceparentsOf(page)),
    });
    const flows = this.#events.write(this.#frames.event(encodeEvent(this.#codec, page, shard, others)));
    span.end();
    return flows;
  }

  /** Waits as long as the consumer's share of the shard asks, with heartbeats. */
  async #pace(bytes: number): Promise<void> {
    const { limits, shard } = this.#options;
    const charged = limits.chargeConsumerRead(shard.key, this.#consumerId, bytes);
    const pauseMs = typeof charged === 'number' ? charged : await charged;
    if (pauseMs === 0) return;
    trafficMetrics('http').throttled++;
    const untilMs = performance.now() + pauseMs;
    for (;;) {
      const nowMs = performance.now();
      if (nowMs >= untilMs || this.#end !== undefined) return;
      if (nowMs >= this.#heartbeatAtMs && !this.#send()) await this.#untilDrained();
      await this.#pause(Math.min(untilMs, this.#heartbeatAtMs) - performance.now());
    }
  }

  async #pause(ms: number): Promise<void> {
    if (ms <= 0 || this.#end !== undefined) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
    this.#wake = undefined;
  }

  /** Until the client has taken what was sent, or the subscription has ended: then nobody waits for a slow client. */
  async #untilDrained(): Promise<void> {
    if (this.#end !== undefined) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      void this.#events.drained().then(resolve);
    });
    this.#wake = undefined;
  }

  #sayGoodbye(): void {
    const { consumer, shard, place } = this.#options;
    if (this.#end === 'takenOver') {
      this.#events.write(this.#frames.exception(subscriptionExists(shard.shardId, consumer.name, place)));
    } else if (this.#end === 'deregistered') {
      this.#events.write(this.#frames.exception(consumerNotFound(consumer.name, place)));
    }
  }

  #fail(error: unknown): void {
    if (this.#end === 'gone') return;
    const known = keyMissingError(error) ?? error;
    if (known instanceof AwsError && known.statusCode < 500) {
      this.#events.write(this.#frames.exception(known));
      return;
    }
    const { consumer, shard, place } = this.#options;
    const at: LogFields = {
      door: 'http',
      stream: place.streamName,
      shard: shard.shardId,
      consumer: consumer.name,
      err: error,
    };
    if (error instanceof StoreUnavailable || error instanceof AwsError) logger.warn(at, 'a subscription failed');
    else logger.error(at, 'a subscription failed by a bug');
    // In a stream of events, the model gives the failure this longer name.
    this.#events.write(this.#frames.exception({ type: 'InternalFailureException', message: INTERNAL_FAILURE_TEXT }));
  }
}
