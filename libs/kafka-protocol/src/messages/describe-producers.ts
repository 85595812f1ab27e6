import { array, int16, int32, int64, nullableString, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Which producers have written to partitions, to find a transaction that hangs. */
export const describeProducersRequest = message({
  name: 'DescribeProducersRequest',
  key: 61,
  versions: [0, 0],
  flexibleFrom: 0,
  fields: {
    topics: array(
      struct({
        name: string(),
        partitionIndexes: array(int32()),
      }),
    ),
  },
});

/** The producer state of each partition. */
export const describeProducersResponse = message({
  name: 'DescribeProducersResponse',
  key: 61,
  versions: [0, 0],
  flexibleFrom: 0,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            errorCode: int16(),
            errorMessage: nullableString({ default: null }),
            activeProducers: array(
              struct({
                /** Under which sequences are checked. */
                producerId: int64(),
                /** Fences older holders of the producer id. */
                producerEpoch: int32(),
                /** Of the newest batch; -1 where it is not known. */
                lastSequence: int32({ default: -1 }),
                /** Of the newest batch, in milliseconds since 1970; -1 where it is not known. */
                lastTimestamp: int64({ default: -1n }),
                /** Fences an older transaction coordinator. */
                coordinatorEpoch: int32(),
                /** First offset of the open transaction; -1 without one. */
                currentTxnStartOffset: int64({ default: -1n }),
              }),
            ),
          }),
        ),
      }),
    ),
  },
});

export const describeProducersApi = api(describeProducersRequest, describeProducersResponse);
export type DescribeProducersRequest = Of<typeof describeProducersRequest>;
export type DescribeProducersResponse = Draft<typeof describeProducersResponse>;
