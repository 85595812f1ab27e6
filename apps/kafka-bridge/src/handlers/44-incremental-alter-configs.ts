import { errorCodes, incrementalAlterConfigsApi, type IncrementalAlterConfigsRequest } from '@tailrace/kafka-protocol';
import { CONFIG_OPERATIONS, type ConfigChange } from '../topics/configs/config-changes.ts';
import { ConfigRefused } from '../topics/configs/config-resource.ts';
import { alterResources } from '../topics/configs/config-resources.ts';
import { handler } from './handler.ts';

type Config = IncrementalAlterConfigsRequest['resources'][number]['configs'][number];

/**
 * IncrementalAlterConfigs: set, delete, append to and subtract from single settings. Each resource changes in one step, or not
 * at all. Errors as those of AlterConfigs; INVALID_REQUEST also for an operation that is none.
 */
export const incrementalAlterConfigs = handler({
  api: incrementalAlterConfigsApi,
  versions: incrementalAlterConfigsApi.advertised,
  async run({ resources, validateOnly }, exchange, bridge) {
    const responses = await alterResources(
      resources,
      'change',
      ({ configs }) => configs.map(changeOf),
      validateOnly,
      bridge,
    );
    for (const { errorCode } of responses) exchange.noteError(errorCode);
    return { throttleTimeMs: 0, responses };
  },
});

function changeOf({ name, configOperation, value }: Config): ConfigChange {
  const operation = CONFIG_OPERATIONS[configOperation];
  if (operation === undefined) {
    const sentence = `Unknown operation type ${configOperation} for configuration ${name}`;
    throw new ConfigRefused(errorCodes.INVALID_REQUEST, sentence);
  }
  return { name, operation, value };
}
