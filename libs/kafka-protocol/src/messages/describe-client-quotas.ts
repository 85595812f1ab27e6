import {
  array,
  bool,
  float64,
  int16,
  int32,
  int8,
  nullableArray,
  nullableString,
  string,
  struct,
} from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Which quotas of clients match a filter. */
export const describeClientQuotasRequest = message({
  name: 'DescribeClientQuotasRequest',
  key: 48,
  versions: [0, 1],
  flexibleFrom: 1,
  fields: {
    components: array(
      struct({
        /** `user`, `client-id` or `ip`. */
        entityType: string(),
        /** 0 this very name, 1 the default, 2 any. */
        matchType: int8(),
        /** The name, for match type 0. */
        match: nullableString(),
      }),
    ),
    /** Leaves out quotas of entities that have a part which the filter does not name. */
    strict: bool(),
  },
});

/** The quotas, by the entity that has them. */
export const describeClientQuotasResponse = message({
  name: 'DescribeClientQuotasResponse',
  key: 48,
  versions: [0, 1],
  flexibleFrom: 1,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
    /** Null on an error; a client takes null without one for a fault. */
    entries: nullableArray(
      struct({
        /** A null name is the default. */
        entity: array(struct({ entityType: string(), entityName: nullableString() })),
        values: array(struct({ key: string(), value: float64() })),
      }),
    ),
  },
});

export const describeClientQuotasApi = api(describeClientQuotasRequest, describeClientQuotasResponse);
export type DescribeClientQuotasRequest = Of<typeof describeClientQuotasRequest>;
export type DescribeClientQuotasResponse = Draft<typeof describeClientQuotasResponse>;
