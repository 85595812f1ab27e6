import {
  type BatchHeader,
  type ErrorCode,
  errorCodes,
  produceApi,
  type ProduceRequest,
  type ProduceResponse,
} from '@tailrace/kafka-protocol';
import { acksOfKafka, requirementOfProduce } from '@tailrace/replication';
import {
  type Acks,
  type Appended,
  type Outcome,
  type Partition,
  type ShardKey,
  type Stream,
  StoreUnavailable,
} from '@tailrace/shard-core';
import {
  linksFrom,
  scanTraceparents,
  setKafkaTransfer,
  setLogTransfer,
  tracing,
  trafficMetrics,
  withLogSpan,
} from '@tailrace/telemetry';
import type { Bridge } from '../bridge.ts';
import type { Exchange } from '../connection/exchange.ts';
import { explainRefusal, refusalErrors, unlessUnavailable } from '../errors/refusal-errors.ts';
import { checkRecords } from '../produce/batch-errors.ts';
import {
  admitWrites,
  allAdmitted,
  explainRefusedWrite,
  NO_REFUSED_WRITES,
  type RefusedWrites,
} from '../produce/transactional-writes.ts';
import { appendRulesOf } from '../topics/append-rules.ts';
import { isInternalTopic } from '../topics/internal-topics.ts';
import { prepareBatch, type RecordError } from '../topics/batch-preparation.ts';
import { findOrCreateTopic } from '../topics/topic-creation.ts';
import { handler, NO_ANSWER } from './handler.ts';

type TopicRequest = ProduceRequest['topicData'][number];
type PartitionRequest = TopicRequest['partitionData'][number];
type TopicAnswer = ProduceResponse['responses'][number];
type PartitionAnswer = TopicAnswer['partitionResponses'][number];

/** Kafka takes topic ids instead of names from here on. */
const TOPIC_ID_SINCE = 13;
/** How often an append follows a partition into the shard where it goes on. */
const RESHARD_ATTEMPTS_MAX = 4;
/** How long it waits for that shard, while it is being made; or as long as the producer waits, where that is less. */
const RESHARD_WAIT_MAX_MS = 10_000;
const traffic = trafficMetrics('kafka');

/**
 * Produce: append one batch to each of some partitions. Every partition succeeds or fails alone.
 *
 * Any bridge takes appends for any partition, leader or not: order and idempotence are decided in the store, in one step.
 * Whole request: INVALID_REQUIRED_ACKS, named for every partition.
 * Per partition: UNKNOWN_TOPIC_ID, INVALID_TOPIC_EXCEPTION (a topic that the service writes), UNKNOWN_TOPIC_OR_PARTITION, then those of `checkRecords` and `prepareBatch`, TRANSACTIONAL_ID_AUTHORIZATION_FAILED
 * (a transactional batch without a transactional id), those of `admitWrites`, then those of the log (`refusalErrors`);
 * KAFKA_STORAGE_ERROR, retryable, when the store is away.
 *
 * With acks 0 there is no answer; an error then closes the connection, which makes the client fetch metadata anew.
 */
export const produce = handler({
  api: produceApi,
  versions: produceApi.advertised,
  run(request, exchange, bridge) {
    const acks = acksOfKafka(request.acks);
    if (acks === undefined) return refuseAll(request, errorCodes.INVALID_REQUIRED_ACKS, exchange);
    const byId = exchange.header.apiVersion >= TOPIC_ID_SINCE;
    // A topic that is not in memory has to be looked up, and what comes behind may not overtake it.
    const known = request.topicData.every((topic) => peek(topic, byId, bridge) !== undefined);
    if (!known) exchange.holdFollowers();
    if (request.transactionalId !== null) {
      const streamOf = (topic: TopicRequest) => peek(topic, byId, bridge);
      // What has to be asked for first may not be overtaken either.
      if (!allAdmitted(request, streamOf, bridge.transactionAdmission)) {
        exchange.holdFollowers();
        return appendAsked(request, acks, byId, exchange, bridge);
      }
    }
    return append(request, acks, byId, NO_REFUSED_WRITES, exchange, bridge);
  },
});

function refuseAll(request: ProduceRequest, errorCode: ErrorCode, exchange: Exchange) {
  const responses = request.topicData.map((topic) => refuseTopic(topic, errorCode));
  return finish(request, responses, exchange);
}

function peek({ name, topicId }: TopicRequest, byId: boolean, { catalog }: Bridge): Stream | undefined {
  return byId ? catalog.peekById(topicId) : catalog.peek(name);
}

/** Asks first whether the batches belong to an open transaction, of topics that have to be there for that. */
async function appendAsked(request: ProduceRequest, acks: Acks, byId: boolean, exchange: Exchange, bridge: Bridge) {
  const found = new Map<TopicRequest, Stream>();
  for (const topic of request.topicData) {
    const stream = peek(topic, byId, bridge) ?? (byId ? undefined : await findTopic(topic.name, bridge));
    if (stream !== undefined && stream !== 'unavailable') found.set(topic, stream);
  }
  const { apiVersion } = exchange.header;
  const refused = await admitWrites(request, apiVersion, (topic) => found.get(topic), bridge.transactionAdmission);
  return append(request, acks, byId, refused, exchange, bridge);
}

