import type { Stream } from '@tailrace/shard-core';
import { invalidArgument } from '../aws-error.ts';
import { streamArn } from '../members.ts';
import type { OperationContext } from '../operation.ts';
import { string } from '../wire/shapes.ts';
import { type Consumer, createdSeconds, parseConsumerArn } from './consumer.ts';
import type { NamedStream } from '../named-streams.ts';
import { consumerNotFound } from './consumer-errors.ts';

export const consumerName = string({ min: 1, max: 128, pattern: '[a-zA-Z0-9_.-]+' });
export const consumerArnMember = string({
  min: 1,
  max: 2048,
  pattern: '^(arn):aws.*:kinesis:.*:\\d{12}:.*stream\\/[a-zA-Z0-9_.-]+\\/consumer\\/[a-zA-Z0-9_.-]+:[0-9]+',
  // As for other ARNs: see members.ts.
  matches:
    /^arn:aws(?=(.*?:kinesis:))\1(?=(.*?:\d{12}:))\2.*stream\/[a-zA-Z0-9_.-]+\/consumer\/[a-zA-Z0-9_.-]+:[0-9]+$/,
});

/** The members by which Describe- and DeregisterStreamConsumer name a consumer. */
export const consumerReference = {
  ConsumerARN: consumerArnMember,
  ConsumerName: consumerName,
  StreamARN: streamArn,
} as const;

export interface ConsumerReference {
  readonly ConsumerARN?: string;
  readonly ConsumerName?: string;
  readonly StreamARN?: string;
}

export interface NamedConsumer {
  readonly consumer: Consumer;
  readonly stream: Stream;
  readonly streamArn: string;
  readonly place: NamedStream;
}

/**
 * Finds a consumer by its ARN, or by the stream's and its name; what is given beside must not contradict. Throws
 * InvalidArgumentException, ResourceNotFoundException.
 */
export async function existingConsumer(
  reference: ConsumerReference,
  { streams, consumers }: Pick<OperationContext, 'streams' | 'consumers'>,
): Promise<NamedConsumer> {
  const { arn, name, createdAtSeconds } = namesIn(reference);
  const stream = await streams.existing({ StreamARN: arn });
  const place = streams.nameOf({ StreamARN: arn });
  const consumer = await consumers.find(stream.id, name);
  const isOther =
    consumer === undefined ||
    (createdAtSeconds !== undefined && createdAtSeconds !== createdSeconds(consumer.createdAtMs));
  if (isOther) throw consumerNotFound(name, place);
  return { consumer, stream, streamArn: arn, place };
}

function namesIn({ ConsumerARN, ConsumerName, StreamARN }: ConsumerReference): {
  arn: string;
  name: string;
  createdAtSeconds?: number;
} {
  if (ConsumerARN === undefined) {
    if (StreamARN === undefined || ConsumerName === undefined) {
      throw invalidArgument('Either ConsumerARN or both StreamARN and ConsumerName should be provided.');
    }
    return { arn: StreamARN, name: ConsumerName };
  }
  const parts = parseConsumerArn(ConsumerARN);
  if (parts === undefined) throw invalidArgument(`ConsumerARN ${ConsumerARN} is not the ARN of a consumer.`);
  if (StreamARN !== undefined && StreamARN !== parts.streamArn) {
    throw invalidArgument(`ConsumerARN ${ConsumerARN} and StreamARN ${StreamARN} name different streams.`);
  }
  if (ConsumerName !== undefined && ConsumerName !== parts.consumerName) {
    throw invalidArgument(`ConsumerARN ${ConsumerARN} and ConsumerName ${ConsumerName} name different consumers.`);
  }
  return { arn: parts.streamArn, name: parts.consumerName, createdAtSeconds: parts.createdSeconds };
}
