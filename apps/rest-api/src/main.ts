import { homeOf, httpHost, listening, openFoundation, readSettings, runService } from '@tailrace/service';
import manifest from '../package.json' with { type: 'json' };
import { createRestApi } from './rest-api.ts';

/** The HTTP door as a process of its own, over a store that others share. */
async function start() {
  const foundation = await openFoundation({
    serviceName: 'tailrace-rest-api',
    serviceVersion: manifest.version,
    env: process.env,
  });
  const { settings, logger, store, catalog, limits, accessKeys, httpTls: tls } = foundation;
  try {
    const advertised = settings.kafkaAdvertised;
    const door = createRestApi(
      { store, catalog, limits, logger, tls },
      {
        version: manifest.version,
        kafkaAddress: advertised && `${advertised.host}:${advertised.port}`,
        minInsyncReplicas: settings.minInsyncReplicas,
        identity: accessKeys && { accessKeys, account: settings.account, region: settings.region },
        home: homeOf(settings),
      },
    );
    const address = await listening('HTTP', door.listen({ host: httpHost(settings), port: settings.httpPort }));
    logger.info({ store: settings.store, ...address, metricsPort: foundation.metricsPort }, 'the HTTP door is ready');
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
