import { bool, int16, int32, int64, string } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Commit or abort the transaction. */
export const endTxnRequest = message({
  name: 'EndTxnRequest',
  key: 26,
  versions: [0, 5],
  flexibleFrom: 3,
  fields: {
    transactionalId: string(),
    /** Under which sequences are checked. */
    producerId: int64(),
    /** Fences older holders of the producer id. */
    producerEpoch: int16(),
    /** True commits, false aborts. */
    committed: bool(),
  },
});

/** Whether the decision is recorded; from version 5 with the epoch for the next transaction. */
export const endTxnResponse = message({
  name: 'EndTxnResponse',
  key: 26,
  versions: [0, 5],
  flexibleFrom: 3,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    errorCode: int16(),
    /** Under which sequences are checked. */
    producerId: int64({ since: 5, default: -1n, ignorable: true }),
    /** Fences older holders of the producer id. */
    producerEpoch: int16({ since: 5, default: -1, ignorable: true }),
  },
});

export const endTxnApi = api(endTxnRequest, endTxnResponse);
export type EndTxnRequest = Of<typeof endTxnRequest>;
export type EndTxnResponse = Draft<typeof endTxnResponse>;
