import { parseShardKey, type ShardKey, shardIdOf } from '@tailrace/shard-core';
import type { IngestRefusal } from '../ingest/index.ts';
import {
  AwsError,
  INTERNAL_FAILURE_TEXT,
  internalFailure,
  invalidArgument,
  resourceInUse,
  resourceNotFound,
} from './aws-error.ts';

/** Where a refusal happened, for its text. */
export interface RefusalPlace {
  readonly streamName: string;
  readonly account: string;
}

type RefusalOf<Code extends IngestRefusal['code']> = Extract<IngestRefusal, { code: Code }>;

const inside = (): AwsError => internalFailure();

/** What this door says to each refusal. A new code does not compile until it has an answer here. */
const answers = {
  // The place's name of the stream: the refusal has the one under which it is kept.
  streamNotFound: (_, { streamName, account }) =>
    resourceNotFound(`Stream ${streamName} under account ${account} not found.`),
  streamExists: (_, { streamName, account }) =>
    resourceInUse(`Stream ${streamName} under account ${account} already exists.`),
  streamNameReserved: (_, { streamName }) =>
    invalidArgument(`StreamName ${streamName} has the form of the name of a stream in another account or region.`),
  streamBusy: ({ status }, { streamName, account }) =>
    resourceInUse(`Stream ${streamName} under account ${account} not ACTIVE, instead in state ${status}`),
  shardNotFound: ({ shard }, { streamName, account }) =>
    resourceNotFound(`${shardIn(shard, { streamName, account })} does not exist`),
  // A reshard was faster than our picture of the stream, twice: the client tries again and finds the new shards.
  shardSealed: inside,
  shardClosed: ({ shard }, place) =>
    new AwsError(
      'InvalidArgumentException',
      `${shardIn(shard, place)} has already been merged or split, and thus is not eligible for merging or splitting.`,
    ),
  hashKeyOutOfRange: ({ shard, hashKey, hashRange }, { streamName, account }) =>
    new AwsError(
      'InvalidArgumentException',
      `NewStartingHashKey ${hashKey} used in SplitShard() on shard ${shardIdOfKey(shard)} in stream ${streamName} ` +
        `under account ${account} is not both greater than one plus the shard's StartingHashKey ${hashRange.start} ` +
        `and less than the shard's EndingHashKey ${hashRange.end}.`,
    ),
  shardsNotAdjacent: ({ shard, adjacentShard }, { streamName, account }) =>
    new AwsError(
      'InvalidArgumentException',
      `Shards ${shardIdOfKey(shard)} and ${shardIdOfKey(adjacentShard)} in stream ${streamName} ` +
        `under account ${account} are not an adjacent pair of shards eligible for merging`,
    ),
  tooManyShards: ({ shards, shardsMax }, { streamName, account }) =>
    new AwsError(
      'LimitExceededException',
      `Stream ${streamName} under account ${account} would have ${shards} shards, open and closed; ${shardsMax} are kept.`,
    ),
  offsetOutOfRange: inside,
  // Only idempotent producers can cause these, and this door is none.
  outOfOrderSequence: inside,
  duplicateSequence: inside,
  staleProducerEpoch: inside,
  staleCoordinatorEpoch: inside,
  transactionOpen: inside,
  notEnoughReplicas: inside,
  notEnoughReplicasAfterAppend: inside,
  // The log itself seals what must be.
  encryptionRequired: inside,
  batchTooLarge: ({ bytes, maxBytes }) =>
    new AwsError(
      'InvalidArgumentException',
      `The record takes ${bytes} bytes in the log; at most ${maxBytes} are stored.`,
    ),
  throttled: ({ shard }, place) => rateExceeded(shard.shardId, place),
  overloaded: ({ shard }, place) => rateExceeded(shard.shardId, place),
  storeUnavailable: inside,
} satisfies {
  readonly [Code in IngestRefusal['code']]: (refusal: RefusalOf<Code>, place: RefusalPlace) => AwsError;
};

function shardIdOfKey(shard: ShardKey): string {
  return shardIdOf(parseShardKey(shard).shardNumber);
}

function shardIn(shard: ShardKey, { streamName, account }: RefusalPlace): string {
  return `Shard ${shardIdOfKey(shard)} in stream ${streamName} under account ${account}`;
}

export function refusalError(refusal: IngestRefusal, place: RefusalPlace): AwsError {
  return (answers[refusal.code] as (refusal: IngestRefusal, place: RefusalPlace) => AwsError)(refusal, place);
}

export function rateExceeded(shardId: string, { streamName, account }: RefusalPlace): AwsError {
  return new AwsError('ProvisionedThroughputExceededException', rateExceededText(shardId, { streamName, account }));
}

function rateExceededText(shardId: string, { streamName, account }: RefusalPlace): string {
  return `Rate exceeded for shard ${shardId} in stream ${streamName} under account ${account}.`;
}

/** What PutRecords says of one record. Only two codes exist there; whatever is not throttling may be tried again. */
export function recordFault(
  refusal: IngestRefusal,
  place: RefusalPlace,
): { readonly ErrorCode: string; readonly ErrorMessage: string } {
  if (refusal.code === 'throttled' || refusal.code === 'overloaded') {
    return {
      ErrorCode: 'ProvisionedThroughputExceededException',
      ErrorMessage: rateExceededText(refusal.shard.shardId, place),
    };
  }
  return { ErrorCode: 'InternalFailure', ErrorMessage: INTERNAL_FAILURE_TEXT };
}
