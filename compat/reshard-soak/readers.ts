import { setTimeout as sleep } from 'node:timers/promises';
import { GetRecordsCommand, GetShardIteratorCommand, type KinesisClient } from '@aws-sdk/client-kinesis';
import type { Consumer, Kafka } from 'kafkajs';
import type { Sightings } from './ledger.ts';
import { listShards } from './resharder.ts';
import { METADATA_MAX_AGE_MS } from './writers.ts';

const POLL_MS = 150;
const MEMBERS = 2;

/**
 * Reads as the Kinesis Client Library does: a shard when all its parents that there are have been read to the end, known by
 * an answer without a next iterator, which names the children.
 */
export class ShardReader {
  readonly #client: KinesisClient;
  readonly #streamName: string;
  readonly #seen: Sightings;
  readonly #signal: AbortSignal;
  readonly #parents = new Map<string, readonly string[]>();
  readonly #begun = new Set<string>();
  readonly #ended = new Set<string>();
  readonly #failed: (error: unknown) => void;

  constructor(
    client: KinesisClient,
    streamName: string,
    seen: Sightings,
    signal: AbortSignal,
    failed: (error: unknown) => void,
  ) {
    this.#client = client;
    this.#streamName = streamName;
    this.#seen = seen;
    this.#signal = signal;
    this.#failed = failed;
  }

  get shards(): { readonly begun: number; readonly ended: number } {
    return { begun: this.#begun.size, ended: this.#ended.size };
  }

  async start(): Promise<void> {
    for (const { ShardId, ParentShardId, AdjacentParentShardId } of await listShards(this.#client, this.#streamName)) {
      this.#learn(ShardId as string, [ParentShardId, AdjacentParentShardId]);
    }
    this.#beginWhatMay();
  }

  #learn(shardId: string, parents: readonly (string | undefined)[]): void {
    this.#parents.set(
      shardId,
      parents.filter((parent): parent is string => parent !== undefined),
    );
  }

  #beginWhatMay(): void {
    for (const [shardId, parents] of this.#parents) {
      if (this.#begun.has(shardId) || !parents.every((parent) => this.#ended.has(parent))) continue;
      this.#begun.add(shardId);
      this.#read(shardId).catch(this.#failed);
    }
  }

  async #read(ShardId: string): Promise<void> {
    const at = { StreamName: this.#streamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' as const };
    let { ShardIterator } = await this.#client.send(new GetShardIteratorCommand(at));
    while (!this.#signal.aborted) {
      const page = await this.#client.send(new GetRecordsCommand({ ShardIterator, Limit: 2_000 }));
      for (const { Data } of page.Records ?? []) {
        this.#seen.see(Buffer.from(Data as Uint8Array).toString());
      }
      ShardIterator = page.NextShardIterator;
      if (ShardIterator === undefined) {
        this.#ended.add(ShardId);
        for (const { ShardId: child, ParentShards } of page.ChildShards ?? []) {
          this.#learn(child as string, ParentShards ?? []);
        }
        this.#beginWhatMay();
        return;
      }
      if ((page.Records ?? []).length === 0) await sleep(POLL_MS);
    }
  }
}

/**
 * A consumer group. A record is known by its partition and offset: what comes again after a rebalance, before its offset was
 * committed, is the same one. Order is that within a partition, which is all that Kafka promises when partitions are added.
 */
export class GroupReader {
  readonly #members: Consumer[] = [];
  readonly #next = new Map<number, bigint>();
  redelivered = 0;
  partitions = 0;

  async start(kafka: Kafka, topic: string, groupId: string, seen: Sightings): Promise<void> {
    for (let i = 0; i < MEMBERS; i++) {
      const member = kafka.consumer({
        groupId,
        metadataMaxAge: METADATA_MAX_AGE_MS,
        sessionTimeout: 10_000,
        rebalanceTimeout: 10_000,
        heartbeatInterval: 500,
        retry: { retries: 30, initialRetryTime: 50, maxRetryTime: 1_000 },
      });
      this.#members.push(member);
      await member.connect();
      await member.subscribe({ topics: [topic], fromBeginning: true });
      await member.run({
        autoCommitInterval: 1_000,
        eachBatch: (payload) => {
          const { partition, messages } = payload.batch;
          for (const { offset, value } of messages) {
            const next = this.#next.get(partition) ?? -1n;
            if (BigInt(offset) < next) {
              this.redelivered++;
            } else {
              this.#next.set(partition, BigInt(offset) + 1n);
              seen.see((value as Buffer).toString(), `partition ${partition}`);
            }
            payload.resolveOffset(offset);
          }
          this.partitions = this.#next.size;
          return Promise.resolve();
        },
      });
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.disconnect()));
  }
}
