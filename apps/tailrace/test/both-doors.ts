import type { AddressInfo } from 'node:net';
import { createKafkaDoor } from '@tailrace/kafka-bridge';
import { createRestApi } from '@tailrace/rest-api';
import { openFoundation } from '@tailrace/service';
import { Kafka, logLevel } from 'kafkajs';

const TARGET_PREFIX = 'Kinesis_20131202';
const HOST = '127.0.0.1';

/** Both doors in the process of the test, on free ports, so that what they do can be looked at from inside. */
export interface BothDoors {
  readonly httpUrl: string;
  readonly kafkaPort: number;
  readonly kafka: Kafka;
  /** An operation of the AWS protocol; answers its output, throws for anything but 200. */
  aws<T = unknown>(operation: string, input: object, headers?: Readonly<Record<string, string>>): Promise<T>;
  close(): Promise<void>;
}

export async function openBothDoors(env: Readonly<Record<string, string>>): Promise<BothDoors> {
  const foundation = await openFoundation({
    serviceName: 'tailrace',
    serviceVersion: '0.0.0',
    env: { TAILRACE_METRICS_PORT: '0', TAILRACE_LOG_LEVEL: 'error', ...env },
  });
  const kafkaDoor = createKafkaDoor(foundation);
  const { port: kafkaPort } = await kafkaDoor.listen({ host: HOST, port: 0 });
  const httpDoor = createRestApi(foundation, { version: '0.0.0' });
  const { port: httpPort }: Pick<AddressInfo, 'port'> = await httpDoor.listen({ host: HOST, port: 0 });
  const httpUrl = `http://${HOST}:${httpPort}`;
  process.env['KAFKAJS_NO_PARTITIONER_WARNING'] = '1';
  return {
    httpUrl,
    kafkaPort,
    kafka: new Kafka({ clientId: 'spec', brokers: [`${HOST}:${kafkaPort}`], logLevel: logLevel.NOTHING }),
    async aws<T>(operation: string, input: object, headers: Readonly<Record<string, string>> = {}): Promise<T> {
      const answer = await fetch(httpUrl, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': `${TARGET_PREFIX}.${operation}`,
          ...headers,
        },
        body: JSON.stringify(input),
      });
      const text = await answer.text();
      if (answer.status !== 200) throw new Error(`${operation}: ${answer.status} ${text}`);
      return (text === '' ? undefined : JSON.parse(text)) as T;
    },
    async close() {
      await Promise.all([httpDoor.close(0), kafkaDoor.close(0)]);
      await foundation.close();
    },
  };
}
