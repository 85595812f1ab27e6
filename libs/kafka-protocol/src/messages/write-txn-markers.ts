import { array, bool, int16, int32, int64, int8, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** The transaction coordinator has partitions write the control record that ends a transaction. */
export const writeTxnMarkersRequest = message({
  name: 'WriteTxnMarkersRequest',
  key: 27,
  versions: [1, 2],
  flexibleFrom: 1,
  fields: {
    markers: array(
      struct({
        /** Under which sequences are checked. */
        producerId: int64(),
        /** Fences older holders of the producer id. */
        producerEpoch: int16(),
        /** True commits, false aborts. */
        transactionResult: bool(),
        topics: array(
          struct({
            name: string(),
            partitionIndexes: array(int32()),
          }),
        ),
        /** Fences an older transaction coordinator. */
        coordinatorEpoch: int32(),
        /** Which rules for epochs the marker follows (KIP-890). */
        transactionVersion: int8({ since: 2, default: 0, ignorable: true }),
      }),
    ),
  },
});

/** Which partitions have written it. */
export const writeTxnMarkersResponse = message({
  name: 'WriteTxnMarkersResponse',
  key: 27,
  versions: [1, 2],
  flexibleFrom: 1,
  fields: {
    markers: array(
      struct({
        /** Under which sequences are checked. */
        producerId: int64(),
        topics: array(
          struct({
            name: string(),
            partitions: array(
              struct({
                partitionIndex: int32(),
                errorCode: int16(),
              }),
            ),
          }),
        ),
      }),
    ),
  },
});

export const writeTxnMarkersApi = api(writeTxnMarkersRequest, writeTxnMarkersResponse);
export type WriteTxnMarkersRequest = Of<typeof writeTxnMarkersRequest>;
export type WriteTxnMarkersResponse = Draft<typeof writeTxnMarkersResponse>;
