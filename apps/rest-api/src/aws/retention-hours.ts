import { retentionMsOf, type Stream, type StreamDocument } from '@tailrace/shard-core';
import { invalidArgument } from './aws-error.ts';

const HOUR_MS = 3_600_000;
export const RETENTION_HOURS_MIN = 24;
export const RETENTION_HOURS_MAX = 8_760;
/** Kafka's name for the same thing, which topics may have set and which goes first. */
const KAFKA_SETTING = 'retention.ms';

/** How long records are kept, in whole hours. A topic may keep them for minutes or for ever: shown as 1 and as the most. */
export function retentionHoursOf(stream: Stream): number {
  const retentionMs = retentionMsOf(stream) ?? Infinity;
  return Math.min(Math.max(1, Math.floor(retentionMs / HOUR_MS)), RETENTION_HOURS_MAX);
}

/** The document with another retention, which both doors see. */
export function withRetention(document: StreamDocument, hours: number): StreamDocument {
  const { [KAFKA_SETTING]: _replaced, ...configs } = document.configs;
  return { ...document, configs, retentionMs: hours * HOUR_MS };
}

/** Throws InvalidArgumentException. */
export function checkRetentionHours(hours: number): void {
  if (hours < RETENTION_HOURS_MIN) {
    throw invalidArgument(
      `Minimum allowed retention period is ${RETENTION_HOURS_MIN} hours. ` +
        `Requested retention period (${hours} hours) is too short.`,
    );
  }
  if (hours > RETENTION_HOURS_MAX) {
    throw invalidArgument(
      `Maximum allowed retention period is ${RETENTION_HOURS_MAX} hours. ` +
        `Requested retention period (${hours} hours) is too long.`,
    );
  }
}
