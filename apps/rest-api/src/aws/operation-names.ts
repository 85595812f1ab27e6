/** Every operation of the service model of 2013-12-02. A spec compares it with the model where that is at hand. */
export const OPERATION_NAMES = [
  'AcknowledgeDeadLetterQueueRecords', 'AcknowledgeQueueRecords', 'AddTagsToStream', 'CreateChannel', 'CreateQueue',
  'CreateStream', 'DecreaseStreamRetentionPeriod', 'DeleteChannel', 'DeleteQueue', 'DeleteResourcePolicy',
  'DeleteStream', 'DeregisterStreamConsumer', 'DescribeAccountSettings', 'DescribeChannel', 'DescribeLimits',
  'DescribeQueue', 'DescribeStream', 'DescribeStreamConsumer', 'DescribeStreamSummary', 'DisableEnhancedMonitoring',
  'EnableEnhancedMonitoring', 'GetRecords', 'GetResourcePolicy', 'GetShardIterator', 'IncreaseStreamRetentionPeriod',
  'ListChannels', 'ListQueues', 'ListShards', 'ListStreamConsumers', 'ListStreams', 'ListTagsForResource',
  'ListTagsForStream', 'MergeShards', 'PutRecord', 'PutRecords', 'PutResourcePolicy', 'ReceiveDeadLetterQueueRecords',
  'ReceiveQueueRecords', 'RegisterStreamConsumer', 'RemoveTagsFromStream', 'RestoreDeadLetterQueueRecords',
  'SplitShard', 'StartStreamEncryption', 'StopStreamEncryption', 'SubscribeToShard', 'TagResource', 'UntagResource',
  'UpdateAccountSettings', 'UpdateChannel', 'UpdateDeadLetterQueueRecordsVisibility', 'UpdateMaxRecordSize',
  'UpdateQueue', 'UpdateQueueRecordsVisibility', 'UpdateShardCount', 'UpdateStreamMode',
  'UpdateStreamRecordDistributionStrategy', 'UpdateStreamWarmThroughput',
] as const; // prettier-ignore

export type OperationName = (typeof OPERATION_NAMES)[number];
