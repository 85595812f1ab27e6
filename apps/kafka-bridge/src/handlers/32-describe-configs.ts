import { describeConfigsApi, type DescribeConfigsResponse } from '@tailrace/kafka-protocol';
import { attempt, configResourceOf } from '../topics/configs/config-resources.ts';
import type { DescribedConfig } from '../topics/configs/config-resource.ts';
import { handler } from './handler.ts';

/**
 * DescribeConfigs: settings of topics, brokers, loggers, subscriptions to client metrics and groups, with where their values
 * come from. An empty list of names asks for all, as null does.
 * Per resource: INVALID_REQUEST (a type or name that is none), INVALID_TOPIC_EXCEPTION, UNKNOWN_TOPIC_OR_PARTITION;
 * REQUEST_TIMED_OUT, retryable, when the store is away.
 */
export const describeConfigs = handler({
  api: describeConfigsApi,
  versions: describeConfigsApi.advertised,
  async run({ resources, includeSynonyms, includeDocumentation }, exchange, bridge) {
    const results = await Promise.all(
      resources.map(async ({ resourceType, resourceName, configurationKeys }): Promise<Result> => {
        const outcome = await attempt(async () => configResourceOf(resourceType).describe(resourceName, bridge));
        if (outcome.value === undefined) {
          exchange.noteError(outcome.errorCode);
          const { errorCode, errorMessage } = outcome;
          return { errorCode, errorMessage, resourceType, resourceName, configs: [] };
        }
        const wanted = new Set(configurationKeys ?? []);
        const configs = outcome.value
          .filter(({ name }) => wanted.size === 0 || wanted.has(name))
          .map((config) => asAsked(config, includeSynonyms, includeDocumentation));
        return { errorCode: outcome.errorCode, errorMessage: '', resourceType, resourceName, configs };
      }),
    );
    return { throttleTimeMs: 0, results };
  },
});

type Result = DescribeConfigsResponse['results'][number];

function asAsked(config: DescribedConfig, withSynonyms: boolean, withDocumentation: boolean): DescribedConfig {
  return {
    ...config,
    synonyms: withSynonyms ? config.synonyms : [],
    documentation: withDocumentation ? (config.documentation ?? null) : null,
  };
}
