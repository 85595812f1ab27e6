import { describe, expect, it } from '@jest/globals';
import { errorCodes, errorName, type ProduceRequest } from '@tailrace/kafka-protocol';
import type { Stream } from '@tailrace/shard-core';
import { batchOf } from '../testing/records.ts';
import type { TransactionAdmission } from './transaction-admission.ts';
import { admitWrites } from './transactional-writes.ts';

const producer = { id: 7n, epoch: 0, baseSequence: 0 };
const inTransaction = batchOf(['a'], { producer, isTransactional: true });
const outside = batchOf(['a'], { producer });

/** Of partition 0 and 1 of each topic: the first is part of a transaction, the second is not. */
async function refusals(
  topics: readonly string[],
  known: readonly string[],
  indexes: readonly number[],
  records: Buffer,
) {
  const partitionData = () => indexes.map((index) => ({ index, records }));
  const topicData = topics.map((name) => ({ name, partitionData: partitionData() }));
  const request = { transactionalId: 't', topicData } as unknown as ProduceRequest;
  const admit = (_id: string, _producer: object, writes: readonly { readonly partition: number }[]) =>
    Promise.resolve(
      writes.map(({ partition }) => (partition === 0 ? errorCodes.NONE : errorCodes.TRANSACTION_ABORTABLE)),
    );
  const refused = await admitWrites(
    request,
    11,
    ({ name }) => (known.includes(name) ? ({ name, id: name, partitions: [{}, {}] } as unknown as Stream) : undefined),
    { admit } as unknown as TransactionAdmission,
  );
  return request.topicData.flatMap(({ name, partitionData: asked }) =>
    asked.map((one) => `${name}-${one.index}: ${errorName(refused.get(one) ?? 0)}`),
  );
}

describe('admitWrites', () => {
  it('lets in what is part of the transaction, and nothing else', async () => {
    expect(await refusals(['orders'], ['orders'], [0, 1], inTransaction)).toEqual([
      'orders-0: NONE',
      'orders-1: TRANSACTION_ABORTABLE',
    ]);
  });

  it('refuses what could not be asked for, which may be there a moment later', async () => {
    expect(await refusals(['orders', 'away'], ['orders'], [0, 2], inTransaction)).toEqual([
      'orders-0: NONE',
      'orders-2: UNKNOWN_TOPIC_OR_PARTITION',
      'away-0: UNKNOWN_TOPIC_OR_PARTITION',
      'away-2: UNKNOWN_TOPIC_OR_PARTITION',
    ]);
  });

  it('asks for nothing outside a transaction', async () => {
    expect(await refusals(['orders', 'away'], ['orders'], [1], outside)).toEqual(['orders-1: NONE', 'away-1: NONE']);
  });
});
