import { parseStreamArn } from '../stream-arn.ts';
import type { WireStructure } from '../wire/wire-codec.ts';

export type ConsumerStatus = 'ACTIVE' | 'DELETING';

/** What is kept of a consumer: a document `consumer/<stream id>/<name>`. */
export interface ConsumerDocument {
  readonly name: string;
  readonly streamId: string;
  readonly createdAtMs: number;
  /** A consumer that is DELETING is removed by whoever meets it next, if the process that began has died. */
  readonly status: ConsumerStatus;
  readonly tags: Readonly<Record<string, string>>;
}

/** A registered consumer of a stream. Immutable: a change makes a new one. */
export interface Consumer extends ConsumerDocument {
  /** Of the document. */
  readonly version: number;
}

export interface ConsumerArnParts {
  readonly streamArn: string;
  readonly consumerName: string;
  /** Of a consumer that was removed and registered again, the ARN is another one. */
  readonly createdSeconds: number;
}

/** `<ARN of the stream>/consumer/<name>:<creation time in seconds>` */
export function consumerArn(streamArn: string, { name, createdAtMs }: ConsumerDocument): string {
  return `${streamArn}/consumer/${name}:${createdSeconds(createdAtMs)}`;
}

/** Takes a consumer's ARN apart; `undefined` if it is none. */
export function parseConsumerArn(arn: string): ConsumerArnParts | undefined {
  const parts = /^(arn:[^/]*:stream\/[a-zA-Z0-9_.-]+)\/consumer\/([a-zA-Z0-9_.-]+):(\d{1,12})$/.exec(arn);
  if (parts === null) return undefined;
  const [, streamArn, consumerName, seconds] = parts as unknown as [string, string, string, string];
  if (parseStreamArn(streamArn) === undefined) return undefined;
  return { streamArn, consumerName, createdSeconds: Number(seconds) };
}

export function createdSeconds(createdAtMs: number): number {
  return Math.floor(createdAtMs / 1000);
}

/** A consumer as RegisterStreamConsumer and ListStreamConsumers show it. */
export function describeConsumer(streamArn: string, consumer: ConsumerDocument): WireStructure {
  return {
    ConsumerName: consumer.name,
    ConsumerARN: consumerArn(streamArn, consumer),
    ConsumerStatus: consumer.status,
    ConsumerCreationTimestamp: new Date(consumer.createdAtMs),
  };
}