async function append(
  request: ProduceRequest,
  acks: Acks,
  byId: boolean,
  refused: RefusedWrites,
  exchange: Exchange,
  bridge: Bridge,
) {
  const pending: Promise<TopicAnswer>[] = [];
  for (const topic of request.topicData) {
    const stream = peek(topic, byId, bridge);
    pending.push(
      stream === undefined
        ? appendToUnknown(topic, byId, request, acks, refused, exchange, bridge)
        : appendToTopic(topic, stream, request, acks, refused, exchange, bridge),
    );
  }
  const responses = pending.length === 1 ? [await (pending[0] as Promise<TopicAnswer>)] : await Promise.all(pending);
  if (exchange.span.isRecording()) noteTransfer(request, responses, exchange, bridge);
  return finish(request, responses, exchange);
}

function finish(
  request: ProduceRequest,
  responses: TopicAnswer[],
  exchange: Exchange,
): ProduceResponse | typeof NO_ANSWER {
  let error: string | undefined;
  for (const { name, partitionResponses } of responses) {
    for (const { index, errorCode, errorMessage } of partitionResponses) {
      if (errorCode === errorCodes.NONE) continue;
      exchange.noteError(errorCode);
      error ??= `${name}-${index}: error ${errorCode}${errorMessage ? `, ${errorMessage}` : ''}`;
    }
  }
  if (request.acks !== 0) return { responses, throttleTimeMs: exchange.throttleMs };
  if (error !== undefined) exchange.closeConnection(`a Produce with acks 0 failed and has no other answer: ${error}`);
  return NO_ANSWER;
}

