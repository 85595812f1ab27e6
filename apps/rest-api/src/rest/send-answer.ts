import type { ServerResponse } from 'node:http';
import { JSON_MEDIA_TYPE } from './media-type.ts';
import type { RestAnswer } from './operation.ts';
import { PROBLEM_MEDIA_TYPE, type Problem, problemBody, retryAfterSeconds } from './problem.ts';

/** A client that takes nothing for so long is cut off. */
export const STALL_MS_MAX = 5 * 60_000;

/** Sends an answer; of chunks the next one is made when the client has taken the last. */
export async function sendAnswer(response: ServerResponse, answer: RestAnswer, head: boolean): Promise<void> {
  const headers: Record<string, string | number> = { 'X-Content-Type-Options': 'nosniff', ...answer.headers };
  if ('empty' in answer) {
    response.writeHead(answer.status, headers).end();
    return;
  }
  if ('chunks' in answer) {
    headers['Content-Type'] = answer.contentType;
    response.writeHead(answer.status, headers);
    if (head) response.end();
    else await sendChunks(response, answer.chunks);
    return;
  }
  const text = 'json' in answer ? JSON.stringify(answer.json) : answer.text;
  headers['Content-Type'] = 'json' in answer ? JSON_MEDIA_TYPE : answer.contentType;
  headers['Content-Length'] = Buffer.byteLength(text);
  response.writeHead(answer.status, headers).end(head ? undefined : text);
}

export function sendProblem(response: ServerResponse, problem: Problem, instance: string, head: boolean): void {
  const { status, headers, retryAfterMs } = problem.facts;
  const text = JSON.stringify(problemBody(problem, instance));
  response
    .writeHead(status, {
      'X-Content-Type-Options': 'nosniff',
      ...(retryAfterMs === undefined ? {} : { 'Retry-After': retryAfterSeconds(retryAfterMs) }),
      ...headers,
      'Content-Type': PROBLEM_MEDIA_TYPE,
      'Content-Length': Buffer.byteLength(text),
    })
    .end(head ? undefined : text);
}

async function sendChunks(response: ServerResponse, chunks: AsyncIterable<string | Buffer>): Promise<void> {
  // Headers alone, so that a client knows at once that it was heard, however long the first chunk takes.
  response.flushHeaders();
  for await (const chunk of chunks) {
    if (response.destroyed) return;
    if (!response.write(chunk)) await drained(response);
  }
  if (!response.destroyed) response.end();
}

/** Waits until the client has taken what was sent, has gone, or is cut off. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      response.off('drain', done).off('close', done);
      resolve();
    };
    const timer = setTimeout(() => response.destroy(), STALL_MS_MAX);
    response.on('drain', done).on('close', done);
    if (response.destroyed) done();
  });
}
