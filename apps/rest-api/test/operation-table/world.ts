import { EncryptionKeyMissing, KeyRing, type ShardKey, StoreUnavailable, StreamCatalog } from '@tailrace/shard-core';
import { ShardLimits } from '@tailrace/quota';
import { logger } from '@tailrace/telemetry';
import type { OperationName } from '../../src/aws/operation-names.ts';
import type { WireStructure } from '../../src/aws/wire/wire-codec.ts';
import { jsonCodec } from '../../src/aws/wire/json-codec.ts';
import { createHttpDoor, type HttpDoor, Ingest } from '../../src/index.ts';
import { memoryStore } from '../memory-store.ts';
import { transports } from './transports.ts';

logger.level = 'silent';

const ACCOUNT = '000000000000';
const REGION = 'us-east-1';
const MINUTE_MS = 60_000;
/** What cases encrypt with. */
const KEY_RING = new KeyRing([{ id: 'key-1', bytes: Buffer.alloc(32, 1) }]);

/** A door over a store in memory, and what cases need to bring it into the state that they are about. */
export class World {
  readonly url: string;
  readonly account = ACCOUNT;
  readonly catalog: StreamCatalog;
  readonly #door: HttpDoor;
  readonly #control: Control;
  readonly #transports: ReturnType<typeof transports>;
  #names = 0;

  private constructor(url: string, door: HttpDoor, catalog: StreamCatalog, control: Control) {
    this.url = url;
    this.#door = door;
    this.catalog = catalog;
    this.#control = control;
    this.#transports = transports(url);
  }

  static async open(): Promise<World> {
    const control: Control = {
      nowMs: Date.UTC(2026, 10, 23, 12),
      throttles: false,
      storeIsAway: false,
      keyIsLost: false,
    };
    const clock = (): number => control.nowMs;
    const store = memoryStore(clock);
    const log = new Proxy(store.log, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        if (control.storeIsAway) return () => Promise.reject(new StoreUnavailable('away'));
        if (control.keyIsLost && name === 'read') {
          return (shard: ShardKey) => Promise.reject(new EncryptionKeyMissing('lost-key', shard));
        }
        return member.bind(target) as unknown;
      },
    });
    const theStore = Object.assign(Object.create(store) as typeof store, { log, keyRing: KEY_RING });
    const catalog = await StreamCatalog.open(theStore, clock);
    const limits = new ShardLimits(store.tokenBuckets, {
      enabled: false,
      refusePercent: 50,
      random: () => (control.throttles ? 0 : 0.99),
    });
    const ingest = new Ingest({ store: theStore, catalog, limits, clock });
    const door = createHttpDoor({ store: theStore, catalog, ingest, limits, clock });
    const { port } = await door.listen({ host: '127.0.0.1', port: 0 });
    return new World(`http://127.0.0.1:${port}`, door, catalog, control);
  }

  get transports() {
    return this.#transports.all;
  }

  async close(): Promise<void> {
    this.#transports.close();
    await this.#door.close(0);
  }

  /** After a case: the store is there, and nobody is throttled. */
  recover(): void {
    this.#control.throttles = false;
    this.#control.storeIsAway = false;
    this.#control.keyIsLost = false;
  }

  /** A name that no other has; the table shows all of them as one. */
  name(): string {
    return `case-${++this.#names}`;
  }

  /** A new ACTIVE stream; of one shard unless said otherwise. */
  async stream(make: WireStructure = { ShardCount: 1 }): Promise<string> {
    const StreamName = this.name();
    await this.call('CreateStream', { StreamName, ...make });
    return StreamName;
  }

  onDemandStream(): Promise<string> {
    return this.stream({ StreamModeDetails: { StreamMode: 'ON_DEMAND' } });
  }

  async updatingStream(make?: WireStructure): Promise<string> {
    return this.#inStatus('UPDATING', make);
  }

  async creatingStream(): Promise<string> {
    return this.#inStatus('CREATING');
  }

  async #inStatus(status: 'UPDATING' | 'CREATING', make?: WireStructure): Promise<string> {
    const name = await this.stream(make);
    await this.catalog.update(name, (document) => ({ ...document, status }));
    return name;
  }

  arn(streamName: string): string {
    return `arn:aws:kinesis:${REGION}:${ACCOUNT}:stream/${streamName}`;
  }

  /** A new stream's ARN. */
  async streamArn(make?: WireStructure): Promise<string> {
    return this.arn(await this.stream(make));
  }

  /** The ARN of a new consumer of a new stream. */
  async consumerArn(): Promise<string> {
    const { Consumer } = await this.call<{ Consumer: { ConsumerARN: string } }>('RegisterStreamConsumer', {
      StreamARN: await this.streamArn(),
      ConsumerName: 'reader',
    });
    return Consumer.ConsumerARN;
  }

  /** At the start of a shard of a new stream with one record. */
  async iterator(): Promise<string> {
    const StreamName = await this.stream();
    await this.call('PutRecord', { StreamName, PartitionKey: 'k', Data: Buffer.from([0, 255]) });
    const { ShardIterator } = await this.call<{ ShardIterator: string }>('GetShardIterator', {
      StreamName,
      ShardId: 'shardId-000000000000',
      ShardIteratorType: 'TRIM_HORIZON',
    });
    return ShardIterator;
  }

  /** Tokens and iterators that there are get too old. */
  wait(minutes: number): void {
    this.#control.nowMs += minutes * MINUTE_MS;
  }

  /** Until the end of the case. */
  throttle(): void {
    this.#control.throttles = true;
  }

  /** Until the end of the case. */
  loseStore(): void {
    this.#control.storeIsAway = true;
  }

  /** Until the end of the case: what is read lies encrypted with it. */
  loseKey(): void {
    this.#control.keyIsLost = true;
  }

  /** A stream that is encrypted with a key that is there no more. */
  async streamOfLostKey(): Promise<string> {
    const name = await this.stream();
    const encryption = { key: 'lost-key', keyId: 'alias/lost-key' };
    await this.catalog.update(name, (document) => ({ ...document, encryption, wasEncrypted: true }));
    return name;
  }

  /** Allows warm throughput. */
  async commit(): Promise<void> {
    await this.call('UpdateAccountSettings', { MinimumThroughputBillingCommitment: { Status: 'ENABLED' } });
  }

  /** What prepares a case must succeed. */
  async call<T>(operation: OperationName, input: WireStructure): Promise<T> {
    const { statusCode, body } = await this.transports[0]!.send(operation, input);
    if (statusCode !== 200) throw new Error(`${operation} prepares a case: ${statusCode} ${body.toString()}`);
    return (jsonCodec.decode(body) ?? {}) as T;
  }
}

interface Control {
  nowMs: number;
  throttles: boolean;
  storeIsAway: boolean;
  keyIsLost: boolean;
}
