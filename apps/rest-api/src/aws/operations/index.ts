import type { Operation } from '../operation.ts';
import type { OperationName } from '../operation-names.ts';
import { createStream } from './create-stream.ts';
import { deleteStream } from './delete-stream.ts';
import { describeStreamSummary } from './describe-stream-summary.ts';
import { describeStream } from './describe-stream.ts';
import { getRecords } from './get-records.ts';
import { getShardIterator } from './get-shard-iterator.ts';
import { listShards } from './list-shards.ts';
import { listStreams } from './list-streams.ts';
import { putRecord } from './put-record.ts';
import { putRecords } from './put-records.ts';

/** An operation of the model that this service does not have; it is answered with UnknownOperationException. */
export const notImplemented = 'notImplemented';

/** Every operation of the model, so that nothing is missing in silence. */
export const operations = {
  AcknowledgeDeadLetterQueueRecords: notImplemented,
  AcknowledgeQueueRecords: notImplemented,
  AddTagsToStream: notImplemented,
  CreateChannel: notImplemented,
  CreateQueue: notImplemented,
  CreateStream: createStream,
  DecreaseStreamRetentionPeriod: notImplemented,
  DeleteChannel: notImplemented,
  DeleteQueue: notImplemented,
  DeleteResourcePolicy: notImplemented,
  DeleteStream: deleteStream,
  DeregisterStreamConsumer: notImplemented,
  DescribeAccountSettings: notImplemented,
  DescribeChannel: notImplemented,
  DescribeLimits: notImplemented,
  DescribeQueue: notImplemented,
  DescribeStream: describeStream,
  DescribeStreamConsumer: notImplemented,
  DescribeStreamSummary: describeStreamSummary,
  DisableEnhancedMonitoring: notImplemented,
  EnableEnhancedMonitoring: notImplemented,
  GetRecords: getRecords,
  GetResourcePolicy: notImplemented,
  GetShardIterator: getShardIterator,
  IncreaseStreamRetentionPeriod: notImplemented,
  ListChannels: notImplemented,
  ListQueues: notImplemented,
  ListShards: listShards,
  ListStreamConsumers: notImplemented,
  ListStreams: listStreams,
  ListTagsForResource: notImplemented,
  ListTagsForStream: notImplemented,
  MergeShards: notImplemented,
  PutRecord: putRecord,
  PutRecords: putRecords,
  PutResourcePolicy: notImplemented,
  ReceiveDeadLetterQueueRecords: notImplemented,
  ReceiveQueueRecords: notImplemented,
  RegisterStreamConsumer: notImplemented,
  RemoveTagsFromStream: notImplemented,
  RestoreDeadLetterQueueRecords: notImplemented,
  SplitShard: notImplemented,
  StartStreamEncryption: notImplemented,
  StopStreamEncryption: notImplemented,
  SubscribeToShard: notImplemented,
  TagResource: notImplemented,
  UntagResource: notImplemented,
  UpdateAccountSettings: notImplemented,
  UpdateChannel: notImplemented,
  UpdateDeadLetterQueueRecordsVisibility: notImplemented,
  UpdateMaxRecordSize: notImplemented,
  UpdateQueue: notImplemented,
  UpdateQueueRecordsVisibility: notImplemented,
  UpdateShardCount: notImplemented,
  UpdateStreamMode: notImplemented,
  UpdateStreamRecordDistributionStrategy: notImplemented,
  UpdateStreamWarmThroughput: notImplemented,
} satisfies Readonly<Record<OperationName, Operation | typeof notImplemented>>;
