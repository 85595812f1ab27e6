import { errorCodes } from '@tailrace/kafka-protocol';
import { StoreUnavailable } from '@tailrace/shard-core';
import type { Bridge } from '../../bridge.ts';
import { brokerLoggerResource } from './broker-logger-resource.ts';
import { brokerResource } from './broker-resource.ts';
import { clientMetricsResource } from './client-metrics-resource.ts';
import type { ConfigChange, ConfigChanges } from './config-changes.ts';
import { ConfigRefused, type ConfigResource } from './config-resource.ts';
import { groupResource } from './group-resource.ts';
import { topicResource } from './topic-resource.ts';

/** Everything that has settings. */
export const configResources: readonly ConfigResource[] = [
  topicResource,
  brokerResource,
  brokerLoggerResource,
  clientMetricsResource,
  groupResource,
];

export interface NamedResource {
  readonly resourceType: number;
  readonly resourceName: string;
}

export interface AlteredResource extends NamedResource {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

export function configResourceOf(resourceType: number): ConfigResource {
  const resource = configResources.find(({ type }) => type === resourceType);
  if (resource !== undefined) return resource;
  throw new ConfigRefused(errorCodes.INVALID_REQUEST, `Unknown resource type ${resourceType}`);
}

/** What became of work on one resource: its value, or the error to answer with. A bug is thrown on. */
export async function attempt<T>(
  work: () => Promise<T>,
): Promise<
  | { readonly errorCode: 0; readonly value: T }
  | { readonly errorCode: number; readonly errorMessage: string; readonly value: undefined }
> {
  try {
    return { errorCode: errorCodes.NONE, value: await work() };
  } catch (error) {
    if (error instanceof ConfigRefused) {
      return { errorCode: error.errorCode, errorMessage: error.message, value: undefined };
    }
    if (!(error instanceof StoreUnavailable)) throw error;
    return {
      errorCode: errorCodes.REQUEST_TIMED_OUT,
      errorMessage: 'The store is not available.',
      value: undefined,
    };
  }
}

/** Changes resources, each one by itself. One that is named twice is not changed at all. */
export function alterResources<Resource extends NamedResource>(
  resources: readonly Resource[],
  kind: ConfigChanges['kind'],
  changesOf: (resource: Resource) => readonly ConfigChange[],
  validateOnly: boolean,
  bridge: Bridge,
): Promise<AlteredResource[]> {
  const counts = new Map<string, number>();
  const keyOf = ({ resourceType, resourceName }: NamedResource) => `${resourceType} ${resourceName}`;
  for (const resource of resources) counts.set(keyOf(resource), (counts.get(keyOf(resource)) ?? 0) + 1);
  return Promise.all(
    resources.map(async (resource) => {
      const { resourceType, resourceName } = resource;
      const outcome = await attempt(async () => {
        if (counts.get(keyOf(resource)) !== 1)
          throw new ConfigRefused(errorCodes.INVALID_REQUEST, 'Each resource must appear at most once.');
        const changes = { kind, changes: changesOf(resource) };
        await configResourceOf(resourceType).alter(resourceName, changes, validateOnly, bridge);
      });
      const errorMessage = 'errorMessage' in outcome ? outcome.errorMessage : null;
      return { errorCode: outcome.errorCode, errorMessage, resourceType, resourceName };
    }),
  );
}
