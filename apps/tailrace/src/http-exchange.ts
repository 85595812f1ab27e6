import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { ClientTls } from './client-access.ts';

/** How long the service may be silent. */
const ANSWER_PATIENCE_MS = 30_000;
/** A page of streams or shards has less than a megabyte; whoever sends more is not our service. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

export interface Answer {
  readonly status: number;
  readonly text: string;
}

interface ExchangeOptions {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly tls: ClientTls | undefined;
}

/** One request of text and its answer. Rejects as the socket does. */
export function exchange(url: string, { method, headers, body, tls }: ExchangeOptions): Promise<Answer> {
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const options = { method, headers: { ...headers, ...length }, timeout: ANSWER_PATIENCE_MS };
  return new Promise((resolve, reject) => {
    const request = url.startsWith('https:') ? tlsRequest(url, { ...options, ...tls }) : plainRequest(url, options);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES_MAX) request.destroy(new Error(`an answer of more than ${ANSWER_BYTES_MAX} bytes`));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${ANSWER_PATIENCE_MS} ms`)));
    request.on('error', reject);
    request.end(body);
  });
}
