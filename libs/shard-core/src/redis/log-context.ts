import type { Refusal } from '../contract/refusal.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import type { TailCache } from '../tail-cache.ts';
import type { RedisBounds } from './bounds.ts';
import type { Keys } from './keys.ts';
import type { LeaderEpoch } from './leader-epoch.ts';
import type { RedisNode } from './redis-node.ts';
import type { ReplicaView } from './replicas.ts';
import type { ShardViews } from './shard-views.ts';
import type { Topology } from './topology.ts';
import type { WakeUps } from './wake-ups.ts';
import type { WatermarkKeeper } from './watermark-keeper.ts';

/** What belongs to one primary beside its connections. */
export interface Primary {
  readonly node: RedisNode;
  readonly replicas: ReplicaView;
  readonly watermarks: WatermarkKeeper;
}

/** What the parts of the log share. */
export interface LogContext {
  readonly keys: Keys;
  readonly bounds: RedisBounds;
  readonly topology: Topology;
  readonly views: ShardViews;
  readonly wakeUps: WakeUps;
  readonly tailCache: TailCache;
  readonly leaderEpoch: LeaderEpoch;
  /** `undefined`: Redis' own clock, one for all processes. */
  readonly clock: (() => number) | undefined;
  /** Messages arrive now, so what other processes do to shards is known. */
  readonly hearsMessages: () => boolean;
  readonly primaryOf: (node: RedisNode) => Primary;
  /** The end was seen above the watermark: take over in a moment, if nobody else has moved it by then. */
  readonly repairSoon: (shard: ShardKey) => void;
}

export function refused(refusal: Refusal): { readonly ok: false; readonly refusal: Refusal } {
  return { ok: false, refusal };
}

export function shardNotFound(shard: ShardKey): { readonly ok: false; readonly refusal: Refusal } {
  return refused({ code: 'shardNotFound', shard });
}
