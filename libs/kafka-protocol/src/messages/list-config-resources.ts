import { array, int16, int32, int8, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** What has settings? In version 0, client metrics alone. */
export const listConfigResourcesRequest = message({
  name: 'ListConfigResourcesRequest',
  key: 74,
  versions: [0, 1],
  flexibleFrom: 0,
  fields: {
    /** 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group; none asks for all. */
    resourceTypes: array(int8(), { since: 1 }),
  },
});

/** The names of what has settings. */
export const listConfigResourcesResponse = message({
  name: 'ListConfigResourcesResponse',
  key: 74,
  versions: [0, 1],
  flexibleFrom: 0,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    errorCode: int16(),
    configResources: array(
      struct({
        resourceName: string(),
        resourceType: int8({ since: 1, default: 16, ignorable: true }),
      }),
    ),
  },
});

export const listConfigResourcesApi = api(listConfigResourcesRequest, listConfigResourcesResponse);
export type ListConfigResourcesRequest = Of<typeof listConfigResourcesRequest>;
export type ListConfigResourcesResponse = Draft<typeof listConfigResourcesResponse>;
