import { array, int16, int32, int64, nullableString, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Which transactional ids this broker coordinates. */
export const listTransactionsRequest = message({
  name: 'ListTransactionsRequest',
  key: 66,
  versions: [0, 2],
  flexibleFrom: 0,
  fields: {
    /** Only those in these states; empty asks for all. */
    stateFilters: array(string()),
    /** Only those of these producers; empty asks for all. */
    producerIdFilters: array(int64()),
    /** Only transactions that have been open for longer, in milliseconds; below 0 asks for all. */
    durationFilter: int64({ since: 1, default: -1n }),
    /** Only ids that match this regular expression (KIP-1152); null or empty asks for all. */
    transactionalIdPattern: nullableString({ since: 2, default: null }),
  },
});

/** The transactional ids found. */
export const listTransactionsResponse = message({
  name: 'ListTransactionsResponse',
  key: 66,
  versions: [0, 2],
  flexibleFrom: 0,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    errorCode: int16(),
    /** What was asked for as a state and is none. */
    unknownStateFilters: array(string()),
    transactionStates: array(
      struct({
        transactionalId: string(),
        /** Under which sequences are checked. */
        producerId: int64(),
        /** `Empty`, `Ongoing`, `PrepareCommit`, `PrepareAbort`, `CompleteCommit` or `CompleteAbort`. */
        transactionState: string(),
      }),
    ),
  },
});

export const listTransactionsApi = api(listTransactionsRequest, listTransactionsResponse);
export type ListTransactionsRequest = Of<typeof listTransactionsRequest>;
export type ListTransactionsResponse = Draft<typeof listTransactionsResponse>;
