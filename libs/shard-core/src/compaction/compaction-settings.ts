import type { Stream } from '../streams/stream.ts';

/** How a stream is compacted, by its topic settings. */
export interface CompactionSettings {
  /** Records stay as they are for so long after they were appended. */
  readonly minLagMs: number;
  /** Older ones are compacted whatever the ratio; `Infinity`: they wait for it. */
  readonly maxLagMs: number;
  /** Share of a partition's bytes that must be new for a compaction to be worth its while. */
  readonly minDirtyRatio: number;
  /** How long tombstones, and markers of which nothing is needed any more, stay once they were compacted. */
  readonly deleteRetentionMs: number;
}

/** Kafka's, where a topic sets nothing. */
const DEFAULTS = { minLagMs: 0, minDirtyRatio: 0.5, deleteRetentionMs: 86_400_000 } as const;
/** Times are added to these; what is beyond is for ever. */
const LAG_MS_MAX = Number.MAX_SAFE_INTEGER;

/** `undefined`: the stream is not compacted. */
export function compactionSettingsOf({ document: { configs } }: Stream): CompactionSettings | undefined {
  const policy = configs['cleanup.policy'];
  if (policy === undefined || !policy.split(',').some((word) => word.trim() === 'compact')) return undefined;
  const maxLagMs = Number(configs['max.compaction.lag.ms'] ?? Infinity);
  return {
    minLagMs: Number(configs['min.compaction.lag.ms'] ?? DEFAULTS.minLagMs),
    maxLagMs: maxLagMs >= LAG_MS_MAX ? Infinity : maxLagMs,
    minDirtyRatio: Number(configs['min.cleanable.dirty.ratio'] ?? DEFAULTS.minDirtyRatio),
    deleteRetentionMs: Number(configs['delete.retention.ms'] ?? DEFAULTS.deleteRetentionMs),
  };
}
