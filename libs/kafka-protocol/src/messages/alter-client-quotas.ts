import { array, bool, float64, int16, int32, nullableString, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Quotas of clients to set or to remove. */
export const alterClientQuotasRequest = message({
  name: 'AlterClientQuotasRequest',
  key: 49,
  versions: [0, 1],
  flexibleFrom: 1,
  fields: {
    entries: array(
      struct({
        /** `user`, `client-id` or both, or `ip`; a null name is the default. */
        entity: array(struct({ entityType: string(), entityName: nullableString() })),
        ops: array(
          struct({
            /** `producer_byte_rate`, … */
            key: string(),
            value: float64(),
            remove: bool(),
          }),
        ),
      }),
    ),
    validateOnly: bool(),
  },
});

/** How it went, in the order of the request. */
export const alterClientQuotasResponse = message({
  name: 'AlterClientQuotasResponse',
  key: 49,
  versions: [0, 1],
  flexibleFrom: 1,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    entries: array(
      struct({
        errorCode: int16(),
        errorMessage: nullableString(),
        entity: array(struct({ entityType: string(), entityName: nullableString() })),
      }),
    ),
  },
});

export const alterClientQuotasApi = api(alterClientQuotasRequest, alterClientQuotasResponse);
export type AlterClientQuotasRequest = Of<typeof alterClientQuotasRequest>;
export type AlterClientQuotasResponse = Draft<typeof alterClientQuotasResponse>;
