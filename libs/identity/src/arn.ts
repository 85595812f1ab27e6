/**
 * Amazon resource names of streams and their consumers.
 *
 * ```
 * arn:<partition>:kinesis:<region>:<account>:stream/<stream>
 * arn:<partition>:kinesis:<region>:<account>:stream/<stream>/consumer/<consumer>:<creation time, seconds>
 * ```
 */
export type Partition = 'aws' | 'aws-cn' | 'aws-us-gov';

export interface StreamArn {
  readonly partition: Partition;
  readonly region: string;
  /** Twelve digits. */
  readonly account: string;
  readonly streamName: string;
}

export interface ConsumerArn extends StreamArn {
  readonly consumerName: string;
  /** Seconds since 1970: a consumer that was deregistered and registered again has another ARN. */
  readonly createdAtSeconds: number;
}

/** The service model's bound for both kinds; longer text is no ARN and meets no pattern. */
export const ARN_CHARACTERS_MAX = 2_048;

const STREAM_ARN = /^arn:(aws|aws-cn|aws-us-gov):kinesis:([a-zA-Z0-9-]{1,32}):(\d{12}):stream\/([a-zA-Z0-9_.-]+)$/;
const CONSUMER_ARN =
  /^arn:(aws|aws-cn|aws-us-gov):kinesis:([a-zA-Z0-9-]{1,32}):(\d{12}):stream\/([a-zA-Z0-9_.-]+)\/consumer\/([a-zA-Z0-9_.-]+):(\d{1,15})$/;

/** The partition that a region belongs to, by its name, as AWS names its regions. */
export function partitionOf(region: string): Partition {
  if (region.startsWith('cn-')) return 'aws-cn';
  if (region.startsWith('us-gov-')) return 'aws-us-gov';
  return 'aws';
}

/** Without a partition: the region's. */
export function formatStreamArn({
  region,
  account,
  streamName,
  partition = partitionOf(region),
}: Omit<StreamArn, 'partition'> & { readonly partition?: Partition }): string {
  return `arn:${partition}:kinesis:${region}:${account}:stream/${streamName}`;
}

/** Without a partition: the region's. */
export function formatConsumerArn(arn: Omit<ConsumerArn, 'partition'> & { readonly partition?: Partition }): string {
  return `${formatStreamArn(arn)}/consumer/${arn.consumerName}:${arn.createdAtSeconds}`;
}

/** `undefined` if it is no ARN of a stream. */
export function parseStreamArn(arn: string): StreamArn | undefined {
  if (arn.length > ARN_CHARACTERS_MAX) return undefined;
  const parts = STREAM_ARN.exec(arn);
  if (parts === null) return undefined;
  const [, partition, region, account, streamName] = parts as unknown as [string, Partition, string, string, string];
  return { partition, region, account, streamName };
}

/** `undefined` if it is no ARN of a consumer. */
export function parseConsumerArn(arn: string): ConsumerArn | undefined {
  if (arn.length > ARN_CHARACTERS_MAX) return undefined;
  const parts = CONSUMER_ARN.exec(arn);
  if (parts === null) return undefined;
  const [, partition, region, account, streamName, consumerName, createdAt] = parts as unknown as [
    string,
    Partition,
    string,
    string,
    string,
    string,
    string,
  ];
  return { partition, region, account, streamName, consumerName, createdAtSeconds: Number(createdAt) };
}
