import { isGroupId, parseSequenceNumber, type SequenceNumberParts, type Shard, type Store } from '@tailrace/shard-core';
import { z } from 'zod';
import { invalidRequest, problemOfRefusal } from './problem.ts';

/** Where reading begins, as the caller says it. */
export type ReadFrom =
  | { readonly at: 'earliest' }
  | { readonly at: 'latest' }
  | { readonly at: 'offset'; readonly offset: bigint }
  | { readonly at: 'sequenceNumber'; readonly parts: SequenceNumberParts }
  /** The first record that was appended at this time or later. */
  | { readonly at: 'time'; readonly timeMs: number }
  /** Behind what a Kafka group has committed. */
  | { readonly at: 'group'; readonly groupId: string };

/** Where reading begins in one shard, without regard to others. */
export type ReadFromInShard = Exclude<ReadFrom, { readonly at: 'group' }>;

const MESSAGE =
  'must be earliest, latest, an offset, seq:<sequenceNumber>, time:<ISO 8601 or milliseconds> or group:<group id>';
/** The largest time that a Date can show. */
const TIME_MS_MAX = 8.64e15;
const OFFSET_MAX = (1n << 63n) - 1n;
const ISO_8601 = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

export function parseReadFrom(text: string): ReadFrom | undefined {
  if (text === 'earliest' || text === 'latest') return { at: text };
  if (/^\d{1,19}$/.test(text)) {
    const offset = BigInt(text);
    return offset <= OFFSET_MAX ? { at: 'offset', offset } : undefined;
  }
  if (text.startsWith('seq:')) {
    const parts = parseSequenceNumber(text.slice('seq:'.length));
    return parts === undefined ? undefined : { at: 'sequenceNumber', parts };
  }
  if (text.startsWith('time:')) {
    const time = text.slice('time:'.length);
    // In a query a bare `+` stands for a space, so `+02:00` may arrive as ` 02:00`.
    const iso = time.replace(' ', '+');
    const timeMs = /^\d{1,16}$/.test(time) ? Number(time) : ISO_8601.test(iso) ? Date.parse(iso) : Number.NaN;
    return timeMs <= TIME_MS_MAX ? { at: 'time', timeMs } : undefined;
  }
  if (text.startsWith('group:')) {
    const groupId = text.slice('group:'.length);
    return isGroupId(groupId) ? { at: 'group', groupId } : undefined;
  }
  return undefined;
}

export const readFromParameter = z
  .string()
  .transform((text, context): ReadFrom => {
    const from = parseReadFrom(text);
    if (from !== undefined) return from;
    context.addIssue({ code: 'custom', message: MESSAGE });
    return z.NEVER;
  })
  .meta({
    description:
      'Where to begin: `earliest`, `latest`, an offset, `seq:<sequenceNumber>` (that record), or `time:` with ISO 8601 ' +
      'or milliseconds since 1970 (the first record that arrived then or later), or `group:<group id>` (behind what that ' +
      'group of Kafka consumers has committed).',
    examples: ['earliest', 'latest', '42', 'time:2026-11-23T12:00:00Z', 'group:billing'],
  });

/**
 * The offset in one shard. An offset that the caller names is not checked here: the read refuses it if it lies outside
 * the log. Throws a Problem (404 when the shard is gone, 400 for another shard's sequence number) and StoreUnavailable.
 */
export async function offsetOf(store: Store, shard: Shard, from: ReadFromInShard): Promise<bigint> {
  switch (from.at) {
    case 'offset':
      return from.offset;
    case 'sequenceNumber': {
      if (from.parts.shardNumber !== shard.number) {
        throw invalidRequest([
          {
            pointer: '?from',
            message: `this sequence number is of shard ${from.parts.shardNumber}, not ${shard.number}`,
          },
        ]);
      }
      return from.parts.offset;
    }
    case 'time': {
      const found = await store.log.offsetForTime(shard.key, from.timeMs, 'append');
      if (!found.ok) throw problemOfRefusal(found.refusal);
      if (found.value !== undefined) return found.value.baseOffset;
      break;
    }
    default:
  }
  const bounds = await store.log.bounds(shard.key);
  if (!bounds.ok) throw problemOfRefusal(bounds.refusal);
  return from.at === 'earliest' ? bounds.value.logStartOffset : bounds.value.lastStableOffset;
}
