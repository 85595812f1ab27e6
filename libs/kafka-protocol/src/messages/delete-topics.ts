import { array, int16, int32, nullableString, string, struct, uuid } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { ZERO_UUID } from '../codec/uuid.ts';
import { api } from '../headers.ts';

/** Delete topics, by name or, from version 6, by id. */
export const deleteTopicsRequest = message({
  name: 'DeleteTopicsRequest',
  key: 20,
  versions: [1, 6],
  flexibleFrom: 4,
  fields: {
    /** From version 6 on. */
    topics: array(
      struct({
        /** Null where the id names the topic. */
        name: nullableString({ default: null }),
        /** Replaces the name where the version has it. */
        topicId: uuid(),
      }),
      { since: 6, default: [] },
    ),
    /** Up to version 5. */
    topicNames: array(string(), { until: 5, default: [], ignorable: true }),
    /** How long the operation may take. */
    timeoutMs: int32(),
  },
});

/** Which topics are gone. */
export const deleteTopicsResponse = message({
  name: 'DeleteTopicsResponse',
  key: 20,
  versions: [1, 6],
  flexibleFrom: 4,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32({ ignorable: true }),
    responses: array(
      struct({
        /** Null where an id names no topic. */
        name: nullableString({ nullableSince: 6 }),
        /** Replaces the name where the version has it. */
        topicId: uuid({ since: 6, default: ZERO_UUID, ignorable: true }),
        errorCode: int16(),
        errorMessage: nullableString({ since: 5, default: null, ignorable: true }),
      }),
    ),
  },
});

export const deleteTopicsApi = api(deleteTopicsRequest, deleteTopicsResponse);
export type DeleteTopicsRequest = Of<typeof deleteTopicsRequest>;
export type DeleteTopicsResponse = Draft<typeof deleteTopicsResponse>;
