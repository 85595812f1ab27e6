import { describe, expect, it } from '@jest/globals';
import { ACCOUNT, awsError, awsHarness, NOT_NULL, START_MS, validationError } from '../../../test/aws-harness.ts';

const StreamARN = `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/s`;
const ConsumerARN = `${StreamARN}/consumer/c:${Math.floor(START_MS / 1000)}`;
const LATEST = { ConsumerARN, ShardId: 'shardId-000000000000', StartingPosition: { Type: 'LATEST' } };
/** What the harness, which has no connections, answers to a request that is right. */
const noRoom = awsError('LimitExceededException', 'This service has as many streams of events as it can.');

async function withConsumer() {
  const harness = await awsHarness();
  await harness.ok('CreateStream', { StreamName: 's', ShardCount: 1 });
  await harness.ok('RegisterStreamConsumer', { StreamARN, ConsumerName: 'c' });
  return harness;
}

/** The streams of events themselves are in `test/subscribe-to-shard.e2e.spec.ts`: they need a connection. */
describe('SubscribeToShard', () => {
  it('leaves nothing of a subscription for which there was no room (8): the next call need not wait', async () => {
    const { call, store } = await withConsumer();
    for (let i = 0; i < 3; i++) expect(await call('SubscribeToShard', LATEST)).toEqual(noRoom);
    expect(await store.documents.list('subscription/')).toEqual([]);
  });

  it('refuses (7) another one of the same consumer and shard for five seconds', async () => {
    const { call, store, catalog, clock } = await withConsumer();
    const key = `subscription/${catalog.peek('s')?.id}/c:${Math.floor(START_MS / 1000)}/0`;
    const value = JSON.stringify({ holder: 'another process', openedAtMs: clock.nowMs });
    await store.documents.write([{ key, value, expected: 'absent' }]);
    const text = `Another active subscription exists for this consumer: ${ACCOUNT}:s:shardId-000000000000:c`;
    clock.nowMs += 4_999;
    expect(await call('SubscribeToShard', LATEST)).toEqual(awsError('ResourceInUseException', text));
    clock.nowMs += 1;
    expect(await call('SubscribeToShard', LATEST)).toEqual(noRoom);
  });

  it('refuses (4) a consumer that is removed while it begins, and leaves nothing', async () => {
    const { call, store, ok } = await withConsumer();
    const write = store.documents.write.bind(store.documents);
    store.documents.write = async (writes) => {
      if (writes[0]?.key.startsWith('subscription/') && writes[0].expected === 'absent') {
        store.documents.write = write;
        await ok('DeregisterStreamConsumer', { ConsumerARN }).catch(() => undefined);
      }
      return write(writes);
    };
    expect(await call('SubscribeToShard', LATEST)).toEqual(
      awsError(
        'ResourceInUseException',
        `Consumer c with creation timestamp ${Math.floor(START_MS / 1000)} under stream: s , account ${ACCOUNT} ` +
          'is not in ACTIVE status.',
      ),
    );
    expect(await store.documents.list('subscription/')).toEqual([]);
  });

  const types = '[AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]';

  it.each([
    [
      '1',
      { ConsumerARN: undefined, ShardId: undefined, StartingPosition: undefined },
      validationError(
        ['null', 'consumerARN', NOT_NULL],
        ['null', 'shardId', NOT_NULL],
        ['null', 'startingPosition', NOT_NULL],
      ),
    ],
    [
      '1',
      { StartingPosition: { Type: 'NOW' } },
      validationError(["'NOW'", 'startingPosition.type', `Member must satisfy enum value set: ${types}`]),
    ],
    [
      '3',
      { ConsumerARN: ConsumerARN.replace('stream/s', 'stream/none') },
      awsError('ResourceNotFoundException', `Stream none under account ${ACCOUNT} not found.`),
    ],
    [
      '3',
      { ConsumerARN: `${StreamARN}/consumer/c:1` },
      awsError('ResourceNotFoundException', `Consumer c under stream s and account ${ACCOUNT} not found.`),
    ],
    [
      '3',
      { ShardId: 'shardId-000000000007' },
      awsError(
        'ResourceNotFoundException',
        `Shard shardId-000000000007 in stream s under account ${ACCOUNT} does not exist`,
      ),
    ],
    [
      '5',
      { StartingPosition: { Type: 'AT_SEQUENCE_NUMBER' } },
      awsError(
        'InvalidArgumentException',
        'Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or ' +
          '(2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified ' +
          'AT_SEQUENCE_NUMBER and no StartingSequenceNumber.',
      ),
    ],
    [
      '5',
      { StartingPosition: { Type: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: '5' } },
      awsError(
        'InvalidArgumentException',
        'StartingSequenceNumber 5 used in SubscribeToShard on shard shardId-000000000000 in stream s ' +
          `under account ${ACCOUNT} is invalid.`,
      ),
    ],
    [
      '6',
      { DryRun: true },
      awsError('DryRunOperationException', 'Request would have succeeded, but DryRun flag is set.'),
    ],
  ])('refuses (%s) %j', async (_number, input, answer) => {
    const { call, store } = await withConsumer();
    expect(await call('SubscribeToShard', { ...LATEST, ...input })).toEqual(answer);
    expect(await store.documents.list('subscription/')).toEqual([]);
  });
});
