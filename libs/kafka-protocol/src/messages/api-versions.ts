import { array, bool, int16, int32, int64, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** First request of nearly every client: which operations and versions there are. */
export const apiVersionsRequest = message({
  name: 'ApiVersionsRequest',
  key: 18,
  versions: [0, 4],
  flexibleFrom: 3,
  fields: {
    /** The client library, such as `librdkafka`. Kafka refuses names outside [a-zA-Z0-9.-]. */
    clientSoftwareName: string({ since: 3, default: '', ignorable: true }),
    clientSoftwareVersion: string({ since: 3, default: '', ignorable: true }),
  },
});

/** What this broker can do. Sent with response header 0 in every version, so that an old client can read a refusal. */
export const apiVersionsResponse = message({
  name: 'ApiVersionsResponse',
  key: 18,
  versions: [0, 4],
  flexibleFrom: 3,
  fields: {
    errorCode: int16(),
    apiKeys: array(
      struct({
        apiKey: int16(),
        minVersion: int16(),
        maxVersion: int16(),
      }),
    ),
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32({ since: 1, default: 0, ignorable: true }),
    /** Feature levels that this broker could take. */
    supportedFeatures: array(
      struct({
        name: string(),
        minVersion: int16(),
        maxVersion: int16(),
      }),
      { since: 3, tag: 0, ignorable: true },
    ),
    /** Grows when finalized features change; -1 where there are none. */
    finalizedFeaturesEpoch: int64({ since: 3, tag: 1, default: -1n, ignorable: true }),
    /** Cluster-wide feature levels, such as `transaction.version`, by which clients choose their protocol. */
    finalizedFeatures: array(
      struct({
        name: string(),
        maxVersionLevel: int16(),
        minVersionLevel: int16(),
      }),
      { since: 3, tag: 2, ignorable: true },
    ),
    /** Of interest to controllers alone. */
    zkMigrationReady: bool({ since: 3, tag: 3, default: false, ignorable: true }),
  },
});

export const apiVersionsApi = api(apiVersionsRequest, apiVersionsResponse);
export type ApiVersionsRequest = Of<typeof apiVersionsRequest>;
export type ApiVersionsResponse = Draft<typeof apiVersionsResponse>;
