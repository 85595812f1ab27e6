import { errorCodes, listConfigResourcesApi } from '@tailrace/kafka-protocol';
import { RESOURCE_TYPE } from '../topics/configs/config-resource.ts';
import { attempt, configResources } from '../topics/configs/config-resources.ts';
import { handler } from './handler.ts';

/** Other types than client metrics can be asked for from here on. */
const TYPES_SINCE = 1;

/**
 * ListConfigResources: the names of everything that has settings, by type.
 * Errors: UNSUPPORTED_VERSION (a type that is none); REQUEST_TIMED_OUT, retryable, when the store is away.
 */
export const listConfigResources = handler({
  api: listConfigResourcesApi,
  versions: listConfigResourcesApi.advertised,
  async run({ resourceTypes }, exchange, bridge) {
    const failed = (errorCode: number) => {
      exchange.noteError(errorCode);
      return { throttleTimeMs: 0, errorCode, configResources: [] };
    };
    const wanted = new Set(exchange.header.apiVersion < TYPES_SINCE ? [RESOURCE_TYPE.clientMetrics] : resourceTypes);
    const known = new Set(configResources.map(({ type }) => type));
    for (const type of wanted) if (!known.has(type)) return failed(errorCodes.UNSUPPORTED_VERSION);
    const outcome = await attempt(async () => {
      const named = configResources.filter(({ type }) => wanted.size === 0 || wanted.has(type));
      const lists = await Promise.all(
        named.map(async (resource) =>
          (await resource.names(bridge)).map((resourceName) => ({ resourceName, resourceType: resource.type })),
        ),
      );
      return lists.flat();
    });
    if (outcome.value === undefined) return failed(outcome.errorCode);
    return { throttleTimeMs: 0, errorCode: errorCodes.NONE, configResources: outcome.value };
  },
});
