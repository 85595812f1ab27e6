import type { Service } from '../service.ts';

/** A record as both doors must show it. Bytes as base64, so that runs can be compared and printed. */
export interface PlainRecord {
  readonly key: string;
  readonly value: string;
  /** Only Kafka clients write and see them. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A record as a client read it. */
export interface ReadRecord extends PlainRecord {
  /** Shard or partition: within it, order counts. */
  readonly place: string;
}

/** One real client of one door. */
export interface Client {
  readonly name: string;
  readonly door: 'kinesis' | 'kafka';
  /** Whether it can write any bytes (a command line may not). */
  readonly binary: boolean;
  write(service: Service, stream: string, records: readonly PlainRecord[]): Promise<void>;
  /** Reads all that is there, from the oldest on. `count` is what must be there: fewer is a failure, more as well. */
  readAll(service: Service, stream: string, count: number): Promise<ReadRecord[]>;
}

export const bytes = (base64: string) => Buffer.from(base64, 'base64');
export const base64 = (data: Uint8Array) => Buffer.from(data).toString('base64');
