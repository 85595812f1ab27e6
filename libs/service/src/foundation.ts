import { randomUUID } from 'node:crypto';
import { KnownAccessKeys, SecretSealing } from '@tailrace/identity';
import { ShardLimits } from '@tailrace/quota';
import { openStore, startOnDemandScaling, startRetention, type Store, StreamCatalog } from '@tailrace/shard-core';
import { createLogger, type Logger, startMetricsServer, startTelemetry } from '@tailrace/telemetry';
import { readSettings, type Settings } from './settings.ts';

export interface FoundationOptions {
  readonly serviceName: string;
  readonly serviceVersion: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What the doors stand on, whichever of them this process opens. */
export interface Foundation {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly store: Store;
  readonly catalog: StreamCatalog;
  readonly limits: ShardLimits;
  /** `undefined`: nobody is asked for credentials. */
  readonly accessKeys: KnownAccessKeys | undefined;
  readonly metricsPort: number;
  /** After the doors: lets go of everything, the store last. */
  close(): Promise<void>;
}

/** Settings, tracing, metrics, store, streams, limits, retention, in the order in which they need one another. */
export async function openFoundation({ serviceName, serviceVersion, env }: FoundationOptions): Promise<Foundation> {
  const { settings, warnings } = readSettings(env);
  const logger = createLogger({ level: settings.logLevel });
  for (const warning of warnings) logger.warn(warning);
  /** What has been opened, the newest last: closed backwards, also when a later one cannot be opened. */
  const opened: (() => Promise<unknown> | void)[] = [];
  const closeAll = async () => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    const telemetry = await startTelemetry({ serviceName, serviceVersion });
    opened.push(() => telemetry.shutdown());
    const store = await openStore(settings);
    opened.push(() => store.close());
    const catalog = await StreamCatalog.open(store);
    opened.push(() => catalog.close());
    const limits = new ShardLimits(store.tokenBuckets, {
      enabled: settings.limits,
      refusePercent: settings.injectThrottling,
    });
    opened.push(() => limits.close());
    const accessKeys =
      settings.auth === 'sigv4'
        ? await KnownAccessKeys.open(store.documents, new SecretSealing(settings.masterKeys))
        : undefined;
    if (accessKeys !== undefined) {
      opened.push(() => accessKeys.close());
      if (accessKeys.size === 0) logger.warn('there are no access keys yet: `tailrace keys create` makes one');
    }
    opened.push(
      startRetention(store, catalog, {
        holder: randomUUID(),
        onError: (error) => logger.warn({ err: error }, 'retention: a sweep failed; the next one tries again'),
      }),
    );
    opened.push(
      startOnDemandScaling(store, catalog, {
        holder: randomUUID(),
        onError: (error) =>
          logger.warn({ err: error }, 'scaling: a look at ON_DEMAND streams failed; the next one tries again'),
      }),
    );
    const metrics = await startMetricsServer({ host: settings.host, port: settings.metricsPort });
    opened.push(() => metrics.close());
    return { settings, logger, store, catalog, limits, accessKeys, metricsPort: metrics.port, close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}
