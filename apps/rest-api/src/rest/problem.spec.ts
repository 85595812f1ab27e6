import { describe, expect, it } from '@jest/globals';
import { type Shard, shardKey, StoreUnavailable } from '@tailrace/shard-core';
import type { IngestRefusal } from '../ingest/index.ts';
import { problemBody, problemOfError, problemOfRefusal, problemType, retryAfterSeconds } from './problem.ts';

const shard = shardKey('s', 0);
const shardOf = { shardId: 'shardId-000000000000' } as Shard;
const producerId = 7n;

describe('a refusal', () => {
  it.each<[IngestRefusal, number, boolean]>([
    [{ code: 'streamNotFound', stream: 's' }, 404, false],
    [{ code: 'streamExists', stream: 's' }, 409, false],
    [{ code: 'streamBusy', stream: 's', status: 'UPDATING' }, 409, true],
    [{ code: 'shardNotFound', shard }, 404, false],
    [{ code: 'shardSealed', shard }, 503, true],
    [{ code: 'shardClosed', shard }, 409, false],
    [{ code: 'hashKeyOutOfRange', shard, hashKey: 9n, hashRange: { start: 1n, end: 5n } }, 400, false],
    [{ code: 'shardsNotAdjacent', shard, adjacentShard: shardKey('s', 2) }, 400, false],
    [{ code: 'tooManyShards', stream: 's', shards: 9, shardsMax: 5 }, 409, false],
    [{ code: 'offsetOutOfRange', shard, offset: 9n, logStartOffset: 1n, logEndOffset: 5n }, 400, false],
    [{ code: 'outOfOrderSequence', producerId, expected: 1, got: 3 }, 409, false],
    [{ code: 'duplicateSequence', producerId, sequence: 1 }, 409, false],
    [{ code: 'staleProducerEpoch', producerId, epoch: 1, current: 2 }, 409, false],
    [{ code: 'staleCoordinatorEpoch', producerId, coordinatorEpoch: 1, current: 2 }, 409, false],
    [{ code: 'notEnoughReplicas', required: 2, available: 1 }, 503, true],
    [{ code: 'notEnoughReplicasAfterAppend', required: 2, acknowledged: 1 }, 503, true],
    [{ code: 'batchTooLarge', bytes: 9, maxBytes: 5 }, 413, false],
    [{ code: 'throttled', shard: shardOf, retryAfterMs: 5 }, 429, true],
    [{ code: 'overloaded', shard: shardOf, queuedBytes: 9, maxBytes: 5 }, 503, true],
    [{ code: 'storeUnavailable', message: 'secret of the inside' }, 503, true],
  ])('%j is answered %d', (refusal, status, retryable) => {
    const problem = problemOfRefusal(refusal);
    const body = problemBody(problem, '/v1');
    expect(body).toMatchObject({
      status,
      retryable,
      code: refusal.code,
      type: problemType(refusal.code),
      instance: '/v1',
    });
    expect(body['detail']).toMatch(/^[A-Z0-9].*\.$/);
    expect(JSON.stringify(body)).not.toMatch(/undefined|secret/);
    expect(problem.facts.retryAfterMs !== undefined).toBe(status === 503 || status === 429);
  });

  it('of an offset names both ends', () => {
    const range = { shard, offset: 9n, logStartOffset: 1n, logEndOffset: 5n };
    expect(problemBody(problemOfRefusal({ code: 'offsetOutOfRange', ...range }))).toMatchObject({
      logStartOffset: '1',
      logEndOffset: '5',
    });
  });
});

describe('an error', () => {
  it('of the store is retryable, a bug is a 500 that tells nothing of the inside', () => {
    expect(problemOfError(new StoreUnavailable('secret'))).toMatchObject({ status: 503 });
    const bug = problemOfError(new TypeError('secret'));
    expect(problemBody(bug)).toMatchObject({ status: 500, code: 'internalError', retryable: false });
    expect(JSON.stringify(problemBody(bug))).not.toContain('secret');
    expect(bug.cause).toBeInstanceOf(TypeError);
  });
});

describe('Retry-After', () => {
  it.each([
    [0, 1],
    [1, 1],
    [1000, 1],
    [1001, 2],
  ])('%d ms are %d s', (waitMs, seconds) => {
    expect(retryAfterSeconds(waitMs)).toBe(seconds);
  });
});
