import { int16, int32, int64, string } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** A transaction is going to commit offsets of a group. */
export const addOffsetsToTxnRequest = message({
  name: 'AddOffsetsToTxnRequest',
  key: 25,
  versions: [0, 4],
  flexibleFrom: 3,
  fields: {
    transactionalId: string(),
    /** Under which sequences are checked. */
    producerId: int64(),
    /** Fences older holders of the producer id. */
    producerEpoch: int16(),
    groupId: string(),
  },
});

/** Whether the group is part of the transaction now. */
export const addOffsetsToTxnResponse = message({
  name: 'AddOffsetsToTxnResponse',
  key: 25,
  versions: [0, 4],
  flexibleFrom: 3,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    errorCode: int16(),
  },
});

export const addOffsetsToTxnApi = api(addOffsetsToTxnRequest, addOffsetsToTxnResponse);
export type AddOffsetsToTxnRequest = Of<typeof addOffsetsToTxnRequest>;
export type AddOffsetsToTxnResponse = Draft<typeof addOffsetsToTxnResponse>;
