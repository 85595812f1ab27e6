import { kafkaHost, listening, openFoundation, placeOfRecords, readSettings, runService } from '@tailrace/service';
import manifest from '../package.json' with { type: 'json' };
import { createKafkaDoor, securityFromSettings } from './index.ts';

/** The Kafka door as a process of its own, over a store that others share. */
async function start() {
  const foundation = await openFoundation({
    serviceName: 'tailrace-kafka-bridge',
    serviceVersion: manifest.version,
    env: process.env,
  });
  const { settings, logger, store, catalog, limits, kafkaTls: tls } = foundation;
  try {
    const door = createKafkaDoor(
      { store, catalog, limits, logger, tls },
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
    const host = kafkaHost(settings);
    const address = await listening('Kafka', door.listen({ host, port: settings.kafkaPort }));
    logger.info({ store: settings.store, ...address, metricsPort: foundation.metricsPort }, 'the Kafka door is ready');
    return {
      close: async () => {
        await door.close(settings.shutdownGraceMs);
        await foundation.close();
      },
    };
  } catch (error) {
    await foundation.close();
    throw error;
  }
}

await runService(start, {
  graceMs: () => readSettings(process.env).settings.shutdownGraceMs,
  log: (message) => process.stderr.write(`${message}\n`),
});
