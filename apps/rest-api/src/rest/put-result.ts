import { formatSequenceNumber } from '@tailrace/shard-core';
import { z } from 'zod';
import type { Placed, PutOutcome } from '../ingest/index.ts';
import type { Problem } from './problem.ts';
import { type ProblemDetail, problemOfRefusal, refusalCodes } from './problem.ts';

export const placedView = z
  .strictObject({
    shardId: z.string(),
    sequenceNumber: z.string().meta({ pattern: '^\\d+$' }),
    partition: z.int(),
    offset: z.string().meta({ pattern: '^\\d+$' }),
  })
  .meta({ id: 'Placed' });

export const failedView = z
  .strictObject({
    code: z.enum([
      ...refusalCodes(),
      'invalidJson',
      'invalidRequest',
      'lineTooLong',
      'bodyBroken',
      'serviceStopping',
      'internalError',
    ]),
    message: z.string(),
    retryable: z.boolean().meta({ description: 'The same record may succeed later.' }),
    retryAfterMs: z.int().optional(),
    errors: z.array(z.strictObject({ pointer: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Failed' });
export type FailedView = z.output<typeof failedView>;

export const resultView = z.union([placedView, z.strictObject({ error: failedView })]);

export function viewPlaced({ shard, offset, appendTimeMs }: Placed): z.output<typeof placedView> {
  return {
    shardId: shard.shardId,
    sequenceNumber: formatSequenceNumber({
      offset,
      shardNumber: shard.number,
      appendTimeSeconds: Math.floor(appendTimeMs / 1000),
      shardCreatedSeconds: Math.floor(shard.openedAtMs / 1000),
    }),
    partition: shard.partition,
    offset: String(offset),
  };
}

/** The same words as the answer to a single record would have, for one among several. */
export function viewFailed(problem: Problem): FailedView {
  const { code, detail, retryable = false, retryAfterMs, errors } = problem.facts;
  return {
    code: code as FailedView['code'],
    message: detail,
    retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(errors === undefined ? {} : { errors: errors as ProblemDetail[] }),
  };
}

export function viewOutcome(outcome: PutOutcome): z.output<typeof resultView> {
  return outcome.ok ? viewPlaced(outcome.value) : { error: viewFailed(problemOfRefusal(outcome.refusal)) };
}
