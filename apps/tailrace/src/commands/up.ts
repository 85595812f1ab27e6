import { once } from 'node:events';
import { createRestApi } from '@tailrace/rest-api';
import { createKafkaDoor, securityFromSettings } from '@tailrace/kafka-bridge';
import {
  type Foundation,
  httpHost,
  kafkaHost,
  listening,
  openFoundation,
  placeOfRecords,
  readSettings,
  runService,
  homeOf,
} from '@tailrace/service';
import { keyMethods } from '../access-keys/key-methods.ts';
import { type KeySocket, serveKeys } from '../access-keys/key-socket.ts';
import { parseArguments } from '../arguments.ts';
import { banner } from '../banner.ts';
import { UsageError } from '../usage-error.ts';
import { VERSION } from '../version.ts';

/** What a command answers that has started something which goes on. */
const RUNNING = -1;

/** `tailrace up`: both doors in one process. */
export async function run(args: readonly string[]): Promise<number> {
  const { positionals } = parseArguments(args, {});
  if (positionals.length > 0)
    throw new UsageError('`tailrace up` takes no arguments: settings are environment variables.');
  const log = (message: string) => process.stderr.write(`${message}\n`);
  await runService(start, { graceMs: () => readSettings(process.env).settings.shutdownGraceMs, log });
  return RUNNING;
}

async function start() {
  const foundation = await openFoundation({ serviceName: 'tailrace', serviceVersion: VERSION, env: process.env });
  const { settings, logger, store, catalog, limits, accessKeys, kafkaTls, httpTls } = foundation;
  try {
    const kafka = createKafkaDoor(
      { store, catalog, limits, logger, tls: kafkaTls },
      {
        advertised: settings.kafkaAdvertised,
        nodeId: settings.nodeId,
        rack: settings.rack,
        logDir: placeOfRecords(settings),
        autoCreateTopics: settings.autoCreateTopics,
        defaultPartitions: settings.defaultPartitions,
        offsetsRetentionMs: settings.offsetsRetentionMinutes * 60_000,
        offsetsTopic: settings.offsetsTopic,
        consumerSessionTimeoutMs: settings.consumerSessionTimeoutMs,
        consumerHeartbeatIntervalMs: settings.consumerHeartbeatIntervalMs,
        shareLockDurationMsMin: settings.shareLockDurationMsMin,
        minInsyncReplicas: settings.minInsyncReplicas,
        security: securityFromSettings(settings),
      },
    );
    const kafkaAddress = await listening(
      'Kafka',
      kafka.listen({ host: kafkaHost(settings), port: settings.kafkaPort }),
    );
    const http = createRestApi(
      { store, catalog, limits, logger, tls: httpTls },
      {
        version: VERSION,
        kafkaAddress: `${kafkaAddress.host}:${kafkaAddress.port}`,
        minInsyncReplicas: settings.minInsyncReplicas,
        identity: accessKeys && { accessKeys, account: settings.account, region: settings.region },
        home: homeOf(settings),
      },
    );
    let httpAddress;
    try {
      httpAddress = await listening('HTTP', http.listen({ host: httpHost(settings), port: settings.httpPort }));
    } catch (error) {
      await kafka.close(0);
      throw error;
    }
    const keySocket = settings.store === 'embedded' ? await keySocketOf(foundation) : undefined;
    const text = banner({ settings, http: httpAddress, kafka: kafkaAddress, metricsPort: foundation.metricsPort });
    if (!process.stdout.write(text)) await once(process.stdout, 'drain');
    logger.info({ store: settings.store, http: httpAddress.port, kafka: kafkaAddress.port }, 'ready');
    return {
      close: async () => {
        await keySocket?.close();
        await Promise.all([http.close(settings.shutdownGraceMs), kafka.close(settings.shutdownGraceMs)]);
        await foundation.close();
      },
    };
  } catch (error) {
    await foundation.close();
    throw error;
  }
}

/** For `tailrace keys`, which cannot open the store while this process has it. The service does without if need be. */
async function keySocketOf({ settings, store, logger }: Foundation): Promise<KeySocket | undefined> {
  try {
    return await serveKeys(settings.dataDir, keyMethods(store.documents, settings.masterKeys));
  } catch (error) {
    logger.warn({ err: error }, '`tailrace keys` works only while this service is stopped: its socket cannot be made');
    return undefined;
  }
}
