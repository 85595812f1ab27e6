import type { Stream } from '@tailrace/shard-core';
import { AccountSettings } from './account-settings.ts';
import { AwsError, invalidArgument } from './aws-error.ts';
import type { OperationContext } from './operation.ts';
import type { WireStructure } from './wire/wire-codec.ts';
import { ON_DEMAND_SHARDS } from './open-shard-limit.ts';
import type { StreamPlace } from './stream-places.ts';

/** The service's own: 10 GiB/s. */
export const WARM_THROUGHPUT_MIBPS_MAX = 10 * 1024;

/** Open shards that a stream needs to be ready for so much: each one is made for 1 MiB/s. */
export function shardsFor(warmThroughputMiBps: number): number {
  return Math.max(ON_DEMAND_SHARDS, warmThroughputMiBps);
}

/** `undefined`: as the service, which shows it of ON_DEMAND streams of accounts with a commitment only. */
export async function describeWarmThroughput(
  stream: Stream,
  place: StreamPlace,
  context: Pick<OperationContext, 'store' | 'clock' | 'places'>,
): Promise<WireStructure | undefined> {
  if (stream.document.mode !== 'ON_DEMAND') return undefined;
  const isCommitted = await new AccountSettings(context).isCommitted(place);
  return isCommitted ? warmThroughputOf(stream) : undefined;
}

export function warmThroughputOf({ document, openShards }: Stream): WireStructure {
  return { TargetMiBps: document.warmThroughputMiBps ?? openShards.length, CurrentMiBps: openShards.length };
}

/** Throws InvalidArgumentException where there is no commitment, LimitExceededException above the limit. */
export async function checkWarmThroughput(
  warmThroughputMiBps: number,
  place: StreamPlace,
  context: Pick<OperationContext, 'store' | 'clock' | 'places'>,
): Promise<void> {
  if (!(await new AccountSettings(context).isCommitted(place))) {
    throw invalidArgument(
      `Warm throughput requires that MinimumThroughputBillingCommitment is enabled for account ${place.account}.`,
    );
  }
  if (warmThroughputMiBps > WARM_THROUGHPUT_MIBPS_MAX) {
    throw new AwsError(
      'LimitExceededException',
      `WarmThroughputMiBps ${warmThroughputMiBps} is above the limit of ${WARM_THROUGHPUT_MIBPS_MAX} MiBps for a stream.`,
    );
  }
}
