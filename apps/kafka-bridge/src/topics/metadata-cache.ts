import type { MetadataResponse } from '@tailrace/kafka-protocol';
import { errorCodes } from '@tailrace/kafka-protocol';
import type { Stream, StreamCatalog } from '@tailrace/shard-core';
import type { BrokerRegistry } from '../brokers/broker-registry.ts';
import { isInternalTopic } from './internal-topics.ts';
import type { LeaderEpochs } from './leader-epochs.ts';

export type TopicMetadata = MetadataResponse['topics'][number];

/**
 * What Metadata says of topics, kept ready: consoles and collectors ask for all of them again and again. A topic's part
 * lives as long as its stream, the brokers and the leader epochs stay as they are; whole answers for "all topics" are
 * kept as encoded frames, one for each version of the request.
 */
export class MetadataCache {
  readonly #catalog: StreamCatalog;
  readonly #brokers: BrokerRegistry;
  readonly #leaderEpochs: LeaderEpochs;
  #topics = new WeakMap<Stream, TopicMetadata>();
  readonly #frames = new Map<number, Buffer>();
  #stamp = '';
  #catalogVersion = 0;
  readonly #stopListening: () => void;

  constructor(catalog: StreamCatalog, brokers: BrokerRegistry, leaderEpochs: LeaderEpochs) {
    this.#catalog = catalog;
    this.#brokers = brokers;
    this.#leaderEpochs = leaderEpochs;
    this.#stopListening = catalog.onChange(() => {
      this.#catalogVersion += 1;
    });
  }

  close(): void {
    this.#stopListening();
  }

  topic(stream: Stream): TopicMetadata {
    this.#refresh();
    let topic = this.#topics.get(stream);
    if (topic === undefined) {
      topic = this.#describe(stream);
      this.#topics.set(stream, topic);
    }
    return topic;
  }

  /** Every topic this process knows of, by name. */
  allTopics(): TopicMetadata[] {
    const all: TopicMetadata[] = [];
    for (const name of this.#catalog.names()) {
      const stream = this.#catalog.peek(name);
      if (stream !== undefined) all.push(this.topic(stream));
    }
    return all;
  }

  /** The frame that answers "all topics" in this version, made by `encode` if there is none; its correlation id is open. */
  frameOfAll(version: number, encode: () => Buffer): Buffer {
    this.#refresh();
    let frame = this.#frames.get(version);
    if (frame === undefined) {
      frame = encode();
      this.#frames.set(version, frame);
    }
    return frame;
  }

  #refresh(): void {
    const stamp = `${this.#catalogVersion} ${this.#brokers.version} ${this.#leaderEpochs.version}`;
    if (stamp === this.#stamp) return;
    const catalogOnly = stamp.slice(stamp.indexOf(' ')) === this.#stamp.slice(this.#stamp.indexOf(' '));
    this.#stamp = stamp;
    this.#frames.clear();
    if (!catalogOnly) this.#topics = new WeakMap();
  }

  #describe(stream: Stream): TopicMetadata {
    return {
      errorCode: errorCodes.NONE,
      name: stream.name,
      topicId: stream.id,
      isInternal: isInternalTopic(stream.name),
      partitions: stream.partitions.map((partition) => {
        const leaderId = this.#brokers.leaderOf(stream.id, partition.index).nodeId;
        return {
          errorCode: errorCodes.NONE,
          partitionIndex: partition.index,
          leaderId,
          leaderEpoch: this.#leaderEpochs.of(partition.appendTo.key),
          replicaNodes: [leaderId],
          isrNodes: [leaderId],
          offlineReplicas: [],
        };
      }),
    };
  }
}
