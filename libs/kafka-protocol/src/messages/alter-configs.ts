import { array, bool, int16, int32, int8, nullableString, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Replace all settings of a resource; those not named go back to their defaults. */
export const alterConfigsRequest = message({
  name: 'AlterConfigsRequest',
  key: 33,
  versions: [0, 2],
  flexibleFrom: 2,
  fields: {
    resources: array(
      struct({
        /** 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group. */
        resourceType: int8(),
        resourceName: string(),
        configs: array(
          struct({
            name: string(),
            value: nullableString(),
          }),
        ),
      }),
    ),
    /** Check, but do nothing. */
    validateOnly: bool(),
  },
});

/** Which resources have taken their new settings. */
export const alterConfigsResponse = message({
  name: 'AlterConfigsResponse',
  key: 33,
  versions: [0, 2],
  flexibleFrom: 2,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    responses: array(
      struct({
        errorCode: int16(),
        errorMessage: nullableString(),
        /** 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group. */
        resourceType: int8(),
        resourceName: string(),
      }),
    ),
  },
});

export const alterConfigsApi = api(alterConfigsRequest, alterConfigsResponse);
export type AlterConfigsRequest = Of<typeof alterConfigsRequest>;
export type AlterConfigsResponse = Draft<typeof alterConfigsResponse>;
