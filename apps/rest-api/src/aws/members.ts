import { boolean, integer, string } from './wire/shapes.ts';

/** Members that many operations share, with the limits of the service model. */
export const streamName = string({ min: 1, max: 128, pattern: '[a-zA-Z0-9_.-]+' });
export const streamArn = string({ min: 1, max: 2048, pattern: 'arn:aws.*:kinesis:.*:\\d{12}:stream/\\S+' });
export const shardId = string({ min: 1, max: 128, pattern: '[a-zA-Z0-9_.-]+' });
export const nextToken = string({ min: 1, max: 1_048_576 });
export const hashKey = string({ pattern: '0|([1-9]\\d{0,38})' });
export const sequenceNumber = string({ pattern: '0|([1-9]\\d{0,128})' });
export const partitionKey = string({ min: 1, max: 256 });
/** Pages of streams and shards. */
export const pageLimit = integer({ min: 1, max: 10_000 });
export const dryRun = boolean();
