import { type ApiVersionsResponse, apiVersionsApi, errorCodes } from '@tailrace/kafka-protocol';
import { features, FEATURES_EPOCH, LEVEL_0_SINCE } from './features.ts';
import { type Handler, handler } from './handler.ts';

/** Clients name their software here; Kafka takes letters, digits, dots and dashes, beginning and ending with a letter or digit. */
const SOFTWARE_WORD = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;
const SOFTWARE_NAME_SINCE = 3;

/**
 * ApiVersions: which operations are there, in which versions. The answer is the table of handlers.
 * Errors: INVALID_REQUEST (a software name or version that is no word). A version of this very request that is not known
 * is answered by `apiVersionsOfUnknownVersion`.
 */
export function apiVersionsHandler(handlers: () => readonly Handler[]): Handler {
  return handler({
    api: apiVersionsApi,
    versions: apiVersionsApi.advertised,
    run({ clientSoftwareName, clientSoftwareVersion }, exchange) {
      const named = exchange.header.apiVersion >= SOFTWARE_NAME_SINCE;
      if (named && !(SOFTWARE_WORD.test(clientSoftwareName) && SOFTWARE_WORD.test(clientSoftwareVersion))) {
        exchange.noteError(errorCodes.INVALID_REQUEST);
        return { errorCode: errorCodes.INVALID_REQUEST, apiKeys: [], throttleTimeMs: 0 };
      }
      return apiVersions(handlers(), errorCodes.NONE, exchange.header.apiVersion);
    },
  });
}

/**
 * The answer, in version 0, to an ApiVersions request in a version that is not known: error 35 and the whole table, so
 * that the client can ask again in a version that both know.
 */
export function apiVersionsOfUnknownVersion(handlers: readonly Handler[]): ApiVersionsResponse {
  return apiVersions(handlers, errorCodes.UNSUPPORTED_VERSION, 0);
}

function apiVersions(handlers: readonly Handler[], errorCode: number, version: number): ApiVersionsResponse {
  const apiKeys = handlers.map(({ api, versions }) => ({
    apiKey: api.key,
    minVersion: versions[0],
    maxVersion: versions[1],
  }));
  return {
    errorCode,
    apiKeys,
    throttleTimeMs: 0,
    supportedFeatures: features
      .filter(({ minVersion }) => minVersion > 0 || version >= LEVEL_0_SINCE)
      .map(({ name, minVersion, maxVersion }) => ({ name, minVersion, maxVersion })),
    finalizedFeaturesEpoch: FEATURES_EPOCH,
    finalizedFeatures: features.map(({ name, level }) => ({ name, maxVersionLevel: level, minVersionLevel: level })),
  };
}
