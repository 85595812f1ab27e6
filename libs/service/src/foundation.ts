import { randomUUID } from 'node:crypto';
import { KnownAccessKeys, SecretSealing } from '@tailrace/identity';
import { ShardLimits } from '@tailrace/quota';
import {
  KeyRing,
  openEncryptedStore,
  openStore,
  startCompaction,
  startOnDemandScaling,
  startRetention,
  type Store,
  StreamCatalog,
} from '@tailrace/shard-core';
import { createLogger, type Logger, startMetricsServer, startTelemetry } from '@tailrace/telemetry';
import { closeBackwards } from './close-backwards.ts';
import { readSettings, type Settings } from './settings.ts';
import { ServerTls } from './tls/server-tls.ts';

export interface FoundationOptions {
  readonly serviceName: string;
  readonly serviceVersion: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What the doors stand on, whichever of them this process opens. */
export interface Foundation {
  readonly settings: Settings;
  readonly logger: Logger;
  /** Seals and opens the records of encrypted streams. */
  readonly store: Store;
  readonly catalog: StreamCatalog;
  readonly limits: ShardLimits;
  /** `undefined`: nobody is asked for credentials. */
  readonly accessKeys: KnownAccessKeys | undefined;
  /** `undefined`: the port speaks plain text. */
  readonly httpTls: ServerTls | undefined;
  readonly kafkaTls: ServerTls | undefined;
  readonly metricsPort: number;
  /** After the doors: lets go of everything, the store last. */
  close(): Promise<void>;
}

/** Settings, tracing, metrics, store, streams, limits, retention, compaction, in the order in which they need one another. */
export async function openFoundation({ serviceName, serviceVersion, env }: FoundationOptions): Promise<Foundation> {
  const { settings, warnings } = readSettings(env);
  const logger = createLogger({ level: settings.logLevel });
  for (const warning of warnings) logger.warn(warning);
  /** What has been opened, the newest last: closed backwards, also when a later one cannot be opened. */
  const opened: (() => Promise<unknown> | void)[] = [];
  try {
    // First: a file that is missing is told at once.
    const tls = await openTls(settings, logger);
    if (tls !== undefined) opened.push(() => tls.close());
    const telemetry = await startTelemetry({ serviceName, serviceVersion });
    opened.push(() => telemetry.shutdown());
    const engine = await openStore(settings);
    opened.push(() => engine.close());
    const catalog = await StreamCatalog.open(engine, Date.now, {
      reservesOwnedNames: settings.separateAccounts,
    });
    opened.push(() => catalog.close());
    const encrypted = await openEncryptedStore(engine, catalog, {
      keyRing: new KeyRing(settings.encryptionKeys),
      onWorn: (keyId, seals) =>
        logger.warn(
          { encryptionKey: keyId, batches: seals },
          'encryption: this key has sealed half as many batches as are safe under one key; go on to another one',
        ),
      onError: (error) =>
        logger.warn({ err: error }, 'encryption: the use of keys was not counted; the next try adds it'),
    });
    opened.push(() => encrypted.close());
    const { store } = encrypted;
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
      startCompaction(store, catalog, {
        holder: randomUUID(),
        onError: (error, stream) =>
          logger.warn(
            { err: error, stream: stream?.name },
            'compaction: a stream was left as it is; the next look tries again',
          ),
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
    return {
      settings,
      logger,
      store,
      catalog,
      limits,
      accessKeys,
      httpTls: settings.tlsDoors === 'kafka' ? undefined : tls,
      kafkaTls: settings.tlsDoors === 'http' ? undefined : tls,
      metricsPort: metrics.port,
      close: () => closeBackwards(opened),
    };
  } catch (error) {
    await closeBackwards(opened).catch((err: unknown) => logger.warn({ err }, 'not all could be closed again'));
    throw error;
  }
}

async function openTls(settings: Settings, logger: Logger): Promise<ServerTls | undefined> {
  const { tlsCert: certificate, tlsKey: key, tlsKeyPassphrase, tlsClientCa, tlsMinVersion } = settings;
  if (certificate === undefined || key === undefined) return undefined;
  const minVersion = `TLSv${tlsMinVersion}` as const;
  return ServerTls.open({ certificate, key, passphrase: tlsKeyPassphrase, clientCa: tlsClientCa, minVersion }, logger);
}
