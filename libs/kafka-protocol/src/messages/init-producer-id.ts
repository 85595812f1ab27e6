import { bool, int16, int32, int64, nullableString } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** A producer asks for the id under which its sequences are checked; with a transactional id, older holders are fenced. */
export const initProducerIdRequest = message({
  name: 'InitProducerIdRequest',
  key: 22,
  versions: [0, 6],
  flexibleFrom: 2,
  unstableFrom: 6,
  fields: {
    /** Null for a producer that is idempotent only. */
    transactionalId: nullableString(),
    /** A transaction that is open for longer is aborted. */
    transactionTimeoutMs: int32(),
    /** What the producer holds already, to go on with a higher epoch (KIP-360); -1 for none. */
    producerId: int64({ since: 3, default: -1n }),
    /** What the producer holds already; -1 for none. */
    producerEpoch: int16({ since: 3, default: -1 }),
    /** Two-phase commit (KIP-939): the transaction never times out. */
    enable2Pc: bool({ since: 6, default: false }),
    /** Two-phase commit (KIP-939): the prepared transaction is not aborted. */
    keepPreparedTxn: bool({ since: 6, default: false }),
  },
});

/** The id and epoch to produce with. */
export const initProducerIdResponse = message({
  name: 'InitProducerIdResponse',
  key: 22,
  versions: [0, 6],
  flexibleFrom: 2,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32({ ignorable: true }),
    errorCode: int16(),
    /** Under which sequences are checked. */
    producerId: int64({ default: -1n }),
    /** Fences older holders of the producer id. */
    producerEpoch: int16(),
    /** Two-phase commit (KIP-939): the transaction that is prepared; -1 for none. */
    ongoingTxnProducerId: int64({ since: 6, default: -1n }),
    ongoingTxnProducerEpoch: int16({ since: 6, default: -1 }),
  },
});

export const initProducerIdApi = api(initProducerIdRequest, initProducerIdResponse);
export type InitProducerIdRequest = Of<typeof initProducerIdRequest>;
export type InitProducerIdResponse = Draft<typeof initProducerIdResponse>;
