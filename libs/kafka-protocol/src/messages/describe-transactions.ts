import { array, int16, int32, int64, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** How transactions stand, to find out why one hangs. */
export const describeTransactionsRequest = message({
  name: 'DescribeTransactionsRequest',
  key: 65,
  versions: [0, 0],
  flexibleFrom: 0,
  fields: {
    /** Only these; empty asks for none. */
    transactionalIds: array(string()),
  },
});

/** The state of each transactional id. */
export const describeTransactionsResponse = message({
  name: 'DescribeTransactionsResponse',
  key: 65,
  versions: [0, 0],
  flexibleFrom: 0,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    transactionStates: array(
      struct({
        errorCode: int16(),
        transactionalId: string(),
        /** `Empty`, `Ongoing`, `PrepareCommit`, `PrepareAbort`, `CompleteCommit` or `CompleteAbort`. */
        transactionState: string(),
        transactionTimeoutMs: int32(),
        /** Of the open transaction, in milliseconds since 1970; -1 without one. */
        transactionStartTimeMs: int64(),
        /** Under which sequences are checked. */
        producerId: int64(),
        /** Fences older holders of the producer id. */
        producerEpoch: int16(),
        /** The partitions of the open transaction. */
        topics: array(
          struct({
            topic: string(),
            partitions: array(int32()),
          }),
        ),
      }),
    ),
  },
});

export const describeTransactionsApi = api(describeTransactionsRequest, describeTransactionsResponse);
export type DescribeTransactionsRequest = Of<typeof describeTransactionsRequest>;
export type DescribeTransactionsResponse = Draft<typeof describeTransactionsResponse>;
