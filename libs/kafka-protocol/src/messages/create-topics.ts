import {
  array,
  bool,
  int16,
  int32,
  int8,
  nullableArray,
  nullableString,
  string,
  struct,
  uuid,
} from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { ZERO_UUID } from '../codec/uuid.ts';
import { api } from '../headers.ts';

/** Create topics. */
export const createTopicsRequest = message({
  name: 'CreateTopicsRequest',
  key: 19,
  versions: [2, 7],
  flexibleFrom: 5,
  fields: {
    topics: array(
      struct({
        name: string(),
        /** -1 leaves it to us. */
        numPartitions: int32(),
        /** -1 leaves it to us. */
        replicationFactor: int16(),
        /** Replicas chosen by hand; with it, the two numbers above are -1. */
        assignments: array(
          struct({
            partitionIndex: int32(),
            brokerIds: array(int32()),
          }),
        ),
        configs: array(
          struct({
            name: string(),
            value: nullableString(),
          }),
        ),
      }),
    ),
    /** How long the operation may take. */
    timeoutMs: int32({ default: 60000 }),
    /** Check, but do nothing. */
    validateOnly: bool({ default: false }),
  },
});

/** What was created, with its real settings: the Java admin client dies where they are missing. */
export const createTopicsResponse = message({
  name: 'CreateTopicsResponse',
  key: 19,
  versions: [2, 7],
  flexibleFrom: 5,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32({ ignorable: true }),
    topics: array(
      struct({
        name: string(),
        /** Replaces the name where the version has it. */
        topicId: uuid({ since: 7, default: ZERO_UUID, ignorable: true }),
        errorCode: int16(),
        errorMessage: nullableString({ ignorable: true }),
        /** Why the settings are not told; 0 when they are. */
        topicConfigErrorCode: int16({ since: 5, tag: 0, ignorable: true }),
        /** How many there are; the Java admin client dies on -1 here. */
        numPartitions: int32({ since: 5, default: -1, ignorable: true }),
        replicationFactor: int16({ since: 5, default: -1, ignorable: true }),
        configs: nullableArray(
          struct({
            name: string(),
            value: nullableString(),
            /** Cannot be changed by a client. */
            readOnly: bool(),
            /** Where the value comes from: 1 topic, 2 to 4 broker, 5 default; 8 group. */
            configSource: int8({ default: -1, ignorable: true }),
            /** A secret: the value is null. */
            isSensitive: bool(),
          }),
          { since: 5, default: [], ignorable: true },
        ),
      }),
    ),
  },
});

export const createTopicsApi = api(createTopicsRequest, createTopicsResponse);
export type CreateTopicsRequest = Of<typeof createTopicsRequest>;
export type CreateTopicsResponse = Draft<typeof createTopicsResponse>;
