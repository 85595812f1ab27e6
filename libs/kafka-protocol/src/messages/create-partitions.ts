import { array, bool, int16, int32, nullableArray, nullableString, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Add partitions to topics. */
export const createPartitionsRequest = message({
  name: 'CreatePartitionsRequest',
  key: 37,
  versions: [0, 3],
  flexibleFrom: 2,
  fields: {
    topics: array(
      struct({
        name: string(),
        /** How many partitions there shall be in all. */
        count: int32(),
        /** Replicas of the new partitions, chosen by hand; null leaves it to us. */
        assignments: nullableArray(
          struct({
            brokerIds: array(int32()),
          }),
        ),
      }),
    ),
    /** How long the operation may take. */
    timeoutMs: int32(),
    /** Check, but do nothing. */
    validateOnly: bool(),
  },
});

/** Which topics have grown. */
export const createPartitionsResponse = message({
  name: 'CreatePartitionsResponse',
  key: 37,
  versions: [0, 3],
  flexibleFrom: 2,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    results: array(
      struct({
        name: string(),
        errorCode: int16(),
        errorMessage: nullableString({ default: null }),
      }),
    ),
  },
});

export const createPartitionsApi = api(createPartitionsRequest, createPartitionsResponse);
export type CreatePartitionsRequest = Of<typeof createPartitionsRequest>;
export type CreatePartitionsResponse = Draft<typeof createPartitionsResponse>;
