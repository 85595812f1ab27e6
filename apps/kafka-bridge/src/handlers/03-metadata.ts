import {
  encodeResponse,
  errorCodes,
  metadataApi,
  type MetadataResponse,
  metadataResponse,
  ZERO_UUID,
} from '@tailrace/kafka-protocol';
import { isStreamName } from '@tailrace/shard-core';
import type { Bridge } from '../bridge.ts';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import { CLUSTER_OPERATIONS, TOPIC_OPERATIONS } from '../topics/authorized-operations.ts';
import { CONSUMER_OFFSETS_TOPIC, isInternalTopic } from '../topics/internal-topics.ts';
import type { TopicMetadata } from '../topics/metadata-cache.ts';
import { findOrCreateTopic } from '../topics/topic-creation.ts';
import { EncodedAnswer, handler } from './handler.ts';

/** Where the correlation id lies in a response frame, behind the length. */
const CORRELATION_ID_AT = 4;
/** The answer to an id that nobody knows has no name to give, and older versions no null for it. */
const NULL_NAME_SINCE = 12;

interface WantedTopic {
  readonly name: string | null;
  readonly topicId: string;
}

/**
 * Metadata: who the brokers are, and which of them leads each partition.
 * Topics: all of them (null; in version 0 the empty list), none, or those named by name or, from 10 on, by id. A named topic
 * that is missing is made first, if client and settings allow, and is in the answer.
 * Per topic: INVALID_TOPIC_EXCEPTION, UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION; LEADER_NOT_AVAILABLE (the store is away).
 */
export const metadata = handler({
  api: metadataApi,
  versions: metadataApi.advertised,
  run(request, exchange, bridge) {
    const { apiVersion, correlationId } = exchange.header;
    const asksForAll = request.topics === null || (apiVersion === 0 && request.topics.length === 0);
    const { includeClusterAuthorizedOperations: ofCluster, includeTopicAuthorizedOperations: ofTopics } = request;
    if (asksForAll && (ofCluster || ofTopics)) {
      return withOperations(clusterView(bridge, bridge.metadata.allTopics()), ofCluster, ofTopics);
    }
    if (asksForAll) {
      const kept = bridge.metadata.frameOfAll(apiVersion, () => {
        const topics = bridge.metadata.allTopics();
        return Buffer.concat(encodeResponse(metadataResponse, apiVersion, 0, clusterView(bridge, topics)));
      });
      const frame = Buffer.from(kept);
      frame.writeInt32BE(correlationId, CORRELATION_ID_AT);
      return new EncodedAnswer([frame]);
    }
    const mayCreate = request.allowAutoTopicCreation && bridge.options.autoCreateTopics;
    const unnamed = apiVersion >= NULL_NAME_SINCE ? null : '';
    const describing = describeTopics(distinct(request.topics ?? []), unnamed, mayCreate, bridge);
    return ofCluster || ofTopics ? describing.then((view) => withOperations(view, ofCluster, ofTopics)) : describing;
  },
});

async function describeTopics(
  wanted: readonly WantedTopic[],
  unnamed: string | null,
  mayCreate: boolean,
  bridge: Bridge,
): Promise<MetadataResponse> {
  const topics = await Promise.all(
    wanted.map(async ({ name, topicId }) =>
      name === null ? describeById(topicId, unnamed, bridge) : describeByName(name, mayCreate, bridge),
    ),
  );
  return clusterView(bridge, topics);
}

function describeById(topicId: string, unnamed: string | null, bridge: Bridge): TopicMetadata {
  const stream = bridge.catalog.peekById(topicId);
  return stream === undefined ? failed(unnamed, errorCodes.UNKNOWN_TOPIC_ID, topicId) : bridge.metadata.topic(stream);
}

async function describeByName(name: string, mayCreate: boolean, bridge: Bridge): Promise<TopicMetadata> {
  const { catalog, options } = bridge;
  if (name === CONSUMER_OFFSETS_TOPIC) return describeOffsetsTopic(bridge);
  if (!isStreamName(name)) return failed(name, errorCodes.INVALID_TOPIC_EXCEPTION);
  const finding =
    mayCreate && !isInternalTopic(name)
      ? findOrCreateTopic(catalog, name, options.defaultPartitions)
      : catalog.find(name);
  const stream = await unlessUnavailable(finding, () => 'unavailable' as const);
  if (stream === 'unavailable') return failed(name, errorCodes.LEADER_NOT_AVAILABLE);
  if (stream !== undefined) return bridge.metadata.topic(stream);
  // Who may create it would ask again and again.
  const isIllegal = mayCreate && catalog.isReserved(name);
  return failed(name, isIllegal ? errorCodes.INVALID_TOPIC_EXCEPTION : errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
}

/** It is there for whoever names it, whether or not clients may make topics. */
async function describeOffsetsTopic({ catalog, metadata, offsetsTopic }: Bridge): Promise<TopicMetadata> {
  const naming = offsetsTopic.named().then(() => catalog.find(CONSUMER_OFFSETS_TOPIC));
  const stream = await unlessUnavailable(naming, () => 'unavailable' as const);
  if (stream === 'unavailable') return failed(CONSUMER_OFFSETS_TOPIC, errorCodes.LEADER_NOT_AVAILABLE);
  if (stream === undefined) return failed(CONSUMER_OFFSETS_TOPIC, errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  return metadata.topic(stream);
}

function failed(name: string | null, errorCode: number, topicId = ZERO_UUID): TopicMetadata {
  return { errorCode, name, topicId, isInternal: false, partitions: [] };
}

/** The answer with what the client may do, of which the kept parts know nothing. */
function withOperations(view: MetadataResponse, ofCluster: boolean, ofTopics: boolean): MetadataResponse {
  const topics = ofTopics
    ? view.topics.map((topic) => ({ ...topic, topicAuthorizedOperations: TOPIC_OPERATIONS }))
    : view.topics;
  return { ...view, topics, ...(ofCluster && { clusterAuthorizedOperations: CLUSTER_OPERATIONS }) };
}

function clusterView({ brokers, clusterId }: Bridge, topics: readonly TopicMetadata[]): MetadataResponse {
  return {
    throttleTimeMs: 0,
    brokers: brokers.brokers.map(({ nodeId, host, port, rack }) => ({ nodeId, host, port, rack: rack ?? null })),
    clusterId,
    controllerId: brokers.controller.nodeId,
    topics,
  };
}

/** Kafka answers a topic once, however often it is named. */
function distinct(topics: readonly WantedTopic[]): WantedTopic[] {
  const seen = new Map<string, WantedTopic>();
  for (const topic of topics) seen.set(topic.name ?? topic.topicId, topic);
  return [...seen.values()];
}
