import { alterConfigsApi } from '@tailrace/kafka-protocol';
import { alterResources } from '../topics/configs/config-resources.ts';
import { handler } from './handler.ts';

/**
 * AlterConfigs: replace the settings of resources; those not named go back to their defaults.
 * Per resource: INVALID_REQUEST (named twice, a type or name that is none, a name twice, a null value, a read-only setting of a
 * broker), INVALID_TOPIC_EXCEPTION, UNKNOWN_TOPIC_OR_PARTITION, INVALID_CONFIG; REQUEST_TIMED_OUT, retryable, when others keep
 * changing it or the store is away.
 */
export const alterConfigs = handler({
  api: alterConfigsApi,
  versions: alterConfigsApi.advertised,
  async run({ resources, validateOnly }, exchange, bridge) {
    const responses = await alterResources(
      resources,
      'replace',
      ({ configs }) => configs.map(({ name, value }) => ({ name, operation: 'set', value })),
      validateOnly,
      bridge,
    );
    for (const { errorCode } of responses) exchange.noteError(errorCode);
    return { throttleTimeMs: 0, responses };
  },
});
