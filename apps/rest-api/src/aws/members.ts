import { boolean, integer, list, string, structure, required, textMap } from './wire/shapes.ts';

/** Members that many operations share, with the limits of the service model. */
export const streamName = string({ min: 1, max: 128, pattern: '[a-zA-Z0-9_.-]+' });
/*
 * The patterns of ARNs say "anything" two and three times, and so an expression made from them tries every share of a text
 * among these: an eighth of a second for 2 KB. The expressions beside them take the first `:kinesis:`, and the first
 * account behind it where anything may follow, and never come back to look for others, which match no other texts.
 */
export const streamArn = string({
  min: 1,
  max: 2048,
  pattern: 'arn:aws.*:kinesis:.*:\\d{12}:stream/\\S+',
  matches: /^arn:aws(?=(.*?:kinesis:))\1.*:\d{12}:stream\/\S+$/,
});
export const shardId = string({ min: 1, max: 128, pattern: '[a-zA-Z0-9_.-]+' });
export const nextToken = string({ min: 1, max: 1_048_576 });
export const hashKey = string({ pattern: '0|([1-9]\\d{0,38})' });
export const sequenceNumber = string({ pattern: '0|([1-9]\\d{0,128})' });
export const partitionKey = string({ min: 1, max: 256 });
/** Pages of streams and shards. */
export const pageLimit = integer({ min: 1, max: 10_000 });
export const dryRun = boolean();

/** Streams and consumers; the model's pattern lets through more, which is refused then. */
export const resourceArn = string({
  min: 1,
  max: 2048,
  pattern: 'arn:aws.*:kinesis:.*:\\d{12}:.*(stream|channel|queue)/\\S+',
  matches: /^arn:aws(?=(.*?:kinesis:))\1(?=(.*?:\d{12}:))\2.*(?:stream|channel|queue)\/\S+$/,
});
/** More than a stream can have: those above are refused by their number. */
export const tags = textMap({ min: 1, max: 200, keyLength: { min: 1, max: 128 }, valueLength: { min: 0, max: 256 } });
export const tagKey = string({ min: 1, max: 128 });
export const tagKeys = list({ min: 1, max: 50, of: tagKey });
export const streamModeDetails = structure({
  StreamMode: required(string({ values: ['PROVISIONED', 'ON_DEMAND'] })),
});
export const maxRecordSizeInKiB = integer({ min: 1024, max: 10_240 });
export const warmThroughputMiBps = integer({ min: 0 });
export const recordDistributionStrategy = string({ values: ['AUTO', 'USER_PARTITION_KEY'] });
