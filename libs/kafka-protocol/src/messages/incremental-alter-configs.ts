import { array, bool, int16, int32, int8, nullableString, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Change single settings and leave the others as they are. */
export const incrementalAlterConfigsRequest = message({
  name: 'IncrementalAlterConfigsRequest',
  key: 44,
  versions: [0, 1],
  flexibleFrom: 1,
  fields: {
    resources: array(
      struct({
        /** 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group. */
        resourceType: int8(),
        resourceName: string(),
        configs: array(
          struct({
            name: string(),
            /** 0 set, 1 delete, 2 append to a list, 3 take from a list. */
            configOperation: int8(),
            value: nullableString(),
          }),
        ),
      }),
    ),
    /** Check, but do nothing. */
    validateOnly: bool(),
  },
});

/** Which resources have taken their changes. */
export const incrementalAlterConfigsResponse = message({
  name: 'IncrementalAlterConfigsResponse',
  key: 44,
  versions: [0, 1],
  flexibleFrom: 1,
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

export const incrementalAlterConfigsApi = api(incrementalAlterConfigsRequest, incrementalAlterConfigsResponse);
export type IncrementalAlterConfigsRequest = Of<typeof incrementalAlterConfigsRequest>;
export type IncrementalAlterConfigsResponse = Draft<typeof incrementalAlterConfigsResponse>;
