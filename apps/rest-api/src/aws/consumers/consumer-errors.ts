import { AwsError, resourceInUse, resourceNotFound } from '../aws-error.ts';
import { type ConsumerDocument, createdSeconds } from './consumer.ts';

/** Where a consumer is, for texts. */
export interface ConsumerPlace {
  readonly streamName: string;
  readonly account: string;
}

/**
 * Seen from the service: that a consumer is not ACTIVE, that another subscription exists and that a stream has consumers. The
 * other texts follow them and are guesses.
 */
export function consumerNotFound(consumerName: string, { streamName, account }: ConsumerPlace): AwsError {
  return resourceNotFound(`Consumer ${consumerName} under stream ${streamName} and account ${account} not found.`);
}

export function consumerExists(consumerName: string, { streamName, account }: ConsumerPlace): AwsError {
  return resourceInUse(`Consumer ${consumerName} under stream ${streamName} already exists for account ${account}.`);
}

export function consumerNotActive(
  { name, createdAtMs }: ConsumerDocument,
  { streamName, account }: ConsumerPlace,
): AwsError {
  return resourceInUse(
    `Consumer ${name} with creation timestamp ${createdSeconds(createdAtMs)} under stream: ${streamName} , ` +
      `account ${account} is not in ACTIVE status.`,
  );
}

export function tooManyConsumers({ streamName, account }: ConsumerPlace, consumersMax: number): AwsError {
  return new AwsError(
    'LimitExceededException',
    `Stream ${streamName} under account ${account} has ${consumersMax} registered consumers, the most that it can have.`,
  );
}

export function streamHasConsumers({ streamName, account }: ConsumerPlace): AwsError {
  return resourceInUse(
    `DeleteStream can't delete ${account}:${streamName} because there are consumers associated with this data stream. ` +
      `To delete ${streamName} anyway, set the EnforceConsumerDeletion parameter to true.`,
  );
}

export function subscriptionExists(
  shardId: string,
  consumerName: string,
  { streamName, account }: ConsumerPlace,
): AwsError {
  return resourceInUse(
    `Another active subscription exists for this consumer: ${account}:${streamName}:${shardId}:${consumerName}`,
  );
}
