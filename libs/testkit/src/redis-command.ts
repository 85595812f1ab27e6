import { Redis } from 'ioredis';

const CONNECT_TIMEOUT_MS = 1_000;
const DISCONNECT_TIMEOUT_MS = 50;
const REPLY_TIMEOUT_MS = 5_000;

/**
 * One command on a connection of its own, without retries. Throws what Redis answers as an error, or what the
 * connection failed with; a server that accepts but does not answer is given up on after 5 s.
 */
export async function redisCommand(port: number, name: string, ...args: (string | number)[]): Promise<unknown> {
  const client = new Redis({
    host: '127.0.0.1',
    port,
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: REPLY_TIMEOUT_MS,
    // A server that was paused meanwhile does not close its side.
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    enableReadyCheck: false,
    retryStrategy: null,
    maxRetriesPerRequest: 0,
  });
  let connectionError: Error | undefined;
  client.on('error', (error: Error) => {
    connectionError = error;
  });
  try {
    await client.connect();
    return await client.call(name, ...args);
  } catch (error) {
    // ioredis says "Connection is closed." and keeps the reason for the event.
    throw connectionError ?? error;
  } finally {
    client.disconnect();
  }
}
