import { once } from 'node:events';
import { createRestApi } from '@tailrace/rest-api';
import { createKafkaDoor } from '@tailrace/kafka-bridge';
import { listening, openFoundation, readSettings, runService } from '@tailrace/service';
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
  const { settings, logger, store, catalog, limits } = foundation;
  const { host } = settings;
  try {
    const kafka = createKafkaDoor(
      { store, catalog, limits, logger },
      {
        advertised: settings.kafkaAdvertised,
        nodeId: settings.nodeId,
        autoCreateTopics: settings.autoCreateTopics,
        defaultPartitions: settings.defaultPartitions,
        minInsyncReplicas: settings.minInsyncReplicas,
      },
    );
    const kafkaAddress = await listening('Kafka', kafka.listen({ host, port: settings.kafkaPort }));
    const http = createRestApi(
      { store, catalog, limits, logger },
      {
        version: VERSION,
        kafkaAddress: `${kafkaAddress.host}:${kafkaAddress.port}`,
        minInsyncReplicas: settings.minInsyncReplicas,
      },
    );
    let httpAddress;
    try {
      httpAddress = await listening('HTTP', http.listen({ host, port: settings.httpPort }));
    } catch (error) {
      await kafka.close(0);
      throw error;
    }
    const text = banner({ settings, http: httpAddress, kafka: kafkaAddress, metricsPort: foundation.metricsPort });
    if (!process.stdout.write(text)) await once(process.stdout, 'drain');
    logger.info({ store: settings.store, http: httpAddress.port, kafka: kafkaAddress.port }, 'ready');
    return {
      close: async () => {
        await Promise.all([http.close(settings.shutdownGraceMs), kafka.close(settings.shutdownGraceMs)]);
        await foundation.close();
      },
    };
  } catch (error) {
    await foundation.close();
    throw error;
  }
}
