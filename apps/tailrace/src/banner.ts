import { resolve } from 'node:path';
import type { Settings } from '@tailrace/service';
import { VERSION } from './version.ts';

interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Running {
  readonly settings: Pick<
    Settings,
    'store' | 'dataDir' | 'durability' | 'redisUrl' | 'limits' | 'auth' | 'kafkaAuth' | 'tlsCert' | 'tlsDoors'
  >;
  readonly http: Address;
  readonly kafka: Address;
  readonly metricsPort: number;
}

/** What `tailrace up` prints when it is ready: where it listens, and what to paste to see a record pass. */
export function banner({ settings, http, kafka, metricsPort }: Running): string {
  const speaksTls = (door: 'http' | 'kafka') =>
    settings.tlsCert !== undefined && (settings.tlsDoors === 'both' || settings.tlsDoors === door);
  const httpUrl = `${speaksTls('http') ? 'https' : 'http'}://${place(http)}`;
  const kafkaNotes = [
    ...(speaksTls('kafka') ? ['TLS'] : []),
    ...(settings.kafkaAuth.length > 0 ? [`clients authenticate by ${settings.kafkaAuth.join(' or ')}`] : []),
  ];
  const where =
    settings.store === 'redis'
      ? `Redis at ${withoutPassword(settings.redisUrl)}`
      : `${resolve(settings.dataDir)} (${settings.durability === 'sync' ? 'acknowledged when on the disk' : 'acknowledged before it is on the disk'})`;
  return `Tailrace ${VERSION} is ready.

  Kinesis and REST   ${httpUrl}   (HTTP/1.1 and HTTP/2)
  Kafka              ${place(kafka)}${kafkaNotes.length > 0 ? `   (${kafkaNotes.join('; ')})` : ''}
  Metrics            http://${place({ host: http.host, port: metricsPort })}/metrics
  Store              ${where}
  Shard limits       ${settings.limits ? 'on' : 'off'}

Try it, in another terminal:

${settings.auth === 'sigv4' ? withKeys(httpUrl) : withoutKeys(httpUrl)}
  kcat -C -e -b ${place(kafka)} -t orders

`;
}

function withoutKeys(httpUrl: string): string {
  return `  npx tailrace streams create orders --shards 4
  aws kinesis put-record --endpoint-url ${httpUrl} --stream-name orders --partition-key k --data aGVsbG8=
  curl ${httpUrl}/v1/streams/orders/records -H 'content-type: application/json' -d '{"partitionKey":"k","data":"hello"}'`;
}

/** REST is closed then. */
function withKeys(httpUrl: string): string {
  return `  npx tailrace keys create --user me     # and its id and secret into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
  aws kinesis create-stream --endpoint-url ${httpUrl} --stream-name orders --shard-count 4
  aws kinesis put-record --endpoint-url ${httpUrl} --stream-name orders --partition-key k --data aGVsbG8=`;
}

function place({ host, port }: Address): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//');
}
