import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { ClientTls } from './client-access.ts';

/** How long the service may be silent. */
const ANSWER_PATIENCE_MS = 30_000;

/** One request of JSON and its answer. Rejects as the socket does. */
export function exchange(
  url: string,
  {
    method,
    body,
    tls,
  }: { readonly method: string; readonly body: string | undefined; readonly tls: ClientTls | undefined },
): Promise<{ readonly status: number; readonly text: string }> {
  const headers =
    body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const options = { method, headers, timeout: ANSWER_PATIENCE_MS };
  return new Promise((resolve, reject) => {
    const request = url.startsWith('https:') ? tlsRequest(url, { ...options, ...tls }) : plainRequest(url, options);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${ANSWER_PATIENCE_MS} ms`)));
    request.on('error', reject);
    request.end(body);
  });
}
