import { setTimeout as sleep } from 'node:timers/promises';
import {
  type KinesisClient,
  ListShardsCommand,
  MergeShardsCommand,
  type Shard,
  SplitShardCommand,
  UpdateShardCountCommand,
} from '@aws-sdk/client-kinesis';

const OPEN_SHARDS = { min: 2, max: 9 };
/** Of a hundred changes, so many of the shard count as a whole. */
const SCALE_PERCENT = 10;

export interface Reshards {
  splits: number;
  merges: number;
  scalings: number;
}

export async function listShards(client: KinesisClient, StreamName: string): Promise<Shard[]> {
  const shards: Shard[] = [];
  let NextToken: string | undefined;
  do {
    const page = await client.send(new ListShardsCommand(NextToken === undefined ? { StreamName } : { NextToken }));
    shards.push(...(page.Shards ?? []));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return shards;
}

/** Splits and merges shards at random places and times. */
export async function reshard(
  client: KinesisClient,
  StreamName: string,
  random: () => number,
  signal: AbortSignal,
  done: Reshards,
  pauseMsMax: number,
): Promise<void> {
  const between = (min: number, max: number) => min + Math.floor(random() * (max - min + 1));
  while (!signal.aborted) {
    await sleep(between(Math.floor(pauseMsMax / 25), pauseMsMax));
    const open = (await listShards(client, StreamName))
      .filter(({ SequenceNumberRange }) => SequenceNumberRange?.EndingSequenceNumber === undefined)
      .map(({ ShardId, HashKeyRange }) => ({
        ShardId: ShardId as string,
        start: BigInt(HashKeyRange?.StartingHashKey as string),
        end: BigInt(HashKeyRange?.EndingHashKey as string),
      }))
      .sort((a, b) => (a.start < b.start ? -1 : 1));
    try {
      if (random() * 100 < SCALE_PERCENT) {
        const TargetShardCount = between(Math.max(OPEN_SHARDS.min, Math.ceil(open.length / 2)), OPEN_SHARDS.max);
        await client.send(
          new UpdateShardCountCommand({ StreamName, TargetShardCount, ScalingType: 'UNIFORM_SCALING' }),
        );
        done.scalings++;
      } else if (open.length <= OPEN_SHARDS.min || (open.length < OPEN_SHARDS.max && random() < 0.5)) {
        const { ShardId, start, end } = open[between(0, open.length - 1)] as (typeof open)[0];
        if (end - start < 1_000n) continue;
        const NewStartingHashKey = start + 2n + ((end - start - 4n) * BigInt(between(1, 999))) / 1_000n;
        await client.send(
          new SplitShardCommand({ StreamName, ShardToSplit: ShardId, NewStartingHashKey: String(NewStartingHashKey) }),
        );
        done.splits++;
      } else {
        const at = between(0, open.length - 2);
        const pair = [open[at]?.ShardId, open[at + 1]?.ShardId];
        if (random() < 0.5) pair.reverse();
        await client.send(new MergeShardsCommand({ StreamName, ShardToMerge: pair[0], AdjacentShardToMerge: pair[1] }));
        done.merges++;
      }
    } catch (error) {
      // Another change is still under way, or has taken the shard.
      if (!['ResourceInUseException', 'InvalidArgumentException'].includes((error as Error).name)) throw error;
    }
  }
}