async function appendToUnknown(
  topic: TopicRequest,
  byId: boolean,
  request: ProduceRequest,
  acks: Acks,
  refused: RefusedWrites,
  exchange: Exchange,
  bridge: Bridge,
): Promise<TopicAnswer> {
  if (byId) return refuseTopic(topic, errorCodes.UNKNOWN_TOPIC_ID);
  const stream = await findTopic(topic.name, bridge);
  if (stream === 'unavailable') return refuseTopic(topic, errorCodes.KAFKA_STORAGE_ERROR);
  if (stream === undefined) return refuseTopic(topic, errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  return appendToTopic(topic, stream, request, acks, refused, exchange, bridge);
}

/** A client that goes on writing after its topic was deleted gets it back, as by its next Metadata. */
function findTopic(name: string, { catalog, options }: Bridge): Promise<Stream | 'unavailable' | undefined> {
  const finding = options.autoCreateTopics
    ? findOrCreateTopic(catalog, name, options.defaultPartitions)
    : catalog.find(name);
  return unlessUnavailable(finding, () => 'unavailable' as const);
}

/** Starts the appends of all partitions before it waits for the first. */
async function appendToTopic(
  topic: TopicRequest,
  stream: Stream,
  request: ProduceRequest,
  acks: Acks,
  refused: RefusedWrites,
  exchange: Exchange,
  bridge: Bridge,
): Promise<TopicAnswer> {
  const { partitionData } = topic;
  if (partitionData.length === 1) {
    return answerTopic(topic, [
      await appendBatch(partitionData[0] as PartitionRequest, stream, request, acks, refused, exchange, bridge),
    ]);
  }
  const pending = partitionData.map((partition) =>
    appendBatch(partition, stream, request, acks, refused, exchange, bridge),
  );
  return answerTopic(topic, await Promise.all(pending));
}

async function appendBatch(
  partition: PartitionRequest,
  stream: Stream,
  request: ProduceRequest,
  acks: Acks,
  refused: RefusedWrites,
  exchange: Exchange,
  bridge: Bridge,
): Promise<PartitionAnswer> {
  const { index, records } = partition;
  if (isInternalTopic(stream.name)) return failed(index, errorCodes.INVALID_TOPIC_EXCEPTION);
  if (stream.partitions[index] === undefined) return failed(index, errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  const rules = appendRulesOf(stream);
  const messageBytesMax = rules.messageBytesMax ?? bridge.options.messageBytesMax;
  const checked = checkRecords(records, exchange.header.apiVersion, messageBytesMax);
  if (!checked.ok) return failed(index, checked.errorCode, checked.message);
  if (checked.header.isTransactional) {
    if (request.transactionalId === null) return failed(index, errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    const errorCode = refused.get(partition);
    if (errorCode !== undefined) return failed(index, errorCode, explainRefusedWrite(errorCode));
  }
  const arrived = {
    records: records as Buffer,
    header: checked.header,
    topic: stream.name,
    partition: index,
    nowMs: Date.now(),
    messageBytesMax,
  };
  const prepared = prepareBatch(arrived, rules);
  if (!prepared.ok) return failed(index, prepared.errorCode, prepared.message, prepared.recordErrors);
  const { header, logAppendTimeMs } = prepared;
  try {
    const outcome = await appendWhereItGoesOn(index, prepared.records, header, stream, request, acks, exchange, bridge);
    if (!outcome.ok) return failed(index, refusalErrors[outcome.refusal.code], explainRefusal(outcome.refusal));
    traffic.received(header.recordCount, header.sizeBytes);
    const { baseOffset, logStartOffset } = outcome.value;
    return {
      index,
      errorCode: errorCodes.NONE,
      baseOffset,
      logAppendTimeMs: rules.logAppendTime ? BigInt(logAppendTimeMs) : -1n,
      logStartOffset,
    };
  } catch (error) {
    exchange.keepFrame();
    if (error instanceof StoreUnavailable) return failed(index, errorCodes.KAFKA_STORAGE_ERROR, error.message);
    throw error;
  }
}

/** Notes the write with the shard's limits: they slow the client down, they never refuse it. */
async function charge(shard: ShardKey, header: BatchHeader, exchange: Exchange, { limits }: Bridge): Promise<void> {
  if (limits === undefined) return;
  const charged = limits.chargeWrite(shard, header.recordCount, header.sizeBytes);
  // The records are written: whether the buckets can be reached changes nothing about that.
  const throttleMs = typeof charged === 'number' ? charged : await unlessUnavailable(charged, () => 0);
  if (throttleMs === 0) return;
  traffic.throttled += 1;
  exchange.throttleMs = Math.max(exchange.throttleMs, Math.ceil(throttleMs));
}

/** Appends to the open end of the partition; where that was closed by a split or merge meanwhile, to what took over. */
async function appendWhereItGoesOn(
  index: number,
  batch: Buffer,
  header: BatchHeader,
  stream: Stream,
  { timeoutMs }: ProduceRequest,
  acks: Acks,
  exchange: Exchange,
  bridge: Bridge,
): Promise<Outcome<Appended>> {
  let current: Stream | undefined = stream;
  for (let attempt = 1; ; attempt++) {
    const partition: Partition | undefined = current.partitions[index];
    if (partition === undefined) return { ok: false, refusal: { code: 'streamNotFound', stream: stream.name } };
    const { appendTo }: Partition = partition;
    const { key: shard, shardId } = appendTo;
    const policy = { minInsyncReplicas: current.minInsyncReplicas(bridge.options.minInsyncReplicas) };
    const { store } = bridge;
    const append = { shard, batch, header, partition: index, ...requirementOfProduce(acks, timeoutMs, policy) };
    const outcome = await (tracing.enabled
      ? withLogSpan('append', store.engine, stream.name, shardId, exchange.span, (logSpan) => {
          setLogTransfer(logSpan, { recordCount: header.recordCount, byteCount: header.sizeBytes });
          return store.log.append(append);
        })
      : store.log.append(append));
    if (outcome.ok && current.writeLimited) await charge(shard, header, exchange, bridge);
    if (outcome.ok || outcome.refusal.code !== 'shardSealed' || attempt === RESHARD_ATTEMPTS_MAX) return outcome;
    const wait = { timeoutMs: Math.min(timeoutMs, RESHARD_WAIT_MAX_MS) };
    const fresh: Stream | undefined = await bridge.catalog.whenResharded(current, appendTo, wait);
    if (fresh === undefined) return { ok: false, refusal: { code: 'streamNotFound', stream: stream.name } };
    current = fresh;
  }
}

/** Notes on the request's span what it wrote, and links it to the spans that the records' own headers name. */
function noteTransfer(
  { topicData }: ProduceRequest,
  responses: readonly TopicAnswer[],
  { span }: Exchange,
  { catalog }: Bridge,
): void {
  const batches = topicData.flatMap(({ partitionData }) => partitionData.flatMap(({ records }) => records ?? []));
  const [topic, ...otherTopics] = topicData;
  const [partition, ...otherPartitions] = topic?.partitionData ?? [];
  const oneTopic = topic !== undefined && otherTopics.length === 0;
  const onePartition = oneTopic && partition !== undefined && otherPartitions.length === 0;
  const baseOffset = responses[0]?.partitionResponses[0]?.baseOffset;
  setKafkaTransfer(span, 'Produce', {
    type: 'send',
    // From version 13 on, a topic is named by its id alone.
    topic: oneTopic ? topic.name || catalog.peekById(topic.topicId)?.name : undefined,
    partition: onePartition ? partition.index : undefined,
    offset: onePartition && baseOffset !== undefined && baseOffset >= 0n ? baseOffset : undefined,
    links: linksFrom(scanTraceparents(batches)),
  });
}

function answerTopic({ name, topicId }: TopicRequest, partitionResponses: PartitionAnswer[]): TopicAnswer {
  return { name, topicId, partitionResponses };
}

function refuseTopic(topic: TopicRequest, errorCode: ErrorCode): TopicAnswer {
  return answerTopic(
    topic,
    topic.partitionData.map(({ index }) => failed(index, errorCode)),
  );
}

function failed(
  index: number,
  errorCode: ErrorCode,
  errorMessage: string | null = null,
  recordErrors: readonly RecordError[] = [],
): PartitionAnswer {
  return { index, errorCode, baseOffset: -1n, recordErrors, errorMessage };
}
