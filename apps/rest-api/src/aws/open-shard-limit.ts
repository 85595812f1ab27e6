import type { StreamCatalog } from '@tailrace/shard-core';
import { AwsError } from './aws-error.ts';
import type { Caller } from './caller.ts';

/** All open shards of the deployment together: each one costs every process memory. */
export const OPEN_SHARDS_MAX = 20_000;
/** What the service gives an ON_DEMAND stream to begin with. */
export const ON_DEMAND_SHARDS = 4;
/** No limit of its own: so many fit below the limit of shards. */
export const ON_DEMAND_STREAMS_MAX = OPEN_SHARDS_MAX / ON_DEMAND_SHARDS;

export function openShardCount(catalog: StreamCatalog): number {
  let open = 0;
  for (const name of catalog.names()) open += catalog.peek(name)?.openShards.length ?? 0;
  return open;
}

/** Throws LimitExceededException. */
export function refuseTooManyShards(
  additional: number,
  { catalog, caller }: { readonly catalog: StreamCatalog; readonly caller: Caller },
): void {
  const open = openShardCount(catalog);
  if (open + additional <= OPEN_SHARDS_MAX) return;
  throw new AwsError(
    'LimitExceededException',
    `This request would exceed the shard limit for the account ${caller.account} in ${caller.region}. ` +
      `Current shard count for the account: ${open}. Limit: ${OPEN_SHARDS_MAX}. Number of additional shards that ` +
      `would have resulted from this request: ${additional}. Refer to the AWS Service Limits page ` +
      '(http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) ' +
      'for current limits and how to request higher limits.',
  );
}
