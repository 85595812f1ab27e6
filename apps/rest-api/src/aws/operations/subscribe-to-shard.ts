import { logger } from '@tailrace/telemetry';
import type { EventStream } from '../../http/event-stream.ts';
import { consumerArnMember, existingConsumer } from '../consumers/consumer-reference.ts';
import { consumerNotActive, subscriptionExists } from '../consumers/consumer-errors.ts';
import { ShardSubscription, type ShardSubscriptionOptions } from '../consumers/shard-subscription.ts';
import { endDryRun } from '../dry-run.ts';
import { dryRun, sequenceNumber, shardId } from '../members.ts';
import { operation } from '../operation.ts';
import { existingShard, POSITION_TYPES, startOffset } from '../starting-position.ts';
import { required, string, structure, timestamp } from '../wire/shapes.ts';
import type { WireCodec } from '../wire/wire-codec.ts';

/**
 * SubscribeToShard: a stream of events with the records of a shard, for five minutes.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_SubscribeToShard.html
 * 1 ValidationException  2 InvalidArgumentException (ARN)  3 ResourceNotFoundException (stream, consumer, shard)
 * 4 ResourceInUseException (consumer not ACTIVE)  5 InvalidArgumentException (position)  6 DryRunOperationException
 * 7 ResourceInUseException (another subscription, begun less than 5 seconds ago)  8 LimitExceededException
 * As events: ResourceInUseException (taken over), ResourceNotFoundException (stream or consumer removed),
 * KMSNotFoundException, InternalFailureException.
 */
export const subscribeToShard = operation({
  name: 'SubscribeToShard',
  input: {
    ConsumerARN: required(consumerArnMember),
    ShardId: required(shardId),
    StartingPosition: required(
      structure({
        Type: required(string({ values: POSITION_TYPES })),
        SequenceNumber: sequenceNumber,
        Timestamp: timestamp(),
      }),
    ),
    DryRun: dryRun,
  },
  async run({ ConsumerARN, ShardId, StartingPosition, DryRun }, context): Promise<SubscribeToShardOutput> {
    const { store, catalog, limits, clock, subscriptions, span } = context;
    const { consumer, stream, place } = await existingConsumer({ ConsumerARN }, context); // 2, 3
    const { shard } = await existingShard(ShardId, place, context.streams); // 3
    if (consumer.status !== 'ACTIVE') throw consumerNotActive(consumer, place); // 4
    const position = {
      type: StartingPosition.Type,
      sequenceNumber: StartingPosition.SequenceNumber,
      timestampMs: StartingPosition.Timestamp,
    };
    const offset = await startOffset(position, shard, { ...place, operation: 'SubscribeToShard' }, store, clock()); // 5
    endDryRun(DryRun); // 6
    const subscription = await subscriptions.take(consumer, shard.number);
    if (subscription === undefined) throw subscriptionExists(shard.shardId, consumer.name, place); // 7
    // Removed since: who removed it may have looked for subscriptions before this one was written down.
    const now = await context.consumers.find(consumer.streamId, consumer.name);
    if (now?.status !== 'ACTIVE' || now.createdAtMs !== consumer.createdAtMs) {
      await subscriptions.undo(subscription);
      throw consumerNotActive(consumer, place); // 4
    }
    return {
      store,
      catalog,
      limits,
      clock,
      times: subscriptions.times,
      undo: () => subscriptions.undo(subscription),
      subscription,
      consumer,
      shard,
      place,
      keptName: stream.name,
      startOffset: offset,
      span,
    };
  },
  stream(options: SubscribeToShardOutput, events: EventStream, codec: WireCodec) {
    void new ShardSubscription(options, events, codec).run();
  },
  release(subscription: SubscribeToShardOutput) {
    const { shard } = subscription;
    subscription.undo().catch((error: unknown) => {
      logger.warn({ door: 'http', shard: shard.shardId, err: error }, 'subscription not undone');
    });
  },
});

interface SubscribeToShardOutput extends ShardSubscriptionOptions {
  /** For when the answer cannot begin. */
  undo(): Promise<void>;
}
